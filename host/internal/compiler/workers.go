package compiler

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// drummer is what the thread that keeps a child out of the way says, and is told.
type drummer struct {
	alone   atomic.Bool  // nobody else wants the processors
	workers atomic.Int32 // how many goroutines compile, 0 before they begin
}

// busy is how many processors are kept busy at most. A child in a hurry beside requests gets a share of one, as does any beside
// requests where nothing keeps it out of the way.
func (o *order) busy() int {
	if o.Beside && (o.Urgent || runtime.GOOS != "linux") {
		return 1
	}
	return max(1, min(o.Processors, runtime.NumCPU()))
}

// beats reports whether the child has a thread that keeps it from being in the way. One in a hurry has waited long enough.
func (o *order) beats() bool { return o.Beside && !o.Urgent }

// workers decides how many goroutines compile. Two that take turns on the one processor that requests leave are slower than one,
// and more in the way.
func (o *order) workers() int {
	n := o.busy()
	if d := o.drummer; d != nil {
		if !d.alone.Load() {
			n = 1
		}
		d.workers.Store(int32(n))
	}
	return n
}

// context has the compiler ask how many goroutines compile when the first of them is about to begin: until then, it has been
// seen for longer whether anybody else is there.
func (o *order) context() context.Context {
	return &asked{experimental.WithCompilationWorkers(context.Background(), 1), sync.OnceValue(o.workers)}
}

// asked is a context whose only number is found out when somebody asks for it.
type asked struct {
	context.Context
	workers func() int
}

func (c *asked) Value(key any) any {
	v := c.Context.Value(key)
	if _, number := v.(int); number {
		return c.workers()
	}
	return v
}
