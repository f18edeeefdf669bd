package guests

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/library"
)

// slot holds an instance while it is idle. An instance always returns to the slot that it was made for, so putting it
// back is one store. Slots are padded to a cache line each.
type slot struct {
	idle atomic.Pointer[Instance]
	_    [56]byte
}

// Pool is a bounded set of instances of one Setup. Borrowing scans the slots from the first, so that under light load
// the same hot instance serves. No instance is made on behalf of a waiting call: a background goroutine does that, and
// the call takes whichever becomes free first.
type Pool struct {
	setup  *Setup
	owner  Owner
	ledger *Ledger

	closed  atomic.Bool
	waiting atomic.Int32
	slots   []slot

	mu      sync.Mutex // guards the rest
	all     []*Instance
	waiters []*waiter
	dropped uint64 // calls of instances that are closed
	growing bool
	gone    bool // closed, and the last instance was closed
}

// Owner hears of what a pool does by itself. Its methods are called from any goroutine, without a lock.
type Owner interface {
	// Waited reports how long a call waited for an instance. Calls that need not wait are not reported.
	Waited(d time.Duration)
	// Failed returns what the calls that wait for an instance get, given why none could be started. They get it after
	// Failed has returned.
	Failed(err error) error
	// Ended reports that the last instance of a closed pool was closed. The pool has its module until then.
	Ended()
}

// StarvedError is what Get returns when the caller's context ends first.
type StarvedError struct{ Cause error }

func (s *StarvedError) Error() string { return "no instance became free in time: " + s.Cause.Error() }

// ErrClosed says that a pool was closed, or its module unloaded.
var ErrClosed = errors.New("the plugin was unloaded while the call waited for an instance")

// Open starts an instance and returns a pool of at most size of them, with a reference to the module. It gives up when
// ctx ends. What its instances will have done goes to the ledger as they are closed.
func Open(ctx context.Context, s *Setup, size int, owner Owner, ledger *Ledger) (*Pool, error) {
	p := &Pool{setup: s, owner: owner, ledger: ledger, slots: make([]slot, size)}
	i, err := Start(ctx, s)
	if err != nil {
		return nil, err
	}
	s.Module.Retain() // the caller has it, so this can't be refused
	p.enlist(i)
	p.put(i)
	return p, nil
}

// Close closes idle instances at once, borrowed ones as they come back, and fails the calls that wait. No call may
// begin after it. It is called once.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed.Store(true)
	p.fail(ErrClosed)
	p.mu.Unlock()
	p.sweep()
}

// sweep closes idle instances of a closed pool. A put that stores after it sees closed and sweeps again.
func (p *Pool) sweep() {
	for i := p.take(); i != nil; i = p.take() {
		p.drop(i)
	}
	p.mu.Lock()
	last := len(p.all) == 0 && !p.growing && !p.gone
	p.gone = p.gone || last
	p.mu.Unlock()
	if last {
		p.owner.Ended()
		p.setup.Module.Release()
	}
}

// Get borrows an instance, waiting for one until ctx ends; Return or Replace ends the loan. The error is a
// *StarvedError, what the owner made of a start that failed, or ErrClosed.
func (p *Pool) Get(ctx context.Context) (*Instance, error) {
	if i := p.take(); i != nil {
		return i, nil
	}
	return p.wait(ctx)
}

func (p *Pool) take() *Instance {
	for s := range p.slots {
		idle := &p.slots[s].idle
		if idle.Load() == nil {
			continue
		}
		if i := idle.Swap(nil); i != nil {
			return i
		}
	}
	return nil
}

// put gives a borrowed instance back.
func (p *Pool) put(i *Instance) {
	p.slots[i.slot].idle.Store(i)
	if p.waiting.Load() > 0 {
		p.serve()
	}
	if p.closed.Load() {
		p.sweep()
	}
}

// Return gives a borrowed instance back to its pool, which replaces it if its memory has grown too much.
func (i *Instance) Return() {
	p := i.pool
	if size := i.size.Load(); size > i.ceiling {
		s := p.setup
		s.Log.Debug("a plugin instance is replaced for its memory", s.Lines.Who, "hash", library.Short(s.Module.Hash), "bytes", size)
		i.Replace()
		return
	}
	p.put(i)
}

// Replace drops a borrowed instance and, if its pool would be empty or calls wait, has another one made.
func (i *Instance) Replace() {
	p := i.pool
	p.drop(i)
	p.mu.Lock()
	if len(p.all) == 0 || len(p.waiters) > 0 {
		p.grow()
	}
	p.mu.Unlock()
	if p.closed.Load() {
		p.sweep()
	}
}

// enlist gives an instance the first free slot. There is room, and p.mu is held or nobody has p yet.
func (p *Pool) enlist(i *Instance) {
	used := make([]bool, len(p.slots))
	for _, other := range p.all {
		used[other.slot] = true
	}
	for s := range used {
		if !used[s] {
			i.slot = s
			break
		}
	}
	i.pool = p
	p.all = append(p.all, i)
}

// Memories yields the memory of the pool's idle instances and reports whether yield wants more. A view is valid until
// yield returns, and meanwhile its instance serves no calls.
func (p *Pool) Memories(yield func(memory []byte) bool) bool {
	var idle []*Instance
	for i := p.take(); i != nil; i = p.take() {
		idle = append(idle, i)
	}
	more := true
	for _, i := range idle {
		if view, ok := i.mem.Read(0, i.mem.Size()); ok && more {
			more = yield(view)
		}
		p.put(i)
	}
	return more
}
