package exchange

import (
	"errors"
	"fmt"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// ErrClient says that the sink took no more: the client is gone.
var ErrClient = errors.New("the client is gone")

// Fault is an error of the adapter's own: it failed, rather than refused.
type Fault struct{ Err error }

// Error says what the adapter failed of.
func (f *Fault) Error() string { return "adapter: " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// fault marks an adapter's error, unless it is a refusal.
func fault(err error) error {
	if _, ok := errors.AsType[*abi.Refusal](err); ok {
		return err
	}
	return &Fault{Err: err}
}

// BadAnswer says what was wrong with an answer that came. Its sentence may be shown to clients.
type BadAnswer struct{ Message string }

// Error returns the sentence.
func (b *BadAnswer) Error() string { return b.Message }

func badAnswer(format string, args ...any) error {
	return &BadAnswer{Message: fmt.Sprintf(format, args...)}
}
