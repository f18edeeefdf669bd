package host

import (
	"errors"
	"fmt"
	"strings"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
)

// Fault is a call that a plugin did not answer as the contract asks, or could not be given. Its message is for
// operators; a client should see only that a plugin failed.
type Fault struct {
	Plugin string // file name without .wasm
	Export string // what was called, or "start"
	Hash   string // of the version that faulted
	Cause  string
	// Starved is true when no instance was free before the caller's context ended: the plugin did nothing wrong.
	Starved bool
	// Open is true when the plugin was not called, because its breaker is open after earlier faults.
	Open bool

	err     error
	counted bool // when it came up: one instance that does not start fails every call that waits for it
}

// Error names the plugin, its export and the cause.
func (f *Fault) Error() string {
	return fmt.Sprintf("plugin %q (%s): %s: %s", f.Plugin, library.Short(f.Hash), f.Export, f.Cause)
}

// Unwrap returns the context's error when the call was starved.
func (f *Fault) Unwrap() error { return f.err }

// BreakerOpen returns Open, for those who don't know this type.
func (f *Fault) BreakerOpen() bool { return f.Open }

// LoadError is one reason why Build refused.
type LoadError struct {
	Key    string // the spec's
	Plugin string
	Path   string
	Err    error
}

// Error is one sentence that starts with the path and that a log line can hold, whatever the plugin had to say.
func (e *LoadError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("%s: %s", e.Path, sentence(e.Err))
	}
	return fmt.Sprintf("%s: %s (used by %s)", e.Path, sentence(e.Err), e.Key)
}

// Unwrap returns the cause.
func (e *LoadError) Unwrap() error { return e.Err }

// LoadErrors is every problem of one Build, in the order of its specs. A file that several specs share is reported
// once, under the first of them.
type LoadErrors []*LoadError

// Error joins the problems with line breaks.
func (e LoadErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (e LoadErrors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

// maxSentence bounds what is shown of an error in which a plugin may have had a part, in bytes.
const maxSentence = 1 << 10

// sentence is an error's text for a log line.
func sentence(err error) string {
	text := err.Error()
	text = guestlog.Visible(text[:min(len(text), maxSentence)])
	if len(text) <= maxSentence {
		return text
	}
	return strings.ToValidUTF8(text[:maxSentence], "")
}

// pluginFault returns err as a fault of the plugin's own making, nil when it is anything else.
func pluginFault(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) && !f.Starved && !f.Open {
		return f
	}
	return nil
}
