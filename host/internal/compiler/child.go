package compiler

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
)

// collectAt is how much the child's heap may grow before garbage is collected, in percent: its life is short and its
// memory bounded, so that collecting as often as a server would be wasted time.
const collectAt = 400

// Main is what the child does: it lowers its own priority and limits, takes one order from in and answers to out. The
// answer may be a refusal; the error says that there was no order, or that the answer could not be written. The process
// ends when in does.
func Main(in io.Reader, out io.Writer) error {
	o, size, err := readHead(in)
	if err != nil {
		return err
	}
	if err := o.confine(); err != nil {
		return fmt.Errorf("limiting the compiler: %w", err)
	}
	debug.SetGCPercent(collectAt)
	debug.SetMemoryLimit(o.Memory - o.Memory/8)
	if o.Module, err = readModule(in, size); err != nil {
		return err
	}
	go func() {
		// Nothing more is sent: an end means that nobody waits for the answer.
		_, _ = in.Read(make([]byte, 1))
		os.Exit(exitOrphan)
	}()
	a := o.work()
	return json.NewEncoder(out).Encode(&a)
}

// work does the job and tells what came of it.
func (o *order) work() answer {
	a := answer{Done: true}
	if err := Compile(o.context(), &o.Job); err != nil {
		_, a.Refused = errors.AsType[*RefusalError](err)
		a.Error = plain(err.Error())
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	a.Memory = int64(mem.Sys)
	return a
}

// exitOrphan is the exit code of a child whose parent is gone.
const exitOrphan = 3
