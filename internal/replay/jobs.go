package replay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// State is where a job stands.
type State string

// States.
const (
	Running  State = "running"
	Done     State = "done"
	Failed   State = "failed"
	Canceled State = "canceled"
)

// Errors that callers tell apart.
var (
	ErrNotFound = fmt.Errorf("replay: %w", store.ErrNotFound)
	// ErrBusy means that the tenant has a replay under way, or too many tenants have.
	ErrBusy = errors.New("another replay is under way")
)

// Job is a replay as its tenant sees it.
type Job struct {
	ID      string    `json:"id"`
	Policy  string    `json:"policy"`
	Version int       `json:"version"`
	State   State     `json:"state" enum:"running,done,failed,canceled"`
	Done    int       `json:"done" doc:"Requests replayed so far."`
	Total   int       `json:"total" doc:"Requests to replay, as far as the log has them."`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`
	Result  *Result   `json:"result,omitempty"`
}

// Spec is a replay to start.
type Spec struct {
	Tenant  string
	Policy  string
	Version int
	Last    int
	// Load returns the candidate, and a function that lets go of it.
	Load func(ctx context.Context) (decision.Strategy, func(), error)
}

// What Jobs keep and allow.
const (
	atOnce   = 2 // replays of all tenants
	keptEach = 8 // finished jobs of one tenant
	keptAll  = 512
)

// Jobs runs replays in the background, one of a tenant at a time. It is safe for concurrent use.
type Jobs struct {
	from Source
	busy func() bool
	ctx  context.Context //nolint:containedctx // of the jobs, which outlive the requests that start them
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu   sync.Mutex
	jobs []*job // the newest last
}

type job struct {
	tenant string
	cancel context.CancelFunc
	done   atomic.Int64

	state Job // guarded by Jobs.mu
}

// NewJobs returns a runner for replays from a source; busy is as in [Options].
func NewJobs(from Source, busy func() bool) *Jobs {
	ctx, stop := context.WithCancel(context.Background())
	return &Jobs{from: from, busy: busy, ctx: ctx, stop: stop}
}

// Close cancels what is under way and waits for its end.
func (j *Jobs) Close() {
	j.mu.Lock()
	j.stop() // no job begins after it
	j.mu.Unlock()
	j.wg.Wait()
}

// Start begins a replay. ErrBusy when it can't now.
func (j *Jobs) Start(ctx context.Context, s Spec) (Job, error) {
	total, err := j.from.Len(ctx, s.Tenant)
	if err != nil {
		return Job{}, fmt.Errorf("counting the decisions of tenant %q: %w", s.Tenant, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	running := 0
	for _, other := range j.jobs {
		if other.state.State != Running {
			continue
		}
		if running++; other.tenant == s.Tenant || running == atOnce {
			return Job{}, ErrBusy
		}
	}
	if j.ctx.Err() != nil {
		return Job{}, context.Cause(j.ctx)
	}
	started := &job{tenant: s.Tenant, state: Job{
		ID: "rpl_" + rand.Text(), Policy: s.Policy, Version: s.Version, State: Running, Total: min(total, s.Last), Started: time.Now().UTC(),
	}}
	ctx, started.cancel = context.WithCancel(j.ctx)
	j.keep(started)
	j.wg.Go(func() {
		defer started.cancel()
		result, err := j.run(ctx, started, &s)
		j.end(ctx, started, result, err)
	})
	return started.state, nil
}

// keep adds a job and forgets the oldest finished ones beyond what is kept.
func (j *Jobs) keep(added *job) {
	j.jobs = append(j.jobs, added)
	own, all := 0, 0
	kept := make([]*job, 0, len(j.jobs))
	for i := len(j.jobs) - 1; i >= 0; i-- {
		old := j.jobs[i]
		if old.state.State != Running {
			if all++; all > keptAll {
				continue
			}
			if old.tenant == added.tenant {
				if own++; own > keptEach {
					continue
				}
			}
		}
		kept = append(kept, old)
	}
	for i, n := 0, len(kept); i < n/2; i++ {
		kept[i], kept[n-1-i] = kept[n-1-i], kept[i]
	}
	j.jobs = kept
}

func (j *Jobs) run(ctx context.Context, started *job, s *Spec) (*Result, error) {
	strategy, release, err := s.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading version %d of policy %q: %w", s.Version, s.Policy, err)
	}
	defer release()
	return Run(ctx, j.from, Options{
		Tenant: s.Tenant, Last: s.Last, Policy: decision.Policy{Name: s.Policy, Strategy: strategy}, Busy: j.busy,
		Progress: func(done int) { started.done.Store(int64(done)) },
	})
}

// end writes down how a job ended.
func (j *Jobs) end(ctx context.Context, ended *job, result *Result, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &ended.state
	s.Ended = time.Now().UTC()
	switch {
	case err == nil:
		s.State, s.Result = Done, result
		ended.done.Store(int64(result.Requests))
	case ctx.Err() != nil:
		s.State = Canceled
	default:
		s.State, s.Error = Failed, strings.ToValidUTF8(err.Error(), "\uFFFD")
	}
}

// find returns a tenant's job; j.mu is held.
func (j *Jobs) find(tenant, id string) (*job, error) {
	for _, k := range j.jobs {
		if k.tenant == tenant && k.state.ID == id {
			return k, nil
		}
	}
	return nil, ErrNotFound
}

// Get returns a tenant's replay. ErrNotFound.
func (j *Jobs) Get(tenant, id string) (Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k, err := j.find(tenant, id)
	if err != nil {
		return Job{}, err
	}
	return k.snapshot(), nil
}

// List returns a tenant's replays, the newest first, without their results.
func (j *Jobs) List(tenant string) []Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := []Job{}
	for i := len(j.jobs) - 1; i >= 0; i-- {
		if k := j.jobs[i]; k.tenant == tenant {
			s := k.snapshot()
			s.Result = nil
			list = append(list, s)
		}
	}
	return list
}

// Cancel ends a tenant's replay soon; one that has ended stays as it is. ErrNotFound.
func (j *Jobs) Cancel(tenant, id string) (Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k, err := j.find(tenant, id)
	if err != nil {
		return Job{}, err
	}
	k.cancel()
	return k.snapshot(), nil
}

func (k *job) snapshot() Job {
	s := k.state
	s.Done = int(k.done.Load())
	return s
}

// Running is how many replays are under way.
func (j *Jobs) Running() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, other := range j.jobs {
		if other.state.State == Running {
			n++
		}
	}
	return n
}
