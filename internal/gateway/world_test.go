package gateway

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// world is a gateway whose vendors do what the test says. Its groups are those of the system that
// Switchyard replaces: two retries, quality and balanced fall back to fast.
type world struct {
	gw       *Gateway
	up       *vendors
	provider *provider
	strategy *strategy
	groups   []*Group
	tenants  []*Tenant
	mu       sync.Mutex
	records  []Record
}

func newWorld() *world {
	w := &world{up: &vendors{scripts: map[string][]step{}}, provider: &provider{passthrough: true}, strategy: &strategy{name: "latency"}}
	w.gw = New(Options{
		Upstream: w.up,
		Seed:     func() uint64 { return 42 },
		Observe: func(r *Record) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.records = append(w.records, *r)
		},
	})
	w.group("local", "llama")
	w.group("fast", "haiku", "mini")
	w.group("economy", "mini", "haiku")
	w.group("balanced", "sonnet", "gpt").Fallbacks = []string{"fast"}
	w.group("quality", "sonnet", "gpt").Fallbacks = []string{"fast"}
	return w
}

// group adds a group with one deployment per name; the first is the best score.
func (w *world) group(name string, models ...string) *Group {
	g := &Group{
		Name: name, Retries: 2, Timeout: 10 * time.Minute, FailOpen: true,
		Strategies: []StrategyUse{{Name: w.strategy.name, Plugin: w.strategy, Weight: 1}},
	}
	for _, m := range models {
		w.deploy(g, m)
	}
	w.groups = append(w.groups, g)
	return g
}

func (w *world) deploy(g *Group, name string) *Deployment {
	id := g.Name + "/" + name
	d := &Deployment{
		ID: id, Account: &Account{Name: "vendor", Plugin: w.provider}, Model: id, Weight: 1,
		PriceInput: 1, PriceOutput: 2, PriceCached: math.NaN(),
		DefaultCooldown: 5 * time.Second, Health: w.gw.Health(id, "vendor", id),
	}
	g.Deployments = append(g.Deployments, d)
	return d
}

func (w *world) find(name string) *Group {
	return w.groups[slices.IndexFunc(w.groups, func(g *Group) bool { return g.Name == name })]
}

// dep finds a deployment by its ID, group/name.
func (w *world) dep(id string) *Deployment {
	g := w.find(id[:strings.IndexByte(id, '/')])
	return g.Deployments[slices.IndexFunc(g.Deployments, func(d *Deployment) bool { return d.ID == id })]
}

// on scripts a deployment: its calls get the steps in turn, the last one for ever. Without a
// script it answers.
func (w *world) on(id string, steps ...step) { w.up.scripts[id] = steps }

// publish makes the groups as they are now the snapshot.
func (w *world) publish() *Snapshot {
	s := NewSnapshot(SnapshotSpec{Groups: w.groups, Tenants: w.tenants, Open: true})
	w.gw.Publish(s)
	return s
}

// ended is what a request came to.
type ended struct {
	err     *Error // in band for a stream
	before  bool   // the error came before the commit point
	report  *Report
	body    string
	chunks  []string
	kinds   []abi.ChunkKind
	flushes int
	took    time.Duration
}

// do serves a request for a group to its end.
func (w *world) do(group string, change ...func(*Request)) ended {
	return w.doCtx(context.Background(), group, change...)
}

func (w *world) doCtx(ctx context.Context, group string, change ...func(*Request)) ended {
	if w.gw.current.Load() == nil {
		w.publish()
	}
	req := request(group)
	for _, c := range change {
		c(req)
	}
	snap := w.gw.Acquire()
	defer snap.Release()
	began := time.Now()
	res, err := w.gw.Do(ctx, snap, req)
	e := ended{err: err, before: err != nil, report: res.Report, body: string(res.Body)}
	if res.Stream != nil {
		sink := &sink{}
		e.err = res.Stream.Run(sink)
		res.Stream.Close()
		e.chunks, e.kinds, e.flushes = sink.chunks, sink.kinds, sink.flushes
	}
	e.took = time.Since(began)
	return e
}

func request(group string) *Request {
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello"}],"seed":1,"logit_bias":{}}`, group)
	r, err := Inspect(abi.EndpointChat, []byte(body))
	if err != nil {
		panic(err)
	}
	r.ID = "req-1"
	return r
}

func streamed(r *Request)   { r.Stream = true; r.Features |= abi.FeatureStream }
func usageAsked(r *Request) { r.IncludeUsage = true }
func retries(n int) func(*Request) {
	return func(r *Request) { r.NumRetries = &n }
}
func within(d time.Duration) func(*Request) { return func(r *Request) { r.Timeout = d } }

// trace is the attempts in one line: deployment=status, 0 when no status came.
func (e ended) trace() string {
	var parts []string
	for _, a := range e.report.Attempts {
		parts = append(parts, a.Deployment+"="+strconv.Itoa(a.Status))
	}
	return strings.Join(parts, " ")
}

func (e ended) want(t *testing.T, trace string, code string) {
	t.Helper()
	if got := e.trace(); got != trace {
		t.Errorf("attempts %q, want %q", got, trace)
	}
	got := ""
	if e.err != nil {
		got = e.err.Code
	}
	if got != code {
		t.Errorf("error code %q (%v), want %q", got, e.err, code)
	}
}

func (e ended) tookBetween(t *testing.T, lo, hi time.Duration) {
	t.Helper()
	if e.took < lo || e.took > hi {
		t.Errorf("took %v, want %v to %v", e.took, lo, hi)
	}
}

// sink collects what a client gets.
type sink struct {
	chunks  []string
	kinds   []abi.ChunkKind
	flushes int
	chunk   func(n int) error // of the n-th chunk, from 0
	flush   func(n int) error
}

func (s *sink) Chunk(kind abi.ChunkKind, data []byte) error {
	if s.chunk != nil {
		if err := s.chunk(len(s.chunks)); err != nil {
			return err
		}
	}
	s.chunks = append(s.chunks, string(data))
	s.kinds = append(s.kinds, kind)
	return nil
}

func (s *sink) Flush() error {
	s.flushes++
	if s.flush != nil {
		return s.flush(s.flushes - 1)
	}
	return nil
}
