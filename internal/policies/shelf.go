package policies

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// shelf holds the versions that are loaded, within a budget of memory. What was used longest ago leaves first, and
// nothing leaves during a call.
type shelf struct {
	host   *host.Host
	budget int64
	loads  chan struct{} // has a place for each load that may run at a time

	// epoch counts loads. A version notes the one in which it was last used: who was used when matters only as something
	// is loaded.
	epoch atomic.Uint64

	mu       sync.Mutex // guards the rest
	closed   bool
	resident map[*residency]struct{}
	modules  map[store.Digest]*share
	promised int64 // bytes for what is being loaded, or is loaded but does not serve
	waste    int64 // bytes of modules that were unloaded since the last collection
	sweeping bool
	done     struct{ loads, failures, evictions uint64 }
}

// share is a module that loaded versions share.
type share struct {
	users    int
	size     int64
	instance int64 // what the instances of its latest version needed
}

// residency is the time that a version spends loaded.
type residency struct {
	version *version
	loaded  *host.Loaded
	refs    atomic.Int64  // one is the shelf's; at zero it is over
	used    atomic.Uint64 // epoch
}

// What is taken to be needed before something was ever loaded: the figures of strategies in Go.
const (
	expectedGrowth   = 7       // memory of a compiled module, in sizes of its file
	expectedInstance = 4 << 20 // bytes
)

// instanceOverhead is what an instance takes beside the memory that the guest sees, in bytes.
const instanceOverhead = 128 << 10

var errClosed = errors.New("the policies are closed")

func (s *shelf) open(h *host.Host, budget int64) {
	s.host, s.budget = h, budget
	s.loads = make(chan struct{}, runtime.GOMAXPROCS(0))
	s.resident, s.modules = map[*residency]struct{}{}, map[store.Digest]*share{}
}

// acquire takes a reference unless the residency is over.
func (r *residency) acquire() bool {
	for {
		n := r.refs.Load()
		if n == 0 {
			return false
		}
		if r.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a reference back; the last one unloads the version.
func (r *residency) release() {
	if r.refs.Add(-1) == 0 {
		r.loaded.Release()
	}
}

// touch notes that the version is in use.
func (s *shelf) touch(r *residency) {
	if now := s.epoch.Load(); r.used.Load() != now {
		r.used.Store(now)
	}
}

// load makes room and loads a version. The residency comes with two references, of which one is the caller's.
func (s *shelf) load(ctx context.Context, v *version) (*residency, error) {
	select {
	case s.loads <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave := sync.OnceFunc(func() { <-s.loads })
	defer leave()
	free, err := s.promise(v.module, v.size, v.footprint.Load())
	if err != nil {
		return nil, err
	}
	defer free()
	source := v.source()
	module := source.Module
	source.Module = func(ctx context.Context) ([]byte, error) {
		leave() // it has to be compiled, of which the host bounds how many are; others come from the cache meanwhile
		return module(ctx)
	}
	loaded, err := s.host.Load(ctx, source)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.closed {
		loaded.Release()
		err = errClosed
	}
	if err != nil {
		s.done.failures++
		return nil, err
	}
	s.done.loads++
	r := &residency{version: v, loaded: loaded}
	r.refs.Store(2)
	r.used.Store(s.epoch.Add(1))
	s.resident[r] = struct{}{}
	m := s.modules[v.module]
	if m == nil {
		m = &share{size: loaded.Module()}
		s.modules[v.module] = m
	}
	m.users++
	m.instance = r.size()
	return r, nil
}

// promise sets memory aside for something that is being loaded, or is loaded and does not serve, until free is called.
// size is that of the module's file, instances what its instances need, 0 if that is not known.
func (s *shelf) promise(module store.Digest, size, instances int64) (free func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	need := instances
	if m := s.modules[module]; m == nil {
		need = cmp.Or(need, expectedInstance) + expectedGrowth*size
	} else if need == 0 {
		need = m.instance
	}
	s.promised += need
	s.trim()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.promised -= need
		s.trim()
	}, nil
}

// trim unloads versions until the rest fits the budget, or is all in use. s.mu is held.
func (s *shelf) trim() {
	over := s.promised - s.budget
	sizes := make(map[*residency]int64, len(s.resident))
	for r := range s.resident {
		sizes[r] = r.size()
		over += sizes[r]
	}
	for _, m := range s.modules {
		over += m.size
	}
	if over <= 0 {
		return
	}
	byAge := slices.SortedFunc(maps.Keys(sizes), func(a, b *residency) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	for _, r := range byAge {
		if over <= 0 {
			return
		}
		if !r.refs.CompareAndSwap(1, 0) {
			continue // in use
		}
		over -= sizes[r] + s.remove(r)
		r.loaded.Release()
		s.done.evictions++
	}
}

// size returns what the instances occupy, in bytes.
func (r *residency) size() int64 {
	i := r.loaded.Instances()
	return i.Memory + int64(i.Live)*instanceOverhead
}

// remove takes a residency off the shelf and returns the size of the module that nobody needs any more, if so. s.mu is
// held.
func (s *shelf) remove(r *residency) (module int64) {
	delete(s.resident, r)
	r.version.resident.CompareAndSwap(r, nil)
	r.version.footprint.Store(r.size())
	m := s.modules[r.version.module]
	if m.users--; m.users > 0 {
		return 0
	}
	delete(s.modules, r.version.module)
	s.collect(m.size)
	return m.size
}

// wasteShare is the part of the budget that unloaded modules may go on to occupy.
const wasteShare = 8

// collect takes note of memory that comes free with a module. The system gets it back when a collection finds that nothing
// points to it, and one may be long in coming: most of it is not on Go's heap. s.mu is held.
func (s *shelf) collect(size int64) {
	if s.waste += size; s.waste < s.budget/wasteShare || s.sweeping {
		return
	}
	s.waste, s.sweeping = 0, true
	go func() {
		runtime.GC()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sweeping = false
	}()
}

// drop unloads a version as soon as its calls have ended.
func (s *shelf) drop(v *version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := v.resident.Load(); r != nil {
		if _, ok := s.resident[r]; ok {
			s.remove(r)
			r.release()
		}
	}
}

// tidy keeps the budget while instances are added and grow, and nothing is loaded.
func (s *shelf) tidy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim()
}

// close unloads everything and lets nothing more be loaded.
func (s *shelf) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for r := range s.resident {
		s.remove(r)
		r.release()
	}
}

// stats counts what is loaded.
func (s *shelf) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{
		Modules: len(s.modules), Versions: len(s.resident), Memory: s.promised, Budget: s.budget,
		Loads: s.done.loads, Failures: s.done.failures, Evictions: s.done.evictions,
	}
	for r := range s.resident {
		i := r.loaded.Instances()
		out.Instances += i.Live
		out.Memory += i.Memory + int64(i.Live)*instanceOverhead
	}
	for _, m := range s.modules {
		out.Memory += m.size
	}
	return out
}
