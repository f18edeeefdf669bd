package host

import (
	"errors"
	"fmt"
	"strings"
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

	err     error
	counted bool // when it came up: one instance that does not start fails every call that waits for it
}

// Error names the plugin, its export and the cause.
func (f *Fault) Error() string {
	return fmt.Sprintf("plugin %q (%s): %s: %s", f.Plugin, short(f.Hash), f.Export, f.Cause)
}

// Unwrap returns the context's error when the call was starved.
func (f *Fault) Unwrap() error { return f.err }

// LoadError is one reason why Build refused.
type LoadError struct {
	Key    string // the spec's
	Plugin string
	Path   string
	Err    error
}

// Error is one sentence that starts with the path.
func (e *LoadError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s: %v (used by %s)", e.Path, e.Err, e.Key)
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

// short is the form of a hash for humans.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// pluginFault returns err as a fault of the plugin's own making, nil when it is anything else.
func pluginFault(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) && !f.Starved {
		return f
	}
	return nil
}
