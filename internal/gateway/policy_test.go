package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// quietFault is the error of a plugin whose breaker is open.
type quietFault struct{ open bool }

func (f *quietFault) Error() string     { return "its breaker is open" }
func (f *quietFault) BreakerOpen() bool { return f.open }

// failing is a strategy whose calls end in err, after some fuel.
func failing(name, mode string, err error) *strategy {
	return &strategy{name: name, mode: mode, fuel: 77, hash: "0123456789abcdef", score: func(*abi.Header, []abi.Candidate, *abi.ScoreOutput) error { return err }}
}

// choosing is a policy with fixed scores.
func choosing(scores map[string]float64) *strategy {
	s := scoring("own", abi.ModeScore, scores)
	s.hash, s.fuel = "fedcba9876543210", 500
	return s
}

// acme is a request of a tenant with a policy.
func acme(s *strategy) func(*Request) {
	t := &Tenant{Name: "acme"}
	if s != nil {
		t.Policy = PluginPolicy(s.name, s)
	}
	return func(r *Request) { r.Tenant, r.TenantName = t, t.Name }
}

func scored(list []Scoring) string {
	var parts []string
	for _, s := range list {
		part := fmt.Sprintf("%s/%d %s=%d", s.Group, s.Attempt, s.Strategy, s.Fuel)
		if s.Policy {
			part += " policy"
		}
		if s.Failed != "" {
			part += " " + s.Failed
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

const ownLabel = "own@fedcba987654"

func TestPolicies(t *testing.T) {
	t.Parallel()
	type scores = map[string]float64
	filter := func(s scores) StrategyUse {
		return StrategyUse{Name: "f", Plugin: scoring("f", abi.ModeFilter, s), Weight: 1}
	}
	first := StrategyUse{Name: "s", Plugin: scoring("s", abi.ModeScore, scores{"a": 1, "b": 2, "c": 3}), Weight: 1}
	check(t, []rule{
		{"it scores in place of the scoring strategies", func(t *testing.T, w *world) {
			s := &strategy{name: "s"}
			w.use("a b c", StrategyUse{Name: "s", Plugin: s, Weight: 1})
			w.on("g/c", ok())
			e := w.do("g", acme(choosing(scores{"a": 3, "b": 2, "c": 1})))
			e.want(t, "g/c=200", "")
			if len(s.seen) != 0 {
				t.Error("the group's strategy was asked too")
			}
			if e.report.Policy != ownLabel || e.report.Strategy != "own" {
				t.Errorf("policy %q, strategy %q", e.report.Policy, e.report.Strategy)
			}
			if got, want := scored(e.report.Scoring), "g/0 "+ownLabel+"=500 policy"; got != want {
				t.Errorf("scoring %q, want %q", got, want)
			}
		}},
		{"each attempt is decided anew", func(t *testing.T, w *world) {
			w.use("a b c", first)
			w.on("g/a", ok())
			e := w.do("g", acme(choosing(scores{"a": 3, "b": 2, "c": 1})))
			e.want(t, "g/c=500 g/b=500 g/a=200", "")
			if got, want := scored(e.report.Scoring), strings.ReplaceAll("g/0 P=500 policy, g/1 P=500 policy, g/2 P=500 policy", "P", ownLabel); got != want {
				t.Errorf("scoring %q, want %q", got, want)
			}
		}},
		{"others keep the group's strategies", func(t *testing.T, w *world) {
			w.use("a b c", first)
			w.on("g/a", ok())
			for _, who := range []func(*Request){acme(nil), func(r *Request) { r.TenantName = "acme" }} {
				e := w.do("g", who)
				e.want(t, "g/a=200", "")
				if e.report.Policy != "" || e.report.Strategy != "s" || scored(e.report.Scoring) != "g/0 s=0" {
					t.Errorf("%+v", e.report)
				}
			}
		}},
		{"it sees what the filters left, and can't bring the rest back", func(t *testing.T, w *world) {
			w.use("a b c", filter(scores{"a": nan}), first)
			own := choosing(scores{"a": -inf, "b": 2, "c": 1})
			e := w.do("g", acme(own))
			if got := firsts(e.order()); got != "c b" || e.report.Strategy != "f+own" {
				t.Errorf("order %q by %q", got, e.report.Strategy)
			}
			for _, seen := range own.seen {
				if slices.ContainsFunc(seen, func(c abi.Candidate) bool { return c.ID == "g/a" }) {
					t.Error("it saw what the filter removed")
				}
			}
		}},
		{"it can't reach a group that its tenant may not use", func(t *testing.T, w *world) {
			g := w.use("a", first)
			g.Fallbacks = []string{"quality", "fast"}
			who := acme(choosing(scores{"a": 1}))
			e := w.do("g", who, func(r *Request) { r.Tenant.Models = map[string]bool{"g": true, "fast": true} })
			e.want(t, "g/a=500 fast/haiku=200", "")
			w.do("quality", who, func(r *Request) { r.Tenant.Models = map[string]bool{"g": true} }).want(t, "", "model_not_found")
		}},
		{"it decides in fallback groups too", func(t *testing.T, w *world) {
			g := w.use("a", first)
			g.Fallbacks = []string{"fast"}
			e := w.do("g", acme(choosing(scores{"haiku": 2, "mini": 1})))
			e.want(t, "g/a=500 fast/mini=200", "")
			if got, want := scored(e.report.Scoring), strings.ReplaceAll("g/0 P=500 policy, fast/1 P=500 policy", "P", ownLabel); got != want {
				t.Errorf("scoring %q, want %q", got, want)
			}
		}},
		{"NaN removes", func(t *testing.T, w *world) {
			w.use("a b c", first)
			if got := firsts(w.do("g", acme(choosing(scores{"a": nan, "b": 2, "c": 1}))).order()); got != "c b" {
				t.Errorf("order %q", got)
			}
			e := w.do("g", acme(choosing(scores{"a": nan, "b": nan, "c": nan})))
			e.want(t, "", "no_deployment")
			if got, want := scored(e.report.Scoring), "g/0 "+ownLabel+"=500 policy"; e.report.Policy != ownLabel || got != want {
				t.Errorf("policy %q, scoring %q, want %q", e.report.Policy, got, want)
			}
		}},
		{"it may reject, and the answer says who", func(t *testing.T, w *world) {
			w.use("a", first).Fallbacks = []string{"fast"}
			own := choosing(nil)
			own.score = func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
				out.Directives, out.RejectStatus, out.RejectCode, out.Reason = abi.DirectiveReject, 429, "budget", "spent"
				return nil
			}
			e := w.do("g", acme(own))
			e.want(t, "", "budget")
			if e.err == nil || e.err.Status != 429 || e.report.Policy != ownLabel {
				t.Errorf("%+v by %q", e.err, e.report.Policy)
			}
		}},
		{"it may shorten attempts", func(t *testing.T, w *world) {
			w.use("a", first)
			w.on("g/a", hanging())
			own := choosing(nil)
			own.score = func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
				out.Directives, out.AttemptTimeoutMS = abi.DirectiveAttemptTimeout, 3000
				return nil
			}
			w.do("g", acme(own)).tookBetween(t, 3*time.Second, 3*time.Second)
		}},
		{"when it fails, the scoring strategies decide in the same request", func(t *testing.T, w *world) {
			for _, tc := range []struct {
				err  error
				want string
			}{
				{errors.New("trap"), FailedFault},
				{&abi.Refusal{Message: "no"}, FailedRefusal},
				{fmt.Errorf("asking it: %w", &quietFault{open: true}), FailedBreaker},
				{&quietFault{}, FailedFault},
			} {
				w := newWorld()
				w.use("a b c", filter(nil), first)
				w.on("g/a", ok())
				e := w.do("g", acme(failing("own", abi.ModeScore, tc.err)))
				e.want(t, "g/a=200", "")
				if e.report.Policy != "" || e.report.Strategy != "f+s" || e.report.Attempts[0].Reason != "policy own had no say: "+tc.want {
					t.Errorf("%s: %+v", tc.want, e.report)
				}
				if got, want := scored(e.report.Scoring), "g/0 f=0, g/0 own@0123456789ab=77 policy "+tc.want+", g/0 s=0"; got != want {
					t.Errorf("scoring %q, want %q", got, want)
				}
			}
		}},
		{"when all fail, weights do", func(t *testing.T, w *world) {
			w.use("a b", StrategyUse{Name: "s", Plugin: failing("s", abi.ModeScore, errors.New("trap")), Weight: 1})
			w.dep("g/a").Weight = 0
			w.on("g/b", ok())
			e := w.do("g", acme(failing("own", abi.ModeScore, errors.New("trap"))))
			e.want(t, "g/b=200", "")
			if r := e.report.Attempts[0].Reason; r != "policy own had no say: fault; strategies failed, order by weight" || e.report.Strategy != "weighted" {
				t.Errorf("%q by %q", r, e.report.Strategy)
			}
		}},
		{"one that fails later gives back the later decisions only", func(t *testing.T, w *world) {
			w.use("a b c", first)
			own := choosing(scores{"a": 3, "b": 2, "c": 1})
			inner := own.score
			own.score = func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
				if h.Attempt > 0 {
					return errors.New("trap")
				}
				return inner(h, cands, out)
			}
			e := w.do("g", acme(own), retries(1))
			e.want(t, "g/c=500 g/a=500", "upstream_error")
			if e.report.Policy != "" || e.report.Attempts[0].Strategy != "own" || e.report.Attempts[1].Strategy != "s" {
				t.Errorf("%+v", e.report)
			}
		}},
		{"it hears how attempts end, whoever decided", func(t *testing.T, w *world) {
			w.use("a b c", first)
			own := failing("own", abi.ModeScore, errors.New("trap"))
			own.listens = true
			w.do("g", acme(own), retries(1))
			if len(own.feedback) != 2 || string(own.feedback[0].ID) != "g/a" || own.feedback[0].TenantHash != abi.Hash("acme") {
				t.Errorf("feedback %+v", own.feedback)
			}
			deaf := choosing(nil)
			w.do("g", acme(deaf))
			if len(own.feedback) != 2 || len(deaf.feedback) != 0 {
				t.Error("feedback went to another policy, or to one that does not listen")
			}
		}},
	})
}

// TestFailingFilters holds that nothing passes which a filter might have removed.
func TestFailingFilters(t *testing.T) {
	t.Parallel()
	trap := errors.New("trap")
	check(t, []rule{
		{"a request whose filter fails is refused", func(t *testing.T, w *world) {
			for name, err := range map[string]error{"fault": trap, "refusal": &abi.Refusal{Message: "no"}, "open": &quietFault{open: true}} {
				for _, use := range []StrategyUse{
					{Name: "f", Weight: 1, Plugin: failing("f", abi.ModeFilter, err)},
					{Name: "f", Weight: 1, Plugin: failing("f", abi.ModeFilter, err), OnFault: FaultRefuse},
					{Name: "s", Weight: 1, Plugin: failing("s", abi.ModeScore, err), OnFault: FaultRefuse},
				} {
					w := newWorld()
					w.use("a b", use).Fallbacks = []string{"fast"}
					e := w.do("g")
					e.want(t, "", "routing_unavailable")
					if e.err == nil || e.err.Status != 503 || e.err.Type != "server_error" || !e.err.Retried() {
						t.Errorf("%s: %+v", name, e.err)
					}
				}
			}
		}},
		{"unless the operator says skip", func(t *testing.T, w *world) {
			w.use("a b", StrategyUse{Name: "f", Weight: 1, Plugin: failing("f", abi.ModeFilter, trap), OnFault: FaultSkip}, StrategyUse{Name: "s", Plugin: w.strategy, Weight: 1})
			w.on("g/a", ok())
			e := w.do("g")
			e.want(t, "g/a=200", "")
			if got := scored(e.report.Scoring); got != "g/0 f=77 fault, g/0 s=0" {
				t.Errorf("scoring %q", got)
			}
		}},
		{"a policy does not make up for it", func(t *testing.T, w *world) {
			own := choosing(nil)
			w.use("a", StrategyUse{Name: "f", Weight: 1, Plugin: failing("f", abi.ModeFilter, trap)})
			w.do("g", acme(own)).want(t, "", "routing_unavailable")
			if len(own.seen) != 0 {
				t.Error("it was asked")
			}
		}},
		{"a failing filter of a fallback leaves the next fallback", func(t *testing.T, w *world) {
			w.group("barred", "x").Strategies = []StrategyUse{{Name: "f", Weight: 1, Plugin: failing("f", abi.ModeFilter, trap)}}
			w.use("a").Fallbacks = []string{"barred", "fast"}
			w.do("g").want(t, "g/a=500 fast/haiku=200", "")
			w.find("g").Fallbacks = []string{"barred"}
			w.do("g").want(t, "g/a=500", "upstream_error")
		}},
	})
}

// TestOpenBreakersAreQuiet counts what is logged of strategies that were not asked.
func TestOpenBreakersAreQuiet(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		open  bool
		lines int
	}{{true, 0}, {false, 2}} {
		check(t, []rule{{fmt.Sprintf("open: %v", tc.open), func(t *testing.T, w *world) {
			var b bytes.Buffer
			w.gw.opts.Log = slog.New(slog.NewTextHandler(&b, nil))
			w.use("a", StrategyUse{Name: "s", Weight: 1, Plugin: failing("s", abi.ModeScore, &quietFault{tc.open})})
			w.on("g/a", ok())
			w.do("g", acme(failing("own", abi.ModeScore, &quietFault{tc.open}))).want(t, "g/a=200", "")
			if n := strings.Count(b.String(), "\n"); n != tc.lines {
				t.Errorf("%d lines: %s", n, b.String())
			}
		}}})
	}
}
