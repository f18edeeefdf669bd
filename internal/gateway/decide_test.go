package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var nan, inf = math.NaN(), math.Inf(1)

// use makes a group of deployments a, b, c … whose strategies are given.
func (w *world) use(deployments string, uses ...StrategyUse) *Group {
	g := w.group("g", strings.Fields(deployments)...)
	g.Strategies = uses
	g.Retries = len(g.Deployments) - 1
	for _, d := range g.Deployments {
		w.on(d.ID, status(500))
	}
	return g
}

// order is the deployments of a group in the order in which failing attempts go through them.
func (e ended) order() string {
	var names []string
	for _, a := range e.report.Attempts {
		_, short, _ := strings.Cut(a.Deployment, "/")
		names = append(names, short)
	}
	return strings.Join(names, " ")
}

func TestStrategiesCompose(t *testing.T) {
	t.Parallel()
	type scores = map[string]float64
	score := func(weight float64, s scores) StrategyUse {
		return StrategyUse{Name: "s", Plugin: scoring("s", abi.ModeScore, s), Weight: weight}
	}
	filter := func(s scores) StrategyUse {
		return StrategyUse{Name: "f", Plugin: scoring("f", abi.ModeFilter, s), Weight: 1}
	}
	faulty := func(err error) StrategyUse {
		return StrategyUse{Name: "bad", Weight: 1, Plugin: &strategy{name: "bad", score: func(*abi.Header, []abi.Candidate, *abi.ScoreOutput) error { return err }}}
	}
	short := StrategyUse{Name: "short", Weight: 1, Plugin: &strategy{name: "short", score: func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
		out.Scores = out.Scores[:0]
		return nil
	}}}
	for _, tc := range []struct {
		name string
		uses []StrategyUse
		want string // the order in which four failing attempts first reach them; the config has a c b d
		code string
	}{
		{"lower is better", []StrategyUse{score(1, scores{"a": 3, "b": 1, "c": 2, "d": 0})}, "d b c a", "upstream_error"},
		{"a filter's numbers do not rank", []StrategyUse{filter(scores{"a": 9, "b": 1}), score(1, scores{"a": 0, "b": 1, "c": 2, "d": 3})}, "a b c d", "upstream_error"},
		{"removed by a filter from the first order: the next is tried", []StrategyUse{filter(scores{"a": nan, "b": nan, "c": nan})}, "d", "upstream_error"},
		{"NaN of a filter removes", []StrategyUse{filter(scores{"a": nan}), score(1, scores{"b": 0, "c": 1, "d": 2})}, "b c d", "upstream_error"},
		{"NaN of a score removes", []StrategyUse{score(1, scores{"a": 1, "b": nan, "c": 0, "d": nan})}, "c a", "upstream_error"},
		{"NaN of any of several removes", []StrategyUse{score(1, scores{"a": nan}), score(1, scores{"d": nan, "b": 1})}, "c b", "upstream_error"},
		{"NaN removes though its strategy has no weight", []StrategyUse{score(1, scores{"a": 1}), score(0, scores{"d": nan, "b": -9})}, "c b a", "upstream_error"},
		{"without weight infinities do not count", []StrategyUse{score(1, scores{"a": 4, "b": 3, "c": 2, "d": 1}), score(0, scores{"d": inf, "a": -inf})}, "d c b a", "upstream_error"},
		{"+Inf is last, -Inf is first", []StrategyUse{score(1, scores{"a": inf, "b": -inf, "c": 1, "d": 2})}, "b c d a", "upstream_error"},
		{"infinities of one are not outvoted by others", []StrategyUse{score(1, scores{"a": 0, "b": 1, "c": 2, "d": 3}), score(0.01, scores{"a": inf, "d": -inf})}, "d b c a", "upstream_error"},
		{"last wins over first", []StrategyUse{score(1, scores{"a": -inf}), score(1, scores{"a": inf, "b": 1, "d": 2})}, "c b d a", "upstream_error"},
		{"a difference of next to nothing is not scaled up", []StrategyUse{score(0.7, scores{"a": 100, "b": 100.001, "c": 100, "d": 100.001}), score(0.3, scores{"a": 4, "b": 1, "c": 3, "d": 2})}, "b d c a", "upstream_error"},
		{"scores are scaled before they are weighted", []StrategyUse{score(0.7, scores{"a": 0, "b": 1, "c": 0, "d": 1}), score(0.3, scores{"a": 1e6, "b": 0, "c": 0, "d": 1e6})}, "c a b d", "upstream_error"},
		{"scaling bears the largest numbers", []StrategyUse{score(1, scores{"a": math.MaxFloat64, "b": -math.MaxFloat64, "c": 0, "d": 1}), score(0.001, scores{"d": -1})}, "b d c a", "upstream_error"},
		{"a strategy that finds all equal says nothing", []StrategyUse{score(1, scores{"a": 7, "b": 7, "c": 7, "d": 7}), score(0.1, scores{"a": 4, "b": 3, "c": 2, "d": 1})}, "d c b a", "upstream_error"},
		{"a faulty strategy is left out", []StrategyUse{faulty(errors.New("trap")), score(1, scores{"a": 4, "b": 3, "c": 2, "d": 1})}, "d c b a", "upstream_error"},
		{"one that refuses is left out too", []StrategyUse{score(1, scores{"a": 4, "b": 3, "c": 2, "d": 1}), faulty(&abi.Refusal{Message: "no"})}, "d c b a", "upstream_error"},
		{"one that scores too few is left out too", []StrategyUse{short, score(1, scores{"a": 4, "b": 3, "c": 2, "d": 1})}, "d c b a", "upstream_error"},
		{"removing all is refused by name", []StrategyUse{filter(scores{"a": nan, "b": nan, "c": nan, "d": nan})}, "", "no_deployment"},
		{"two that remove all together are too", []StrategyUse{filter(scores{"a": nan, "b": nan}), score(1, scores{"c": nan, "d": nan})}, "", "no_deployment"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			check(t, []rule{{"in four attempts", func(t *testing.T, w *world) {
				w.use("a c b d", tc.uses...)
				w.dep("g/d").Order = orderOf(tc.name)
				for _, id := range []string{"g/a", "g/b", "g/c", "g/d"} {
					w.dep(id).Cooldown = ptr(time.Duration(0))
				}
				// The ranking shows in which fresh deployment each attempt takes.
				e := w.do("g")
				got := e.order()
				if made := len(e.report.Attempts); tc.want != "" && made != 4 || firsts(got) != tc.want || e.err.Code != tc.code {
					t.Errorf("order %q, error %v; want %q, %q", got, e.err, tc.want, tc.code)
				}
			}}})
		})
	}
}

// orderOf is the order of deployment d in a case.
func orderOf(name string) int32 {
	if strings.Contains(name, "order:") {
		return 1
	}
	return 0
}

// firsts drops repetitions.
func firsts(order string) string {
	var out []string
	for n := range strings.FieldsSeq(order) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return strings.Join(out, " ")
}

func TestStrategyDirectives(t *testing.T) {
	t.Parallel()
	with := func(set func(*abi.ScoreOutput)) StrategyUse {
		return StrategyUse{Name: "p", Weight: 1, Plugin: &strategy{name: "p", score: func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
			set(out)
			return nil
		}}}
	}
	attempts := func(ms uint32) StrategyUse {
		return with(func(o *abi.ScoreOutput) {
			o.Directives, o.AttemptTimeoutMS = abi.DirectiveAttemptTimeout, ms
		})
	}
	check(t, []rule{
		{"reject refuses the request with status, code and reason, and does not fall back", func(t *testing.T, w *world) {
			g := w.use("a", with(func(o *abi.ScoreOutput) {
				o.Directives, o.RejectStatus, o.RejectCode, o.Reason = abi.DirectiveReject, 451, "not_here", "no exports."
			}))
			g.Fallbacks = []string{"fast"}
			e := w.do("g")
			e.want(t, "", "not_here")
			if e.err.Status != 451 || !strings.HasSuffix(e.err.Message, ": no exports.") {
				t.Errorf("%+v", e.err)
			}
		}},
		{"reject without a proper status or code is a 403", func(t *testing.T, w *world) {
			for _, status := range []uint16{0, 200, 302, 600} {
				w := newWorld()
				w.use("a", with(func(o *abi.ScoreOutput) {
					o.Directives, o.RejectStatus, o.RejectCode = abi.DirectiveReject, status, "two words"
				}))
				if e := w.do("g"); e.err == nil || e.err.Status != 403 || e.err.Code != "rejected_by_strategy" {
					t.Errorf("%+v", e.err)
				}
			}
		}},
		{"reject as too long takes the context-window fallback", func(t *testing.T, w *world) {
			g := w.use("a", with(func(o *abi.ScoreOutput) {
				o.Directives, o.RejectCode = abi.DirectiveReject, "context_length_exceeded"
			}))
			g.ContextWindowFallbacks = []string{"fast"}
			w.do("g").want(t, "fast/haiku=200", "")
		}},
		{"attempt timeouts: the strictest of strategies and config", func(t *testing.T, w *world) {
			w.use("a", attempts(5000), attempts(3000), attempts(0))
			w.on("g/a", hanging())
			w.do("g").tookBetween(t, 3*time.Second, 3*time.Second)
			w.dep("g/a").Timeout = time.Second
			w.do("g").tookBetween(t, time.Second, time.Second)
			w.dep("g/a").Timeout = 0
			w.dep("g/a").Account.Timeout = 2 * time.Second
			w.do("g").tookBetween(t, 2*time.Second, 2*time.Second)
		}},
		{"first-token timeouts too", func(t *testing.T, w *world) {
			w.use("a", with(func(o *abi.ScoreOutput) {
				o.Directives, o.FirstTokenTimeoutMS = abi.DirectiveFirstTokenTimeout, 4000
			}))
			w.on("g/a", hanging())
			w.do("g", streamed).tookBetween(t, 4*time.Second, 4*time.Second)
			w.find("g").StreamTimeout = time.Second
			w.do("g", streamed).tookBetween(t, time.Second, time.Second)
		}},
		{"reasons are joined, by strategy", func(t *testing.T, w *world) {
			w.use("a", with(func(o *abi.ScoreOutput) { o.Reason = "cheap" }), with(func(o *abi.ScoreOutput) {}), with(func(o *abi.ScoreOutput) { o.Reason = "near\xff" }))
			if a := w.do("g").report.Attempts[0]; a.Reason != "p: cheap; p: near\uFFFD" || a.Strategy != "p+p+p" {
				t.Errorf("%+v", a)
			}
		}},
		{"strategies that listen hear how attempts end", func(t *testing.T, w *world) {
			s := &strategy{name: "ear", listens: true}
			w.use("a b", StrategyUse{Name: "ear", Plugin: s, Weight: 1})
			w.on("g/a", after(time.Second, status(500)))
			w.on("g/b", ok())
			w.do("g", func(r *Request) { r.TenantName = "acme" })
			if len(s.feedback) != 2 {
				t.Fatalf("%d feedbacks", len(s.feedback))
			}
			a, b := s.feedback[0], s.feedback[1]
			if a.OK || string(a.ID) != "g/a" || a.Status != 500 || a.Class != abi.ClassRetry || a.TotalMS != 1000 || !math.IsNaN(a.TTFTMS) || a.TenantHash != abi.Hash("acme") {
				t.Errorf("%+v", a)
			}
			if !b.OK || string(b.ID) != "g/b" || b.OutputTokens != 20 || b.IDHash != abi.Hash("g/b") || string(b.Group) != "g" {
				t.Errorf("%+v", b)
			}
			ctx, cancel := contextFor(time.Second)
			defer cancel()
			w.on("g/a", hanging())
			w.doCtx(ctx, "g")
			if len(s.feedback) != 2 {
				t.Error("a client's leaving was reported as an end")
			}
		}},
		{"no strategies: by weight, 0 as backup only", func(t *testing.T, w *world) {
			g := w.use("a b c")
			g.Deployments[0].Weight, g.Deployments[1].Weight, g.Deployments[2].Weight = 0, 3, 1
			first := map[string]int{}
			for seed := range uint64(4000) {
				w.gw.opts.Seed = func() uint64 { return seed }
				e := w.do("g", retries(0))
				first[e.order()]++
				for _, d := range g.Deployments {
					*d.Health = health.Health{}
				}
			}
			if first["a"] != 0 || first["b"] < 2800 || first["b"] > 3200 {
				t.Errorf("%v", first)
			}
		}},
		{"faulty strategies only: by weight, and said so", func(t *testing.T, w *world) {
			w.use("a", StrategyUse{Name: "bad", Weight: 1, Plugin: &strategy{name: "bad", score: func(*abi.Header, []abi.Candidate, *abi.ScoreOutput) error { return errors.New("x") }}})
			w.on("g/a", ok())
			if e := w.do("g"); e.err != nil || e.report.Strategy != "weighted" {
				t.Errorf("%v %+v", e.err, e.report)
			}
		}},
		{"the record of a candidate says what the config and the statistics know", func(t *testing.T, w *world) {
			s := &strategy{name: "s"}
			g := w.use("a", StrategyUse{Name: "s", Plugin: s, Weight: 1})
			d := g.Deployments[0]
			d.Tags, d.Order, d.RPM, d.TPM, d.Context, d.MaxOutput = []string{"eu", "x"}, 3, 7, 8, 9000, 100
			d.AbilitiesKnown, d.Abilities = true, abi.FeatureTools
			w.on("g/a", after(time.Second, ok()))
			acme := &Tenant{Name: "acme", Pins: map[string]string{"g": "g/a"}}
			who := func(r *Request) {
				r.Tenant, r.TenantName, r.Session, r.Tags = acme, "acme", "s1", []string{"p", "q"}
				r.MaxOutput = 5
			}
			w.do("g", who)
			w.do("g", who)
			c, h := s.seen[1][0], s.headers[1]
			if c.ID != "g/a" || c.Tags != "eu\nx" || c.Order != 3 || c.RPM != 7 || c.TPM != 8 || c.Context != 9000 || c.MaxOutput != 100 ||
				c.Flags != abi.CandidatePinned|abi.CandidateAbilitiesKnown || c.Abilities != abi.FeatureTools ||
				c.Samples != 1 || c.Total != 1000 || c.TokensMinute != 30 || c.ReqMinute != 1 || c.InFlight != 0 {
				t.Errorf("%+v", c)
			}
			if h.TenantHash != abi.Hash("acme") || h.SessionHash != abi.Hash("s1") || h.Tags != "p\nq" || h.ExpectedOutput != 5 || h.RemainingMS != 600_000 || h.Messages != 1 {
				t.Errorf("%+v", h)
			}
		}},
	})
}

// TestSameSeedSameChoice runs requests twice with one seed and the same statistics.
func TestSameSeedSameChoice(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		seed := rng.Uint64()
		var first string
		for i := range 3 {
			w := newWorld()
			w.gw.opts.Seed = func() uint64 { return seed }
			g := w.use("a b c d e f")
			for _, d := range g.Deployments {
				d.Weight = 1 + float64(d.ID[2]%3)
				d.Timeout = time.Hour
			}
			w.on("g/a", status(404))
			for _, d := range g.Deployments[1:] {
				w.on(d.ID, status(404))
			}
			got := w.do("g").order()
			if i == 0 {
				first = got
			} else if got != first {
				t.Fatalf("seed %d chose %q, then %q", seed, first, got)
			}
		}
	}
}

// TestTrialIsClaimedOnce lets many requests go for one half-open deployment at the same time.
func TestTrialIsClaimedOnce(t *testing.T) {
	t.Parallel()
	check(t, []rule{{"of sixteen requests one makes the trial", func(t *testing.T, w *world) {
		w.on("quality/sonnet", status(429), after(time.Second, ok()))
		w.do("quality")
		_ = sleep(context.Background(), 5*time.Second, false)
		w.gw.opts.Observe = func(*Record) {}
		var wg sync.WaitGroup
		results := make([]ended, 16)
		for i := range results {
			wg.Go(func() { results[i] = w.do("quality") })
		}
		wg.Wait()
		trials := 0
		for _, e := range results {
			switch trace := e.trace(); {
			case trace == "quality/sonnet=200" && e.report.Attempts[0].Trial:
				trials++
			case trace != "quality/gpt=200":
				t.Error(trace)
			}
		}
		if trials != 1 {
			t.Errorf("%d trials", trials)
		}
	}}})
}

func ExampleReport_AttemptList() {
	r := Report{Attempts: []Attempt{
		{Deployment: "gpt", Status: 429, Error: "rate_limit_exceeded"}, {Deployment: "claude", Error: "upstream_unreachable"}, {Deployment: "mini", Status: 200},
	}}
	fmt.Println(r.AttemptList())
	// Output: gpt=429 rate_limit_exceeded, claude=upstream_unreachable, mini=ok
}
