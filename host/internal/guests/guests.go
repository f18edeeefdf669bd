// Package guests runs modules: import it to call the exports of one, on an instance that a pool lends.
//
// A call is as limited as its Setup says. What goes wrong in one is an error whose subject is the plugin, and the
// instance is of no more use then.
package guests

import (
	"log/slog"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Export is one of the functions that a host calls.
type Export uint8

// The exports. Which of them a module has depends on its kind.
const (
	Describe Export = iota
	Configure
	Request
	Response
	Stream
	Score
	Feedback
	exportCount
)

var exportNames = [exportCount]string{
	abi.ExportDescribe, abi.ExportConfigure, abi.ExportRequest, abi.ExportResponse,
	abi.ExportStream, abi.ExportScore, abi.ExportFeedback,
}

// Named returns the export of a name and reports whether there is one.
func Named(name string) (Export, bool) {
	at := slices.Index(exportNames[:], name)
	return Export(max(at, 0)), at >= 0
}

func (e Export) String() string { return exportNames[e] }

// Setup is what instances of one config are made of. It must not change while there is one.
type Setup struct {
	Module *library.Module // referenced by whoever starts an instance, until it has; a Pool then has its own reference
	Owner  string          // the tenant whose guests take turns as one; empty is the operator
	Config []byte
	Limits Limits
	Still  bool // the guest's clock stands
	Log    *slog.Logger
	Lines  *guestlog.Lines // what the guest says, and whose instances the log is about
}

// Limits bound what an instance may use.
type Limits struct {
	Fuel   int64         // of start functions, describe and configure together; other calls bring theirs
	Stack  uint32        // bytes
	Memory uint32        // pages of 64 KiB
	Output uint32        // bytes that a call may return
	Scores uint32        // bytes that score and feedback may return
	Start  time.Duration // that an instance may take to start when nobody waits for it, on the clock
}

// maxDescription bounds what is kept and shown of a plugin.
const maxDescription = 256 << 10

// output returns the limit of a call, in bytes.
func (l *Limits) output(e Export) uint32 {
	switch e {
	case Score, Feedback:
		return l.Scores
	case Describe, Configure:
		return min(l.Output, maxDescription)
	}
	return l.Output
}
