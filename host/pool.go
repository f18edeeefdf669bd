package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// poolKey identifies a pool: sets that need the same plugin, version and config share it.
type poolKey struct {
	path   string
	module string
	config [sha256.Size]byte
}

// slot holds an instance while it is idle. An instance always returns to the slot that it was made for, so putting it
// back is one store. Slots are padded to a cache line each.
type slot struct {
	idle atomic.Pointer[instance]
	_    [56]byte
}

// pool is a bounded set of configured instances of one module. Borrowing scans the slots from the first, so that under
// light load the same hot instance serves. No instance is made on behalf of a waiting call: a background goroutine does
// that, and the call takes whichever becomes free first.
//
// A pool starts with one reference and one idle instance. The last release closes it: idle instances at once, borrowed
// ones as they come back.
type pool struct {
	host   *Host
	key    poolKey
	record *record
	module *module
	config []byte

	trial   atomic.Pointer[trial] // the latest that a line of this pool took part in; hears of failed starts
	refs    atomic.Int64
	closed  atomic.Bool
	waiting atomic.Int32
	slots   []slot

	mu      sync.Mutex // guards the rest
	all     []*instance
	waiters []*waiter
	growing bool
	gone    bool // closed, and the last instance was closed
}

type waiter struct{ got chan handoff }

// handoff is what a waiter receives: an instance, or why there will be none.
type handoff struct {
	instance *instance
	err      error
}

// starvation is what get returns when the caller's context ends first.
type starvation struct{ cause error }

func (s *starvation) Error() string { return "no instance became free in time: " + s.cause.Error() }

var errPoolClosed = errors.New("the plugin was unloaded while the call waited for an instance")

// acquire takes a reference and reports whether the pool was still open.
func (p *pool) acquire() bool { return acquire(&p.refs) }

// acquire increments a count unless it is zero.
func acquire(refs *atomic.Int64) bool {
	for {
		n := refs.Load()
		if n == 0 {
			return false
		}
		if refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a reference back; the last one closes the pool.
func (p *pool) release() {
	if p.refs.Add(-1) > 0 {
		return
	}
	p.host.forgetPool(p)
	p.mu.Lock()
	p.closed.Store(true)
	for _, w := range p.waiters {
		w.got <- handoff{err: errPoolClosed}
	}
	p.waiters = nil
	p.waiting.Store(0)
	p.mu.Unlock()
	p.sweep()
}

// sweep closes idle instances of a closed pool. A put that stores after it sees closed and sweeps again.
func (p *pool) sweep() {
	for i := p.take(); i != nil; i = p.take() {
		p.drop(i)
	}
	p.mu.Lock()
	last := len(p.all) == 0 && !p.growing && !p.gone
	p.gone = p.gone || last
	p.mu.Unlock()
	if last {
		p.host.closedPool(p)
	}
}

// get borrows an instance, waiting for one until ctx ends. The caller holds a reference on the pool. The error is a
// *starvation, the *Fault of an instance that could not be started, or errPoolClosed.
func (p *pool) get(ctx context.Context) (*instance, error) {
	if i := p.take(); i != nil {
		return i, nil
	}
	return p.wait(ctx)
}

func (p *pool) take() *instance {
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

// put returns a borrowed instance.
func (p *pool) put(i *instance) {
	p.slots[i.slot].idle.Store(i)
	if p.waiting.Load() > 0 {
		p.serve()
	}
	if p.closed.Load() {
		p.sweep()
	}
}

// serve hands idle instances to waiting calls, oldest first.
func (p *pool) serve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.waiters) > 0 {
		i := p.take()
		if i == nil {
			return
		}
		p.waiters[0].got <- handoff{instance: i}
		p.waiters = p.waiters[1:]
		p.waiting.Add(-1)
	}
}

func (p *pool) wait(ctx context.Context) (*instance, error) {
	start := time.Now()
	w := &waiter{got: make(chan handoff, 1)}
	p.mu.Lock()
	if p.closed.Load() {
		p.mu.Unlock()
		return nil, errPoolClosed
	}
	p.waiters = append(p.waiters, w)
	p.waiting.Add(1)
	p.mu.Unlock()
	p.serve() // an instance that was put back before waiting was visible would else be missed
	p.mu.Lock()
	if len(p.waiters) > 0 {
		p.grow()
	}
	p.mu.Unlock()

	var got handoff
	select {
	case got = <-w.got:
	case <-ctx.Done():
		if p.withdraw(w) {
			return nil, &starvation{ctx.Err()}
		}
		got = <-w.got
	}
	if o := p.host.opts.Observer; o != nil {
		o.Waited(p.record.plugin, time.Since(start))
	}
	return got.instance, got.err
}

// withdraw removes a waiter and reports whether it was still queued: if not, its handoff is on the way.
func (p *pool) withdraw(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, other := range p.waiters {
		if other == w {
			p.waiters = append(p.waiters[:at], p.waiters[at+1:]...)
			p.waiting.Add(-1)
			return true
		}
	}
	return false
}

// grow starts making one more instance unless that is under way or the pool is full. p.mu is held.
func (p *pool) grow() {
	if p.growing || p.closed.Load() || len(p.all) == len(p.slots) {
		return
	}
	p.growing = true
	go p.add()
}

// add makes an instance in the background. When it can't and none is left, the waiting calls fail.
func (p *pool) add() {
	ctx, cancel := context.WithTimeout(context.Background(), p.host.opts.Timeout)
	defer cancel()
	i, err := p.host.start(ctx, p)
	var fault *Fault
	if err != nil {
		fault = &Fault{Plugin: p.record.plugin, Export: "start", Hash: p.module.hash, Cause: "no instance could be started: " + err.Error(), counted: true}
		p.host.faulted(p, fault)
		if t := p.trial.Load(); t != nil && t.state.Load() == trialOpen {
			t.faulted(fault) // before the calls that wait are repeated elsewhere
		}
	}
	p.mu.Lock()
	p.growing = false
	if fault != nil {
		if len(p.all) == 0 {
			for _, w := range p.waiters {
				w.got <- handoff{err: fault}
			}
			p.waiters = nil
			p.waiting.Store(0)
		}
		p.mu.Unlock()
		if p.closed.Load() {
			p.sweep()
		}
		return
	}
	p.enlist(i)
	p.mu.Unlock()
	p.put(i)

	p.mu.Lock()
	if len(p.waiters) > 0 {
		p.grow()
	}
	p.mu.Unlock()
}

// enlist gives an instance the first free slot. p.mu is held, and there is room.
func (p *pool) enlist(i *instance) {
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
	p.all = append(p.all, i)
}

// drop closes a borrowed instance for good.
func (p *pool) drop(i *instance) {
	i.close()
	// Its calls are counted here or there, whenever somebody looks.
	p.record.counting.Lock()
	defer p.record.counting.Unlock()
	p.mu.Lock()
	for at, other := range p.all {
		if other == i {
			p.all = append(p.all[:at], p.all[at+1:]...)
			break
		}
	}
	p.record.calls += i.calls.Load()
	p.mu.Unlock()
}

// replace drops a borrowed instance and, if the pool would be empty or calls wait, has another one made.
func (p *pool) replace(i *instance) {
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

// An instance whose memory has grown to this many times what it had after its start, and beyond the floor, is replaced:
// a memory never shrinks, and one large body would occupy it for good.
const (
	ceilingFactor = 4
	ceilingFloor  = 32 << 20
)

// ceiling returns the most memory that an instance may keep, given what it has after its start. A strategy that hears
// feedback may keep all: what it has learned lies there.
func ceiling(size uint32, feedback bool) uint32 {
	if feedback {
		return math.MaxUint32
	}
	return uint32(min(max(ceilingFactor*uint64(size), ceilingFloor), math.MaxUint32))
}

// giveBack returns a borrowed instance, or replaces it if its memory has grown too much.
func (p *pool) giveBack(i *instance) {
	if size := i.memory.Load(); size > i.ceiling {
		p.host.log.Debug("a plugin instance is replaced for its memory", "plugin", p.record.plugin, "hash", short(p.module.hash), "bytes", size)
		p.replace(i)
		return
	}
	p.put(i)
}

// count adds the pool's instances and their calls to a status. The record's counting is locked.
func (p *pool) count(s *Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Instances.Live += len(p.all)
	if p.closed.Load() {
		s.Instances.Max += len(p.all)
	} else {
		s.Instances.Max += len(p.slots)
	}
	for _, i := range p.all {
		s.Calls += i.calls.Load()
		s.Instances.Memory += int64(i.memory.Load())
	}
	for n := range p.slots {
		if p.slots[n].idle.Load() != nil {
			s.Instances.Idle++
		}
	}
}
