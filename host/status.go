package host

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/host/internal/pluginfile"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// States of a plugin.
const (
	StateActive   = "active"   // the file's version serves
	StateReverted = "reverted" // the file's version failed its probation, the one before it serves
	StateFailed   = "failed"   // no version could be loaded
	StateGone     = "gone"     // the file was deleted, the loaded version serves
)

// Status is what an operator may know about one plugin.
type Status struct {
	Plugin       string     `json:"plugin"`
	Path         string     `json:"path"`
	Kind         string     `json:"kind,omitempty"`
	Version      string     `json:"version,omitempty"`
	About        string     `json:"about,omitempty"`
	ABI          int        `json:"abi,omitempty"`
	Hash         string     `json:"hash,omitempty"`
	PreviousHash string     `json:"previous_hash,omitempty"`
	State        string     `json:"state"`
	Probation    bool       `json:"probation,omitempty"` // the version still has calls to prove itself in
	LoadedAt     *time.Time `json:"loaded_at,omitempty"`
	Keys         []string   `json:"keys"`
	Instances    Instances  `json:"instances"`
	Calls        uint64     `json:"calls"`
	Refusals     uint64     `json:"refusals"`
	Faults       uint64     `json:"faults"`
	LastFault    *LastFault `json:"last_fault,omitempty"`
	Rejected     *Rejected  `json:"rejected,omitempty"`
}

// Instances counts the instances of a plugin over all its pools, previous versions included.
type Instances struct {
	Live int `json:"live"`
	Idle int `json:"idle"`
	Max  int `json:"max"`
	// Memory is what the guests' memories come to, in bytes.
	Memory int64 `json:"memory"`
}

// LastFault is a plugin's most recent fault.
type LastFault struct {
	At      time.Time `json:"at"`
	Export  string    `json:"export"`
	Message string    `json:"message"`
}

// Rejected is a version that was refused, at admission or by its probation.
type Rejected struct {
	Hash  string    `json:"hash,omitempty"` // empty when the file could not be read
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// record is what the host remembers about a plugin file across versions.
type record struct {
	plugin, path string
	unlisted     bool // the latest Build was not about it; guarded by Host.mu
	refusals     atomic.Uint64
	faults       atomic.Uint64
	lines        guestlog.Lines

	counting sync.Mutex // held while an instance leaves its pool and its calls become these; taken before pool.mu
	calls    uint64     // of instances that are closed

	mu        sync.Mutex // guards the rest
	version   *version
	hash      string
	desc      *abi.Description
	previous  string
	state     string
	loadedAt  time.Time
	keys      []string
	lastFault *LastFault
	rejection *Rejected
	bad       *verdict
}

// verdict is on a file whose version failed its probation. It stands until the file is seen changed, touched or gone, so
// that an operator can have it tried again.
type verdict struct {
	hash string
	file fs.FileInfo
}

// Loaded counts the modules and the instances in memory: those of the sets alive, and what calls and starts still hold
// of others.
func (h *Host) Loaded() (modules, instances int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.modules), int(h.instances.Load())
}

// Plugins reports every plugin that the latest Build was about, sorted by name.
func (h *Host) Plugins() []Status {
	h.mu.Lock()
	list := make([]Status, 0, len(h.records))
	pools := h.poolsByRecord()
	records := make([]*record, 0, len(h.records))
	for _, r := range h.records {
		if !r.unlisted {
			records = append(records, r)
		}
	}
	h.mu.Unlock()

	for _, r := range records {
		list = append(list, r.status(pools[r]))
	}
	slices.SortFunc(list, func(a, b Status) int { return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Path, b.Path)) })
	return list
}

// poolsByRecord returns every pool that still has instances. h.mu is held.
func (h *Host) poolsByRecord() map[*record][]*pool {
	pools := map[*record][]*pool{}
	for _, p := range h.pools {
		pools[p.record] = append(pools[p.record], p)
	}
	for p := range h.ending {
		pools[p.record] = append(pools[p.record], p)
	}
	return pools
}

// status reports on a plugin, given all its pools. Counts never go down.
func (r *record) status(pools []*pool) Status {
	s := r.describe()
	r.counting.Lock()
	defer r.counting.Unlock()
	s.Calls = r.calls
	for _, p := range pools {
		p.count(&s)
	}
	return s
}

// describe is a status without the counts of instances and calls.
func (r *record) describe() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{
		Plugin: r.plugin, Path: r.path, Hash: r.hash, PreviousHash: r.previous, State: r.state, Keys: slices.Clone(r.keys),
		Refusals: r.refusals.Load(), Faults: r.faults.Load(),
		LastFault: r.lastFault, Rejected: r.rejection,
		Probation: r.version != nil && r.version.open() != nil,
	}
	if s.Keys == nil {
		s.Keys = []string{}
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

// recordOf returns the record of a file, which starts out without a version.
func (h *Host) recordOf(plugin, path string) *record {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.records[path]
	if r == nil {
		r = &record{plugin: plugin, path: path, lines: guestlog.Lines{Plugin: plugin}, state: StateFailed}
		h.records[path] = r
	}
	r.unlisted = false
	return r
}

// publish notes a successful build in the records and forgets plugins that it does not use, once they have no pools.
func (h *Host) publish(b *build, specs []Spec) {
	keys := map[string][]string{}
	for i := range specs {
		keys[specs[i].Plugin] = append(keys[specs[i].Plugin], specs[i].Key)
	}
	used := map[*record]bool{}
	for name, c := range b.loaded {
		used[c.record] = true
		if c.record.adopt(c, keys[name]) {
			if o := h.opts.Observer; o != nil {
				o.Admitted(name, c.module.hash, nil)
			}
			d := c.module.desc.Load()
			h.log.Info("plugin loaded", "plugin", name, "kind", d.Kind, "version", d.Version, "hash", short(c.module.hash))
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	pools := h.poolsByRecord()
	for path, r := range h.records {
		if r.unlisted = !used[r]; r.unlisted && len(pools[r]) == 0 {
			delete(h.records, path)
		}
	}
}

// adopt takes over what a build decided and reports whether the version is another one than before.
func (r *record) adopt(c *candidate, keys []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := c.version
	r.version, r.keys, r.state = &v, keys, c.state
	active := v.active()
	switch {
	case active != v.module:
		r.state = StateReverted // while this build was at work
	case c.state != StateReverted:
		r.rejection = nil
	}
	if r.hash == active.hash {
		return false
	}
	if r.hash != "" {
		r.previous = r.hash
	}
	r.hash, r.desc, r.loadedAt = active.hash, active.desc.Load(), time.Now()
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
	r.rejection = &Rejected{Hash: hash, At: time.Now(), Error: err.Error()}
	r.mu.Unlock()
	h.log.Error("plugin refused", "plugin", r.plugin, "path", r.path, "hash", short(hash), "error", err)
}

// reverted notes that a version failed its probation and is not to be tried again as it is. A version that was replaced
// meanwhile changes nothing.
func (r *record) reverted(t *trial, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version == nil || r.version.module != t.module {
		return
	}
	r.bad = &verdict{t.module.hash, *t.file.Load()}
	r.state, r.rejection = StateReverted, &Rejected{Hash: t.module.hash, At: time.Now(), Error: reason}
	r.hash, r.desc, r.previous = t.old.hash, t.old.desc.Load(), ""
}

// isBad reports whether the file that a build read is the one whose version failed its probation. Anything else ends
// the verdict.
func (r *record) isBad(hash string, file fs.FileInfo) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.bad; b != nil && (b.hash != hash || !pluginfile.Same(b.file, file)) {
		r.bad = nil
	}
	return r.bad != nil
}

// pardon ends a verdict: the file is gone, so another one may come.
func (r *record) pardon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = nil
}

// faulted notes a fault of a plugin's making.
func (h *Host) faulted(p *pool, f *Fault) {
	r := p.record
	r.faults.Add(1)
	r.mu.Lock()
	r.lastFault = &LastFault{At: time.Now(), Export: f.Export, Message: f.Cause}
	r.mu.Unlock()
	if r.lines.Allow(time.Now()) {
		h.log.Error("plugin fault", "plugin", f.Plugin, "hash", short(f.Hash), "export", f.Export, "cause", f.Cause)
	}
	if o := h.opts.Observer; o != nil {
		o.Faulted(f.Plugin, f.Export)
	}
}
