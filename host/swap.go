package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/host/internal/statetag"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// A new version has to answer this many calls, all keys of the plugin together, before the version it replaced may go.
const (
	probationCalls  = 1000
	probationFaults = 3
)

// line leads the calls of one key to the pool that serves them now. A Set's lines never change, but the trial of a new
// version does: while it is on probation, and for good when it fails, the fallback is what the line has beside pool.
type line struct {
	key      string // the spec's
	pool     *pool
	trial    *trial               // nil: the version had nothing to prove
	fallback atomic.Pointer[pool] // the previous version with this key's config; nil once it can't be called any more
	lent     bool                 // the fallback gave out states, so it stays as long as the line; guarded by trial.mu
}

// active returns the pool that a call would use now.
func (l *line) active() *pool {
	if t := l.trial; t != nil && t.state.Load() == trialReverted {
		if f := l.fallback.Load(); f != nil {
			return f
		}
	}
	return l.pool
}

// begin starts a call. The caller holds the line's Set.
func (l *line) begin() attempt {
	if t := l.trial; t != nil && t.state.Load() == trialOpen {
		return attempt{line: l, pool: l.pool, open: true}
	}
	return attempt{line: l, pool: l.active()}
}

// resume starts a call that brings a state, on the version that gave it, and returns the state without its tag. The
// caller holds the line's Set, which still has that version: a line's own pool lives as long as the line, and a fallback
// that has answered for a provider does too.
func (l *line) resume(e guests.Export, state []byte) (attempt, []byte, error) {
	if len(state) == 0 {
		return l.begin(), nil, nil
	}
	if number, rest, ok := statetag.Cut(state); ok {
		if l.pool.module.Number == number {
			a := l.begin()
			a.pool, a.bound = l.pool, true
			return a, rest, nil
		}
		if f := l.fallback.Load(); f != nil && f.module.Number == number && f.acquire() {
			return attempt{line: l, pool: f, bound: true, held: true}, rest, nil
		}
	}
	p := l.active()
	return attempt{}, nil, &Fault{
		Plugin: p.record.plugin, Export: e.String(), Hash: p.module.Hash, Cause: "the state that the call brings is not from this provider",
	}
}

// attempt is one call on its way, or its repetition on the previous version.
type attempt struct {
	line  *line
	pool  *pool
	open  bool // counts towards the trial
	held  bool // a reference on pool was taken for this attempt
	bound bool // brings a state of pool's version, so that no other can take over
	probe bool // the one call that an open breaker lets through
}

// borrow takes an instance. On an error the attempt is over.
func (a *attempt) borrow(ctx context.Context, e guests.Export) (*guests.Instance, error) {
	for {
		i, err := a.pool.guests.Get(ctx)
		if err == nil {
			return i, nil
		}
		f := a.pool.unserved(e, err)
		if !f.Starved && !f.counted {
			a.pool.host.faulted(a.pool, f)
		}
		if !a.again(f) {
			return nil, f
		}
	}
}

// message is a call of a provider's export on an instance of the attempt's pool, with the answer copied to buf.
func (a *attempt) message(i *guests.Instance, e guests.Export, message, buf []byte) ([]byte, error) {
	return i.Copied(e, message, a.pool.limits.Fuel.message(len(message)), buf)
}

// again takes note of how the call ended and reports whether it is to be repeated: calls are pure, so what a version on
// probation could not answer goes to the version before it.
func (a *attempt) again(err error) bool {
	a.settle(err)
	if a.held {
		a.held = false
		a.pool.release()
	}
	if !a.open {
		return false
	}
	a.open = false
	t := a.line.trial
	fault := pluginFault(err)
	if fault == nil {
		if f, ok := errors.AsType[*Fault](err); !ok || !f.Starved {
			t.answered()
		}
		return false
	}
	if !fault.counted {
		t.faulted(fault)
	}
	if a.bound {
		return false
	}
	previous := t.lend(a.line)
	if previous == nil {
		return false
	}
	a.pool, a.held = previous, true
	if a.enter() != nil { // that one is no better
		a.held = false
		previous.release()
		return false
	}
	return true
}

// lend returns a line's fallback with a reference for the caller, nil when there is none. A provider's fallback then
// outlives the trial: what it answers may come back to it.
func (t *trial) lend(l *line) *pool {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := l.fallback.Load()
	if f == nil || !f.acquire() {
		return nil
	}
	l.lent = l.lent || f.module.Kind == abi.KindProvider
	return f
}

// revert ends the trial in favour of the previous version, unless no line has that standing by.
func (t *trial) revert() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.lines) > 0 && t.state.CompareAndSwap(trialOpen, trialReverted)
}

// States of a trial. It leaves trialOpen once.
const (
	trialOpen int32 = iota
	trialPassed
	trialReverted
)

// trial is the probation of one version of a plugin, shared by all lines of all sets that run this version.
type trial struct {
	host   *Host
	record *record
	module *library.Module
	old    *library.Module // lives as long as a line has its fallback

	file atomic.Pointer[fs.FileInfo] // the file as it was when the version was last read

	state  atomic.Int32
	calls  atomic.Int64
	faults atomic.Int64

	mu    sync.Mutex
	lines map[*line]struct{}
}

func newTrial(h *Host, r *record, m, old *library.Module, file fs.FileInfo) *trial {
	t := &trial{host: h, record: r, module: m, old: old, lines: map[*line]struct{}{}}
	t.file.Store(&file)
	return t
}

// join gives a line its fallback, whose reference becomes the line's.
func (t *trial) join(l *line, fallback *pool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Load() == trialPassed {
		fallback.release()
		return
	}
	l.fallback.Store(fallback)
	t.lines[l] = struct{}{}
}

// leave releases what a line holds. No call uses the line any more.
func (l *line) leave() {
	if t := l.trial; t != nil {
		t.mu.Lock()
		delete(t.lines, l)
		t.mu.Unlock()
		l.release()
	}
	l.pool.release()
}

func (l *line) release() {
	if f := l.fallback.Swap(nil); f != nil {
		f.release()
	}
}

// answered counts a good call; the last of them ends the probation and lets the previous version go.
func (t *trial) answered() {
	if t.calls.Add(1) < probationCalls || !t.state.CompareAndSwap(trialOpen, trialPassed) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.lines {
		if !l.lent {
			l.release()
		}
	}
	clear(t.lines)
	t.host.log.Info("a plugin's new version passed its probation", t.record.lines.Who, "hash", library.Short(t.module.Hash))
}

// faulted counts a bad call; the last of them puts the previous version back.
func (t *trial) faulted(f *Fault) {
	n := t.faults.Add(1)
	if n < probationFaults || !t.revert() {
		return
	}
	reason := fmt.Sprintf("%d of its first %d calls faulted, the last in %s: %s", n, t.calls.Load()+n, f.Export, f.Cause)
	t.record.reverted(t, reason)
	t.host.log.Error("a plugin's new version failed its probation; the previous version serves again",
		t.record.lines.Who, "hash", library.Short(t.module.Hash), "previous", library.Short(t.old.Hash), "reason", reason)
	if o := t.host.opts.Observer; o != nil {
		o.Reverted(t.record.plugin)
	}
	t.record.tellBreakers(t.host.opts.Observer)
}

// version is what a Set knows about one of its plugins.
type version struct {
	module *library.Module
	trial  *trial
}

// active returns the module that serves now.
func (v *version) active() *library.Module {
	if v.trial != nil && v.trial.state.Load() == trialReverted {
		return v.trial.old
	}
	return v.module
}

// open returns the version's trial if it is still on.
func (v *version) open() *trial {
	if v.trial != nil && v.trial.state.Load() == trialOpen {
		return v.trial
	}
	return nil
}
