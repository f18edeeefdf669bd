package host

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/host/internal/pluginfile"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Spec asks for one configured plugin.
type Spec struct {
	Key    string // unique in a Build, e.g. "providers.anthropic" or "models.quality.strategy[0]"
	Plugin string // file name in the folder, without .wasm
	Kind   string // abi.KindProvider or abi.KindStrategy
	Config []byte // JSON for configure; empty means {}
	// Owner is the tenant on whose behalf the plugin runs, empty for the operator. It runs under Options.Policies then,
	// its clock stands still, and it shares its instances, its probation and its log lines with no other owner.
	Owner string
}

// Set is an immutable collection of configured plugins, built by Host.Build with one reference. It is safe for
// concurrent use.
type Set struct {
	refs       atomic.Int64
	providers  map[string]*Provider
	strategies map[string]*Strategy
	versions   map[recordKey]*version
	lines      []*line
}

// Provider returns the provider of a key, nil when there is none. It must not be used after the Set's release.
func (s *Set) Provider(key string) *Provider { return s.providers[key] }

// Strategy returns the strategy of a key, nil when there is none. It must not be used after the Set's release.
func (s *Set) Strategy(key string) *Strategy { return s.strategies[key] }

// Acquire takes a reference and reports whether it could: once the last one was released, a Set is gone for good.
func (s *Set) Acquire() bool { return acquire(&s.refs) }

// Release gives a reference back. The last release closes whatever no other Set uses.
func (s *Set) Release() {
	if s.refs.Add(-1) == 0 {
		for _, l := range s.lines {
			l.leave()
		}
	}
}

// Probe sends raw bytes to the export of a key's plugin and returns its raw answer, unchecked and copied. It is there for
// conformance tests, which send what a host never would.
func (s *Set) Probe(ctx context.Context, key, exportName string, input []byte) ([]byte, error) {
	var l *line
	if p := s.providers[key]; p != nil {
		l = p.line
	} else if p := s.strategies[key]; p != nil {
		l = p.line
	} else {
		return nil, fmt.Errorf("probing %q: there is no such key", key)
	}
	a := attempt{line: l, pool: l.active()}
	e, known := guests.Named(exportName)
	if !known || e == guests.Configure {
		return nil, fmt.Errorf("probing %q: export %q can't be probed", key, exportName)
	}
	i, err := a.borrow(ctx, e)
	if err != nil {
		return nil, err
	}
	if !i.Has(e) {
		i.Return()
		return nil, fmt.Errorf("probing %q: its plugin has no export %q", key, exportName)
	}
	answer, err := a.message(i, e, append(i.Room(), input...), nil)
	return answer, a.pool.finish(i, e, err)
}

// Memories yields the memory of every idle instance that the Set's calls may use, with its spec's key. It is there for
// tests that look for secrets in them: a view is valid until yield returns, and meanwhile its instance serves no calls.
func (s *Set) Memories(yield func(key string, memory []byte) bool) {
	for _, l := range s.lines {
		for _, p := range []*pool{l.pool, l.fallback.Load()} {
			if p != nil && !p.guests.Memories(func(memory []byte) bool { return yield(l.key, memory) }) {
				return
			}
		}
	}
}

// build is the state of one Build.
type build struct {
	host    *Host
	dir     pluginfile.Folder
	prev    *Set
	modules *library.Batch
	set     *Set
	loaded  map[wanted]*candidate
	errs    LoadErrors
}

// wanted is what a candidate is looked for: a file, and who uses it.
type wanted struct{ plugin, owner string }

func (s *Spec) wants() wanted { return wanted{s.Plugin, s.Owner} }

// candidate is the version that a plugin's specs will use, or why there is none.
type candidate struct {
	version
	record   *record
	vectors  []abi.Vector // golden ones that its module carries
	state    string
	reported bool
	err      error
}

// Build loads what the specs ask for from the files in dir, wholly or not at all: an error is LoadErrors with every
// problem, ErrClosed, or ctx's, and then nothing has changed but the rejections that Plugins reports. prev is the set
// in force, nil at first; the caller holds it until Build returns. Plugins that are unchanged are shared with prev and
// with every other set alive, a changed one starts on probation, and one whose file is gone stays as prev has it.
func (h *Host) Build(ctx context.Context, dir string, specs []Spec, prev *Set) (*Set, error) {
	h.building.Lock()
	defer h.building.Unlock()
	if h.closing {
		return nil, ErrClosed
	}
	b := &build{host: h, dir: pluginfile.Folder(dir), prev: prev, modules: h.library.Batch(prev != nil), loaded: map[wanted]*candidate{}, set: &Set{
		providers: map[string]*Provider{}, strategies: map[string]*Strategy{}, versions: map[recordKey]*version{},
	}}
	b.loadAll(ctx, specs)
	b.modules.End()
	for i := range specs {
		b.add(ctx, &specs[i])
	}
	err := ctx.Err()
	if err == nil && len(b.errs) > 0 {
		err = b.errs
	}
	if err != nil {
		for _, l := range b.set.lines {
			l.leave()
		}
	} else {
		b.set.refs.Store(1)
		h.publish(b, specs)
	}
	// The set's pools hold the modules from here on.
	for _, c := range b.loaded {
		if c.module != nil {
			c.module.Release()
		}
		if c.trial != nil {
			c.trial.old.Release()
		}
	}
	if err != nil {
		return nil, err
	}
	return b.set, nil
}

// loadAll finds a candidate for each plugin that the specs name and each of its owners. Plugins are compiled on all
// processors, the owners of one come one after the other, so that the second finds what the first compiled.
func (b *build) loadAll(ctx context.Context, specs []Spec) {
	owners := map[string][]*candidate{} // by plugin
	for i := range specs {
		w := specs[i].wants()
		if b.loaded[w] != nil {
			continue
		}
		c := &candidate{record: b.host.recordOf(w.plugin, recordKey{b.dir.Path(w.plugin), w.owner})}
		b.loaded[w] = c
		owners[w.plugin] = append(owners[w.plugin], c)
	}
	var wg sync.WaitGroup
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, list := range owners {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			for _, c := range list {
				b.load(ctx, c)
			}
		})
	}
	wg.Wait()
}

// add gives one spec its place in the set, or reports why not.
func (b *build) add(ctx context.Context, s *Spec) {
	c := b.loaded[s.wants()]
	if c.err != nil {
		if !c.reported {
			c.reported = true
			b.report(s, c, c.err)
		}
		return
	}
	if b.set.providers[s.Key] != nil || b.set.strategies[s.Key] != nil {
		b.report(s, c, fmt.Errorf("the key %q is asked for twice", s.Key))
		return
	}
	if kind := c.module.Kind; kind != s.Kind {
		err := fmt.Errorf("it is %s, but %s needs %s", contract.Noun(kind), s.Key, contract.Noun(s.Kind))
		b.host.rejected(c.record, c.module.Hash, err)
		b.report(s, c, err)
		return
	}
	p, err := b.host.poolFor(ctx, c.record, c.module, s.Config)
	if err != nil {
		b.host.rejected(c.record, c.module.Hash, err)
		b.report(s, c, err)
		return
	}
	if err := p.vet(ctx, c.vectors); err != nil {
		c.err, c.reported = err, true
		p.release()
		b.host.rejected(c.record, c.module.Hash, err)
		b.report(s, c, err)
		return
	}
	l := &line{key: s.Key, pool: p, trial: c.trial}
	if c.trial != nil {
		p.trial.Store(c.trial)
	}
	b.set.lines = append(b.set.lines, l)
	if c.trial != nil {
		if f, err := b.host.poolFor(ctx, c.record, c.trial.old, s.Config); err != nil {
			b.host.log.Warn("the previous version can't stand by: it does not start with the present config",
				"plugin", s.Plugin, "key", s.Key, "previous", library.Short(c.trial.old.Hash), "error", err)
		} else {
			c.trial.join(l, f)
		}
	}
	b.set.versions[c.record.key] = &version{module: c.module, trial: c.trial}
	if s.Kind == abi.KindProvider {
		b.set.providers[s.Key] = &Provider{line: l}
	} else {
		b.set.strategies[s.Key] = &Strategy{line: l}
	}
}

func (b *build) report(s *Spec, c *candidate, err error) {
	b.errs = append(b.errs, &LoadError{Key: s.Key, Plugin: s.Plugin, Path: c.record.key.path, Err: err})
}
