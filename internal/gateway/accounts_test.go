package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// journal notes in which order a request's chunks, its accounting and its observation come.
type journal struct {
	events []string
	sink   sink
	panics bool // at the first chunk
	last   Record
}

func (j *journal) Chunk(kind abi.ChunkKind, data []byte) error {
	if j.panics {
		panic("sink")
	}
	j.events = append(j.events, "chunk")
	return j.sink.Chunk(kind, data)
}

func (j *journal) Flush() error { return j.sink.Flush() }

func (j *journal) watch(w *world) {
	w.gw.opts.Account = func(r *Record) { j.events, j.last = append(j.events, "account"), *r }
	w.gw.opts.Observe = func(r *Record) { j.events = append(j.events, "observe") }
}

// serve lives one request to its end, whatever that is.
func (j *journal) serve(ctx context.Context, w *world, group string, change ...func(*Request)) (err *Error) {
	defer func() { _ = recover() }()
	snap := w.gw.Acquire()
	defer snap.Release()
	req := request(group)
	for _, c := range change {
		c(req)
	}
	res, err := w.gw.Do(ctx, snap, req)
	if res.Stream != nil {
		defer res.Stream.Close()
		err = res.Stream.Run(j)
	} else if err == nil {
		j.events = append(j.events, "body")
	}
	return err
}

// TestAccountedOnce takes requests along every path there is: each is accounted for and observed
// once, in this order, before the client has the last of it, and gives back what it held.
func TestAccountedOnce(t *testing.T) {
	t.Parallel()
	const once = "account observe"
	failure := func(at int) func(int) error { return func(n int) error { return errorAt(n, at) } }
	for _, tc := range []struct {
		name   string
		set    func(w *world, j *journal)
		change []func(*Request)
		leaves time.Duration // of the client, 0: it stays
		events string
		code   string
		tokens uint64
	}{
		{"whole", nil, nil, 0, once + " body", "", 30},
		{"an unknown model", nil, []func(*Request){func(r *Request) { r.Model = "nothing" }}, 0, once, "model_not_found", 0},
		{"an unknown fallback", nil, []func(*Request){func(r *Request) { r.Fallbacks = []string{"nothing"} }}, 0, once, "model_not_found", 0},
		{"every attempt fails", func(w *world, _ *journal) { w.on("local/llama", status(500)) }, nil, 0, once, "upstream_error", 0},
		{"the deadline passes", func(w *world, _ *journal) { w.on("local/llama", hanging()) }, []func(*Request){within(time.Second)}, 0, once, "timeout", 0},
		{"the client leaves before the answer", func(w *world, _ *journal) { w.on("local/llama", hanging()) }, nil, time.Second, once, "client_closed_request", 0},
		{"a strategy panics", func(w *world, _ *journal) {
			w.strategy.score = func(*abi.Header, []abi.Candidate, *abi.ScoreOutput) error { panic("strategy") }
		}, nil, 0, once, "internal_error", 0},
		{"an adapter panics", func(w *world, _ *journal) {
			w.dep("local/llama").Account = &Account{Name: "vendor", Plugin: &panicking{}}
		}, nil, 0, once, "internal_error", 0},
		{"stream", nil, []func(*Request){streamed}, 0, "chunk chunk chunk account observe chunk", "", 30},
		{"stream with usage", nil, []func(*Request){streamed, usageAsked}, 0, "chunk chunk chunk chunk account observe chunk", "", 30},
		{"stream, all in one piece", func(w *world, _ *journal) {
			w.on("local/llama", streaming(sse(helloEvent, finishEvent, usageEvent, done)))
		}, []func(*Request){streamed}, 0, "chunk account observe chunk", "", 30},
		{"stream, something follows the finish reason", func(w *world, _ *journal) {
			w.on("local/llama", streaming(sse(helloEvent, finishEvent), sse(usageEvent), sse(roleEvent), sse(done)))
		}, []func(*Request){streamed, usageAsked}, 0, "chunk chunk chunk account observe chunk", "", 30},
		{"stream without an end", func(w *world, _ *journal) { w.on("local/llama", streaming(sse(helloEvent, finishEvent))) },
			[]func(*Request){streamed}, 0, "chunk account observe chunk", "", 0},
		{"stream of another dialect", func(w *world, _ *journal) {
			translating(w)
			w.on("local/llama", streaming(sse(`["content","a"]`), sse(`["finish","b"]`), sse(`["usage",""]`), sse(`["done",""]`)))
		}, []func(*Request){streamed, usageAsked}, 0, "chunk chunk account observe chunk", "", 7},
		{"stream that fails before the commit point", func(w *world, _ *journal) { w.on("local/llama", streaming(sse(errorEvent))) },
			[]func(*Request){streamed}, 0, once, "overloaded", 0},
		{"stream that fails after it", func(w *world, _ *journal) { w.on("local/llama", streaming(sse(helloEvent, loEvent), sse(errorEvent))) },
			[]func(*Request){streamed}, 0, "chunk chunk account observe", "overloaded", 0},
		{"stream of two choices that fails after one has ended", func(w *world, _ *journal) {
			second := strings.Replace(helloEvent, `"index":0`, `"index":1`, 1)
			w.on("local/llama", streaming(sse(helloEvent, second), sse(finishEvent), sse(errorEvent)))
		}, []func(*Request){streamed}, 0, "chunk chunk account observe chunk", "overloaded", 0},
		{"the client leaves a stream", func(w *world, _ *journal) {
			w.on("local/llama", streaming(sse(helloEvent), sse(loEvent), piece{hang: true}))
		},
			[]func(*Request){streamed}, time.Second, "chunk chunk account observe", "client_closed_request", 11},
		{"the sink takes no more", func(w *world, j *journal) { j.sink.chunk = failure(1) }, []func(*Request){streamed}, 0, "chunk chunk account observe", "client_closed_request", 10},
		{"the sink does not take the last", func(w *world, j *journal) { j.sink.chunk = failure(3) }, []func(*Request){streamed}, 0, "chunk chunk chunk account observe chunk", "", 30},
		{"the sink can't be flushed", func(w *world, j *journal) { j.sink.flush = failure(0) }, []func(*Request){streamed}, 0, "chunk chunk account observe", "client_closed_request", 10},
		{"the sink panics", func(w *world, j *journal) { j.panics = true }, []func(*Request){streamed}, 0, once, "client_closed_request", 9},
	} {
		check(t, []rule{{tc.name, func(t *testing.T, w *world) {
			j := &journal{}
			if tc.set != nil {
				tc.set(w, j)
			}
			j.watch(w)
			var reg limits.Registry
			account := w.gw.opts.Account
			w.gw.opts.Account = func(r *Record) {
				account(r)
				free, x := limits.Reserve(time.Now(), limits.Estimate{}, reg.Tenant("acme", store.Limits{Concurrent: 1}), nil)
				if free.Settle(time.Now(), 0, 0); x != nil {
					t.Errorf("accounted for before it was settled: %v", x)
				}
			}
			tenant := &Tenant{Name: "acme", Limits: reg.Tenant("acme", store.Limits{Concurrent: 1})}
			key := &Key{ID: "k", Tenant: tenant, Limits: reg.Key("acme", "k", store.Limits{Concurrent: 1})}
			released := 0
			tenant.Policy = chosen(func(uint64) *PolicyChoice {
				return &PolicyChoice{Name: "own", Version: "3", Number: 3, Plugin: w.strategy, Release: func() { released++ }}
			})
			w.publish()
			ctx := context.Background()
			if tc.leaves > 0 {
				var cancel context.CancelFunc
				ctx, cancel = contextFor(tc.leaves)
				defer cancel()
			}
			who := func(r *Request) { r.Tenant, r.TenantName, r.Key, r.NumRetries = tenant, "acme", key, new(int) }
			_ = j.serve(ctx, w, "local", append(tc.change, who)...)
			if got := strings.Join(j.events, " "); got != tc.events {
				t.Errorf("%q, want %q", got, tc.events)
			}
			code := ""
			if j.last.Err != nil {
				code = j.last.Err.Code
			}
			if u := j.last.Report.Usage; code != tc.code || u.Prompt+u.Completion != tc.tokens || u.Present != (tc.tokens > 0) {
				t.Errorf("code %q, usage %+v", code, u)
			}
			if j.last.Key != key || j.last.KeyID() != "k" || j.last.ID.Time().Sub(j.last.Start).Abs() > time.Millisecond {
				t.Errorf("record %+v", j.last)
			}
			if asked := j.last.Policy != ""; asked && (released != 1 || j.last.Version != 3 || j.last.Canary) || !asked && released != 0 {
				t.Errorf("policy %q version %d, released %d times", j.last.Policy, j.last.Version, released)
			}
			if w.strategy.score != nil {
				w.strategy.score = nil
			}
			w.on("local/llama", ok())
			w.provider.passthrough, w.dep("local/llama").Account.Plugin = true, w.provider
			if e := w.do("local", who); e.err != nil {
				t.Errorf("it still holds its slot: %v", e.err)
			}
		}}})
	}
}

// panicking is an adapter that has a mistake of the worst kind.
type panicking struct{ provider }

func (*panicking) Request(context.Context, *abi.RequestInput, *abi.RequestOutput, []byte) ([]byte, error) {
	panic("adapter")
}

// chosen is a policy source.
type chosen func(hash uint64) *PolicyChoice

func (c chosen) Choose(_ context.Context, hash uint64) *PolicyChoice { return c(hash) }

func TestEstimatedUsage(t *testing.T) {
	t.Parallel()
	count := `["usage",""]` // 3 of the prompt, 4 of the answer
	content := func(n int) string { return strings.Repeat(`["content","x"] `, n) }
	for _, tc := range []struct {
		name      string
		events    string
		want      abi.Usage
		estimated bool
	}{
		{"nothing was said: prompt and chunks", content(5), abi.Usage{Present: true, Prompt: 11, Completion: 5}, true},
		{"more was said than was seen", content(2) + count, abi.Usage{Present: true, Prompt: 3, Completion: 4}, false},
		{"less was said than came after it", count + " " + content(6), abi.Usage{Present: true, Prompt: 3, Completion: 6}, true},
		{"it was counted to its end", content(9) + `["finish",""] ` + count, abi.Usage{Present: true, Prompt: 3, Completion: 4}, false},
	} {
		check(t, []rule{{tc.name, func(t *testing.T, w *world) {
			translating(w)
			w.on("local/llama", streaming(sse(strings.Fields(tc.events)...), piece{hang: true}))
			ctx, cancel := contextFor(time.Second)
			defer cancel()
			e := w.doCtx(ctx, "local", streamed, func(r *Request) { r.PromptTokens = 11 })
			if strings.Contains(tc.events, "finish") {
				e.want(t, "local/llama=200", "")
			} else {
				e.want(t, "local/llama=200", "client_closed_request")
			}
			if p := e.report; p.Usage != tc.want || p.Estimated != tc.estimated || math.Abs(p.Cost-float64(tc.want.Prompt+2*tc.want.Completion)/1e6) > 1e-12 {
				t.Errorf("usage %+v, estimated %v, cost %v", p.Usage, p.Estimated, p.Cost)
			}
		}}})
	}
	check(t, []rule{{"a stream that a timeout cuts, of the client's or of its policy, is billed", func(t *testing.T, w *world) {
		translating(w)
		w.on("local/llama", streaming(sse(strings.Fields(content(5))...), piece{hang: true}))
		impatient := func(r *Request) {
			hasty := &strategy{name: "hasty", score: func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
				out.Directives, out.AttemptTimeoutMS = abi.DirectiveAttemptTimeout, 1000
				return nil
			}}
			r.Tenant = &Tenant{Policy: chosen(func(uint64) *PolicyChoice { return &PolicyChoice{Name: "hasty", Version: "1", Plugin: hasty} })}
		}
		for code, change := range map[string]func(*Request){"timeout": within(time.Second), "upstream_timeout": impatient} {
			e := w.do("local", streamed, change, func(r *Request) { r.PromptTokens = 11 })
			e.want(t, "local/llama=200", code)
			if p := e.report; p.Usage != (abi.Usage{Present: true, Prompt: 11, Completion: 5}) || !p.Estimated || math.Abs(p.Cost-21e-6) > 1e-12 {
				t.Errorf("%s: usage %+v, estimated %v, cost %v", code, p.Usage, p.Estimated, p.Cost)
			}
		}
	}}})
	check(t, []rule{{"a stream that the vendor broke off is not billed unless it said", func(t *testing.T, w *world) {
		translating(w)
		for events, want := range map[string]abi.Usage{content(5): {}, count + " " + content(9): {Present: true, Prompt: 3, Completion: 4}} {
			w.on("local/llama", streaming(sse(strings.Fields(events)...), sse(`["error",""]`)))
			e := w.do("local", streamed)
			if p := e.report; e.err == nil || p.Usage != want || p.Estimated || math.IsNaN(p.Cost) == want.Present {
				t.Errorf("%v: usage %+v, cost %v", e.err, p.Usage, p.Cost)
			}
		}
	}}})
}

func TestKeyID(t *testing.T) {
	t.Parallel()
	own, other := &Tenant{Name: "acme"}, &Tenant{Name: "globex"}
	key := &Key{ID: "key-1", Tenant: own}
	for want, r := range map[string]*Record{
		"":           {Request: &Request{}},
		"key-1":      {Key: key, Request: &Request{Tenant: own}},
		"acme/key-1": {Key: key, Request: &Request{Tenant: other}},
	} {
		if got := r.KeyID(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestPicks holds that what is on record is what strategies saw, and that nothing is on record unless
// it is asked for.
func TestPicks(t *testing.T) {
	t.Parallel()
	keep := func(w *world) *[]string {
		picks := &[]string{}
		w.gw.opts.Observe = func(r *Record) {
			for i := range r.Picks {
				p := &r.Picks[i]
				var ids []string
				for j := range p.Candidates {
					ids = append(ids, strings.TrimPrefix(p.Candidates[j].ID, p.Header.Group+"/"))
				}
				var calls []string
				for _, c := range p.Calls {
					calls = append(calls, c.Strategy+c.Failed)
				}
				*picks = append(*picks, fmt.Sprintf("%s %d: %s by %s of %s %v outcome %d try %d", p.Header.Group, p.Header.Attempt, strings.Join(ids, " "), p.By, strings.Join(calls, " "), p.Scores, p.Outcome, p.Try))
			}
		}
		return picks
	}
	who := func(record bool) func(*Request) {
		t := &Tenant{Name: "acme", Record: record}
		return func(r *Request) { r.Tenant, r.TenantName = t, t.Name }
	}
	check(t, []rule{
		{"one for each attempt, across groups", func(t *testing.T, w *world) {
			picks := keep(w)
			w.on("quality/sonnet", status(500))
			w.on("quality/gpt", status(500))
			w.do("quality", who(true), retries(1)).want(t, "quality/sonnet=500 quality/gpt=500 fast/haiku=200", "")
			want := []string{
				"quality 0: sonnet gpt by latency of latency [0 1] outcome 0 try 0",
				"quality 1: gpt by latency of latency [0] outcome 0 try 1",
				"fast 0: haiku mini by latency of latency [0 1] outcome 0 try 2",
			}
			if !slices.Equal(*picks, want) {
				t.Errorf("%q", *picks)
			}
		}},
		{"those that lead to no attempt too", func(t *testing.T, w *world) {
			picks := keep(w)
			w.strategy.score = func(_ *abi.Header, c []abi.Candidate, out *abi.ScoreOutput) error {
				for i := range c {
					out.Scores[i] = nan
				}
				return nil
			}
			w.do("local", who(true)).want(t, "", "no_deployment")
			w.strategy.score = func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
				out.Directives = abi.DirectiveReject
				return nil
			}
			w.do("local", who(true)).want(t, "", "rejected_by_strategy")
			if p := *picks; len(p) != 2 || !strings.HasSuffix(p[0], "outcome 1 try -1") || !strings.HasSuffix(p[1], "outcome 2 try -1") {
				t.Errorf("%q", p)
			}
		}},
		{"not without being asked for", func(t *testing.T, w *world) {
			picks := keep(w)
			w.do("local", who(false))
			w.do("local")
			if len(*picks) != 0 {
				t.Errorf("%q", *picks)
			}
		}},
	})
}

func TestPolicySource(t *testing.T) {
	t.Parallel()
	check(t, []rule{
		{"one choice holds for all attempts, fallbacks and feedback", func(t *testing.T, w *world) {
			var hashes []uint64
			own := &strategy{name: "ignored", listens: true}
			released := 0
			tenant := &Tenant{Name: "acme", Policy: chosen(func(h uint64) *PolicyChoice {
				hashes = append(hashes, h)
				return &PolicyChoice{Name: "cheap", Version: "12", Number: 12, Canary: true, Plugin: own, Release: func() {
					if len(own.feedback) != 3 || len(w.records) != 1 {
						t.Errorf("released after %d feedbacks and %d records", len(own.feedback), len(w.records))
					}
					released++
				}}
			})}
			w.on("quality/sonnet", status(500))
			w.on("quality/gpt", status(500))
			e := w.do("quality", func(r *Request) { r.Tenant, r.Session, r.NumRetries = tenant, "chat-7", new(int); *r.NumRetries = 1 })
			e.want(t, "quality/sonnet=500 quality/gpt=500 fast/haiku=200", "")
			if !slices.Equal(hashes, []uint64{abi.Hash("chat-7")}) || released != 1 || e.report.Policy != "cheap@12" {
				t.Errorf("hashes %v, released %d times, policy %q", hashes, released, e.report.Policy)
			}
			if r := w.records[0]; r.Policy != "cheap" || r.Version != 12 || !r.Canary {
				t.Errorf("record %+v", r)
			}
		}},
		{"without a session by the seed", func(t *testing.T, w *world) {
			var hashes []uint64
			tenant := &Tenant{Name: "acme", Policy: chosen(func(h uint64) *PolicyChoice { hashes = append(hashes, h); return nil })}
			e := w.do("local", func(r *Request) { r.Tenant = tenant })
			e.want(t, "local/llama=200", "")
			if !slices.Equal(hashes, []uint64{42}) || e.report.Policy != "" || w.records[0].Policy != "" || e.report.Strategy != "latency" {
				t.Errorf("hashes %v, policy %q", hashes, e.report.Policy)
			}
		}},
		{"one that fails is on record as asked, not as deciding", func(t *testing.T, w *world) {
			tenant := &Tenant{Name: "acme", Policy: chosen(func(uint64) *PolicyChoice {
				return &PolicyChoice{Name: "cheap", Version: "2", Number: 2, Plugin: failing("x", abi.ModeScore, errors.New("trap"))}
			})}
			e := w.do("local", func(r *Request) { r.Tenant = tenant })
			if r := w.records[0]; r.Policy != "cheap" || r.Version != 2 || e.report.Policy != "" || e.report.Scoring[0].Strategy != "cheap@2" {
				t.Errorf("record %+v, report %+v", r, e.report)
			}
		}},
		{"it is not asked for requests that limits refuse", func(t *testing.T, w *world) {
			var reg limits.Registry
			tenant := &Tenant{Name: "acme", Limits: reg.Tenant("acme", store.Limits{RequestsPerMinute: 1}), Policy: chosen(func(uint64) *PolicyChoice { return nil })}
			w.do("local", func(r *Request) { r.Tenant = tenant })
			tenant.Policy = chosen(func(uint64) *PolicyChoice { t.Error("asked"); return nil })
			w.do("local", func(r *Request) { r.Tenant = tenant }).want(t, "", "rate_limit_exceeded")
		}},
	})
}
