package host

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/pluginfile"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Spec asks for one configured plugin.
type Spec struct {
	Key    string // unique in a Build, e.g. "providers.anthropic" or "models.quality.strategy[0]"
	Plugin string // file name in the folder, without .wasm
	Kind   string // abi.KindProvider or abi.KindStrategy
	Config []byte // JSON for configure; empty means {}
}

// Set is an immutable collection of configured plugins, built by Host.Build with one reference. It is safe for
// concurrent use.
type Set struct {
	refs       atomic.Int64
	providers  map[string]*Provider
	strategies map[string]*Strategy
	versions   map[string]*version // by path
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
	e := export(slices.Index(exportNames[:], exportName))
	if e >= exportCount || e == exportConfigure {
		return nil, fmt.Errorf("probing %q: export %q can't be probed", key, exportName)
	}
	i, err := a.borrow(ctx, e)
	if err != nil {
		return nil, err
	}
	if i.fns[e] == nil {
		i.pool.put(i)
		return nil, fmt.Errorf("probing %q: its plugin has no export %q", key, exportName)
	}
	answer, err := i.copied(e, append(i.room(), input...), nil)
	return answer, i.finish(e, err)
}

// build is the state of one Build.
type build struct {
	host   *Host
	dir    pluginfile.Folder
	prev   *Set
	set    *Set
	loaded map[string]*candidate // by plugin
	errs   LoadErrors
}

// candidate is the version that a plugin's specs will use, or why there is none.
type candidate struct {
	version
	record   *record
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
	h.mu.Lock()
	closing := h.closing
	h.mu.Unlock()
	if closing {
		return nil, ErrClosed
	}
	b := &build{host: h, dir: pluginfile.Folder(dir), prev: prev, loaded: map[string]*candidate{}, set: &Set{
		providers: map[string]*Provider{}, strategies: map[string]*Strategy{}, versions: map[string]*version{},
	}}
	b.loadAll(ctx, specs)
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
			h.releaseModule(c.module)
		}
		if c.trial != nil {
			h.releaseModule(c.trial.old)
		}
	}
	if err != nil {
		return nil, err
	}
	return b.set, nil
}

// loadAll finds a candidate for each plugin that the specs name, compiling on all processors.
func (b *build) loadAll(ctx context.Context, specs []Spec) {
	var wg sync.WaitGroup
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range specs {
		name := specs[i].Plugin
		if b.loaded[name] != nil {
			continue
		}
		c := &candidate{record: b.host.recordOf(name, b.dir.Path(name))}
		b.loaded[name] = c
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			b.load(ctx, c)
		})
	}
	wg.Wait()
}

// add gives one spec its place in the set, or reports why not.
func (b *build) add(ctx context.Context, s *Spec) {
	c := b.loaded[s.Plugin]
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
		b.host.rejected(c.record, c.module.hash, err)
		b.report(s, c, err)
		return
	}
	p, err := b.host.poolFor(ctx, c.record, c.module, s.Config)
	if err != nil {
		b.host.rejected(c.record, c.module.hash, err)
		b.report(s, c, err)
		return
	}
	l := &line{pool: p, trial: c.trial}
	if c.trial != nil {
		p.trial.Store(c.trial)
	}
	b.set.lines = append(b.set.lines, l)
	if c.trial != nil {
		if f, err := b.host.poolFor(ctx, c.record, c.trial.old, s.Config); err != nil {
			b.host.log.Warn("the previous version can't stand by: it does not start with the present config",
				"plugin", s.Plugin, "key", s.Key, "previous", short(c.trial.old.hash), "error", err)
		} else {
			c.trial.join(l, f)
		}
	}
	b.set.versions[c.record.path] = &version{module: c.module, trial: c.trial}
	if s.Kind == abi.KindProvider {
		b.set.providers[s.Key] = &Provider{line: l}
	} else {
		b.set.strategies[s.Key] = &Strategy{line: l}
	}
}

func (b *build) report(s *Spec, c *candidate, err error) {
	b.errs = append(b.errs, &LoadError{Key: s.Key, Plugin: s.Plugin, Path: c.record.path, Err: err})
}

// poolFor returns a pool with one reference for the caller: a live one, or a new one with a warm instance.
func (h *Host) poolFor(ctx context.Context, r *record, m *module, config []byte) (*pool, error) {
	if len(config) == 0 {
		config = []byte("{}")
	}
	key := poolKey{path: r.path, module: m.hash, config: sha256.Sum256(config)}
	h.mu.Lock()
	if p := h.pools[key]; p != nil && p.acquire() {
		h.mu.Unlock()
		return p, nil
	}
	h.mu.Unlock()

	size := h.opts.Instances
	if m.Feedback {
		size = 1
	}
	p := &pool{host: h, key: key, record: r, module: m, config: append([]byte(nil), config...), slots: make([]slot, size)}
	ctx, cancel := context.WithTimeout(ctx, h.opts.Timeout)
	defer cancel()
	i, err := h.start(ctx, p)
	if err != nil {
		return nil, err
	}
	h.retainModule(m) // the caller holds it, so this can't be refused
	p.refs.Store(1)
	p.enlist(i)
	p.put(i)
	h.mu.Lock()
	h.pools[key] = p
	h.mu.Unlock()
	return p, nil
}

// forgetPool takes a pool out of the registry, so that nobody finds it any more. Its instances are still counted.
func (h *Host) forgetPool(p *pool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ending[p] = struct{}{}
	if h.pools[p.key] == p {
		delete(h.pools, p.key)
	}
}

// closedPool follows the end of a pool's last instance.
func (h *Host) closedPool(p *pool) {
	h.mu.Lock()
	delete(h.ending, p)
	h.mu.Unlock()
	h.releaseModule(p.module)
}
