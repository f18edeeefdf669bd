package host

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
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
	calls        atomic.Uint64 // of instances that are closed
	refusals     atomic.Uint64
	faults       atomic.Uint64
	lines        guestlog.Lines

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
	bad       map[string]struct{} // versions that failed their probation
}

// Plugins reports every plugin that the latest Build was about, sorted by name.
func (h *Host) Plugins() []Status {
	h.mu.Lock()
	list := make([]Status, 0, len(h.records))
	pools := make([]*pool, 0, len(h.pools))
	for _, p := range h.pools {
		pools = append(pools, p)
	}
	records := make([]*record, 0, len(h.records))
	for _, r := range h.records {
		records = append(records, r)
	}
	h.mu.Unlock()

	for _, r := range records {
		s := r.status()
		for _, p := range pools {
			if p.record == r {
				p.count(&s)
			}
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Status) int { return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Path, b.Path)) })
	return list
}

func (r *record) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{
		Plugin: r.plugin, Path: r.path, Hash: r.hash, PreviousHash: r.previous, State: r.state, Keys: slices.Clone(r.keys),
		Calls: r.calls.Load(), Refusals: r.refusals.Load(), Faults: r.faults.Load(),
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
		r = &record{plugin: plugin, path: path, lines: guestlog.Lines{Plugin: plugin}, state: StateFailed, bad: map[string]struct{}{}}
		h.records[path] = r
	}
	return r
}

// publish notes a successful build in the records and forgets plugins that it does not use.
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
	for path, r := range h.records {
		if !used[r] {
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
	if c.state != StateReverted {
		r.rejection = nil
	}
	active := v.active()
	if active != v.module {
		r.state = StateReverted // while this build was at work
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

// reverted notes that a version failed its probation and is not to be tried again.
func (r *record) reverted(m, old *module, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad[m.hash] = struct{}{}
	r.state, r.rejection = StateReverted, &Rejected{Hash: m.hash, At: time.Now(), Error: reason}
	r.hash, r.desc, r.previous = old.hash, old.desc.Load(), ""
}

// isBad reports whether a version failed its probation before.
func (r *record) isBad(hash string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, bad := r.bad[hash]
	return bad
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
