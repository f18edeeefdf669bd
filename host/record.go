package host

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// recordKey says whose plugin a record is about.
type recordKey struct{ path, owner string }

// record is what the host remembers about a plugin file across versions, for one owner.
type record struct {
	plugin   string
	key      recordKey
	unlisted bool         // the latest Build was not about it; guarded by Host.mu
	listener func(*Fault) // hears of faults in the Observer's place, nil of plugins from a folder
	refusals atomic.Uint64
	faults   atomic.Uint64
	lines    guestlog.Lines
	ledger   guests.Ledger

	mu        sync.Mutex // guards the rest
	version   *version
	hash      string
	desc      *abi.Description
	previous  string
	state     string
	loadedAt  time.Time
	scoring   []*line         // of the latest set, in the order of its specs
	open      map[string]bool // keys whose breaker was reported open
	keys      []string
	lastFault *LastFault
	rejection *Rejected
	bad       *sighting // the file whose version failed its probation, until it is seen changed, touched or gone
	seen      *sighting // the file as it was last read
}

// status reports on a plugin, given all its pools. Counts never go down.
func (r *record) status(pools []*guests.Pool) Status {
	s := r.describe()
	c := r.ledger.Count(pools)
	s.Instances = Instances{Live: c.Live, Idle: c.Idle, Max: c.Max, Memory: c.Memory}
	s.Calls, s.Fuel = c.Calls, FuelUse{Total: c.Fuel, Max: c.MostFuel}
	return s
}

// describe is a status without the counts of instances and calls.
func (r *record) describe() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{
		Plugin: r.plugin, Owner: r.key.owner, Path: r.key.path, Hash: r.hash, PreviousHash: r.previous, State: r.state, Keys: slices.Clone(r.keys),
		Refusals: r.refusals.Load(), Faults: r.faults.Load(),
		LastFault: r.lastFault, Rejected: r.rejection,
		Probation: r.version != nil && r.version.open() != nil,
	}
	if s.Keys == nil {
		s.Keys = []string{}
	}
	for _, l := range r.scoring {
		s.Breakers = append(s.Breakers, Breaker{l.key, l.active().breaker.Status()})
	}
	if !r.loadedAt.IsZero() {
		at := r.loadedAt
		s.LoadedAt = &at
	}
	if d := r.desc; d != nil {
		s.Kind, s.Version, s.About, s.ABI = d.Kind, d.Version, d.About, d.ABI
	}
	return s
}

// recordOf returns the record of a file for an owner, which starts out without a version.
func (h *Host) recordOf(plugin string, key recordKey) *record {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.records[key]
	if r == nil {
		r = h.newRecord(plugin, key)
		h.records[key] = r
	}
	r.unlisted = false
	return r
}

func (h *Host) newRecord(plugin string, key recordKey) *record {
	r := &record{
		plugin: plugin, key: key, state: StateFailed, open: map[string]bool{},
		lines: guestlog.Lines{Who: slog.String("plugin", plugin), Limit: h.limits(key.owner).LogLines},
	}
	if key.owner != "" {
		r.lines.Who = slog.Group("", r.lines.Who, slog.String("owner", key.owner))
	}
	return r
}

// publish notes a successful build in the records and forgets plugins that it does not use, once they have no pools.
func (h *Host) publish(b *build, specs []Spec) {
	lines := map[wanted][]*line{}
	for i := range specs { // each of which has its line, as the set is whole
		w := specs[i].wants()
		lines[w] = append(lines[w], b.set.lines[i])
	}
	used := map[*record]bool{}
	for w, c := range b.loaded {
		used[c.record] = true
		if c.record.adopt(c, lines[w]) {
			if o := h.opts.Observer; o != nil {
				o.Admitted(c.record.plugin, c.module.Hash, nil)
			}
			d := c.module.Description()
			h.log.Info("plugin loaded", c.record.lines.Who, "kind", d.Kind, "version", d.Version, "hash", library.Short(c.module.Hash))
		}
		c.record.tellBreakers(h.opts.Observer)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	pools := h.poolsByRecord()
	for key, r := range h.records {
		if r.unlisted = !used[r]; !r.unlisted {
			continue
		}
		r.retire(h.opts.Observer)
		if len(pools[r]) == 0 {
			delete(h.records, key)
		}
	}
}

// adopt takes over what a build decided and reports whether the version is another one than before.
func (r *record) adopt(c *candidate, lines []*line) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := c.version
	r.version, r.state, r.keys, r.scoring = &v, c.state, nil, nil
	for _, l := range lines {
		r.keys = append(r.keys, l.key)
	}
	if v.module.Kind == abi.KindStrategy {
		r.scoring = lines
	}
	active := v.active()
	switch {
	case active != v.module:
		r.state = StateReverted // while this build was at work
	case c.state != StateReverted:
		r.rejection = nil
	}
	if r.hash == active.Hash {
		return false
	}
	if r.hash != "" {
		r.previous = r.hash
	}
	r.hash, r.desc, r.loadedAt = active.Hash, active.Description(), time.Now()
	return true
}

// rejected notes that a version was refused; what serves goes on serving.
func (h *Host) rejected(r *record, hash string, err error) {
	if errors.Is(err, context.Canceled) {
		return // the build was given up
	}
	if o := h.opts.Observer; o != nil {
		o.Admitted(r.plugin, hash, err)
	}
	r.mu.Lock()
	r.rejection = &Rejected{Hash: hash, At: time.Now(), Error: sentence(err)}
	r.mu.Unlock()
	h.log.Error("plugin refused", r.lines.Who, "path", r.key.path, "hash", library.Short(hash), "error", sentence(err))
}

// reverted notes that a version failed its probation and is not to be tried again as it is. A version that was replaced
// meanwhile changes nothing.
func (r *record) reverted(t *trial, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version == nil || r.version.module != t.module {
		return
	}
	r.bad = &sighting{t.module.Hash, *t.file.Load()}
	r.state, r.rejection = StateReverted, &Rejected{Hash: t.module.Hash, At: time.Now(), Error: reason}
	r.hash, r.desc, r.previous = t.old.Hash, t.old.Description(), ""
}

// faulted notes a fault of a plugin's making.
func (h *Host) faulted(p *pool, f *Fault) {
	r := p.record
	r.faults.Add(1)
	r.mu.Lock()
	r.lastFault = &LastFault{At: time.Now(), Export: f.Export, Message: f.Cause}
	r.mu.Unlock()
	if r.lines.Allow(time.Now()) {
		h.log.Error("plugin fault", r.lines.Who, "hash", library.Short(f.Hash), "export", f.Export, "cause", f.Cause)
	}
	if r.listener != nil {
		r.listener(f)
	} else if o := h.opts.Observer; o != nil {
		o.Faulted(f.Plugin, f.Export)
	}
}
