package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// scorer is a policy in Go.
type scorer func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error

func (s scorer) Score(_ context.Context, h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	*out = abi.ScoreOutput{Scores: out.Scores[:0]}
	for range cands {
		out.Scores = append(out.Scores, 0)
	}
	return 1000 + h.Seed%100, s(h, cands, out)
}

func (scorer) Hash() string { return "cafe" }

// by scores candidates by a figure of theirs.
func by(figure func(*abi.Candidate) float64) scorer {
	return func(_ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		for i := range cands {
			out.Scores[i] = figure(&cands[i])
		}
		return nil
	}
}

var (
	cheapest = by(func(c *abi.Candidate) float64 { return c.PriceInput })
	fastest  = by(func(c *abi.Candidate) float64 { return c.Total })
	alike    = by(func(*abi.Candidate) float64 { return 1 })
	reject   = scorer(func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
		out.Directives, out.RejectStatus, out.Reason = abi.DirectiveReject, 403, "not today"
		return nil
	})
	nothing = by(func(*abi.Candidate) float64 { return math.NaN() })
	broken  = scorer(func(*abi.Header, []abi.Candidate, *abi.ScoreOutput) error { return errors.New("trap") })
)

// past is a list of decisions as a source.
type past []*decisionlog.Record

func (p past) Len(context.Context, string) (int, error) { return len(p), nil }

func (p past) Scan(_ context.Context, _ string, last int, yield func(*decisionlog.Record) error) error {
	for _, r := range p[max(0, len(p)-last):] {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// live makes requests as the gateway does: among random deployments, with filters, strategies and a
// policy, over several attempts.
func live(rnd *rand.Rand, n int, panel *decision.Panel, policy decision.Policy) past {
	var list past
	var d decision.Decision
	for i := range n {
		at := time.UnixMilli(1_700_000_000_000 + int64(i)*100)
		rec := &decisionlog.Record{Entry: store.Entry{ID: store.NewEntryID(at), Tenant: "acme", Counted: i%2 == 0, Tokens: store.Tokens{Prompt: 1000, Completion: 100}}}
		for attempt := range 1 + rnd.IntN(3) {
			in := decision.Input{Header: abi.Header{
				Seed: rnd.Uint64(), Now: uint64(at.UnixMilli()), PromptTokens: rnd.Uint32N(2000), ExpectedOutput: rnd.Uint32N(300), Attempt: uint32(attempt), Group: "quality",
			}}
			for c := range 2 + rnd.IntN(6) {
				id := fmt.Sprintf("vendor%d/model-%d", c%3, c)
				price := float64(1 + rnd.IntN(4)) // so that there are equals
				cand := abi.Candidate{
					IDHash: abi.Hash(id), ID: id, Provider: fmt.Sprintf("vendor%d", c%3), Model: fmt.Sprintf("model-%d", c), Weight: 1,
					PriceInput: price, PriceOutput: 4 * price, PriceCached: math.NaN(), Total: 100 + 900*rnd.Float64(), TTFT: math.NaN(), TPOT: math.NaN(),
				}
				if rnd.IntN(8) == 0 {
					cand.Flags |= abi.CandidateTrial
				}
				in.Candidates = append(in.Candidates, cand)
			}
			d.Make(context.Background(), &in, panel, policy)
			p := decisionlog.Pick{
				Header: in.Header, Candidates: in.Candidates, Outcome: uint8(d.Outcome), Scores: slices.Clone(d.Scores), Filtered: slices.Clone(d.Filtered), By: d.By, Reason: d.Reason, Try: -1,
			}
			for _, c := range d.Calls {
				p.Calls = append(p.Calls, decisionlog.Call{Strategy: c.Strategy, Policy: c.Policy, Version: c.Version, Fuel: c.Fuel, Failed: c.Failed, Reason: c.Reason})
			}
			for _, at := range d.Ranking {
				if in.Candidates[at].Flags&abi.CandidateTrial == 0 || rnd.IntN(2) == 0 { // else another request has the trial
					p.Try = len(rec.Tries)
					rec.Tries = append(rec.Tries, decisionlog.Try{Group: "quality", Deployment: in.Candidates[at].ID})
					break
				}
			}
			rec.Picks = append(rec.Picks, p)
		}
		list = append(list, rec)
	}
	return list
}

// filter removes every third candidate, and all of them now and then.
var filter = decision.Use{Name: "filter", Filter: true, Strategy: scorer(func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
	for i := range cands {
		if (h.Seed+uint64(i))%3 == 0 || h.Seed%50 == 0 {
			out.Scores[i] = math.NaN()
		}
	}
	return nil
})}

// sometimes a policy refuses, leaves nothing, fails.
func moody(s scorer) scorer {
	return func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		switch h.Seed % 20 {
		case 0:
			return reject(h, cands, out)
		case 1:
			return nothing(h, cands, out)
		case 2:
			return broken(h, cands, out)
		}
		return s(h, cands, out)
	}
}

func replay(t *testing.T, from past, p scorer) *Result {
	t.Helper()
	res, err := Run(t.Context(), from, Options{Tenant: "acme", Last: len(from), Policy: decision.Policy{Name: "own", Strategy: p}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestTheActiveVersionChangesNothing(t *testing.T) {
	t.Parallel()
	latency := decision.Use{Name: "latency", Strategy: fastest, Weight: 1}
	panels := map[string]*decision.Panel{
		"filter and strategy": decision.NewPanel([]decision.Use{filter, latency}),
		"strategies":          decision.NewPanel([]decision.Use{latency, {Name: "cost", Strategy: cheapest, Weight: 0.5}}),
		"weights":             decision.NewPanel(nil),
	}
	for name, panel := range panels {
		for kind, policy := range map[string]scorer{"cheapest": cheapest, "alike": alike, "moody": moody(cheapest), "refuses": reject, "removes": nothing} {
			from := live(rand.New(rand.NewPCG(1, 2)), 2000, panel, decision.Policy{Name: "own", Strategy: policy})
			res := replay(t, from, policy)
			if res.Moved != 0 || len(res.Largest) != 0 || res.Requests != 2000 || res.Undecided > 300 {
				t.Errorf("%s, %s: %d of %d moved, %d undecided: %+v", name, kind, res.Moved, res.Requests, res.Undecided, res.Largest)
			}
			if res.Cost.Before != res.Cost.After || res.Latency.Before != res.Latency.After || res.Rejected.Before != res.Rejected.After || res.Unrouted.Before != res.Unrouted.After {
				t.Errorf("%s, %s: %+v", name, kind, res)
			}
			if (kind == "moody") != (res.Faults["fault"] > 0) || (kind == "cheapest") == (res.Rejected.Before > 0 || res.Unrouted.Before > 0) && kind != "alike" {
				t.Errorf("%s, %s: faults %v, rejected %v, unrouted %v", name, kind, res.Faults, res.Rejected, res.Unrouted)
			}
		}
	}
}

func TestAPolicyThatFailsLeavesItToTheStrategies(t *testing.T) {
	t.Parallel()
	panel := decision.NewPanel([]decision.Use{filter, {Name: "latency", Strategy: fastest, Weight: 1}})
	from := live(rand.New(rand.NewPCG(3, 4)), 1000, panel, decision.Policy{})
	res := replay(t, from, broken)
	if res.Moved != 0 || res.Faults["fault"] == 0 || res.Fuel.Calls != res.Faults["fault"] || res.Fuel.Min < 1000 || res.Fuel.Max > 1099 {
		t.Errorf("%+v", res)
	}
}

// one is a request with two deployments, which went to the first.
func one(i int) *decisionlog.Record {
	cands := []abi.Candidate{
		{IDHash: 1, ID: "a/dear", Provider: "a", Model: "dear", Weight: 1, PriceInput: 10, PriceOutput: 40, Total: 900, TTFT: 100, TPOT: 2},
		{IDHash: 2, ID: "b/cheap", Provider: "b", Model: "cheap", Weight: 1, PriceInput: 1, PriceOutput: 4, Total: 2000, TTFT: math.NaN(), TPOT: math.NaN()},
	}
	return &decisionlog.Record{
		Entry: store.Entry{ID: store.FirstEntryID(time.UnixMilli(1_700_000_000_000 + int64(i))), Counted: true, Tokens: store.Tokens{Prompt: 1000, Completion: 200}},
		Picks: []decisionlog.Pick{{Header: abi.Header{Group: "quality"}, Candidates: cands, Scores: []float64{1, 2}}},
		Tries: []decisionlog.Try{{Deployment: "a/dear"}},
	}
}

func TestWhatWouldChange(t *testing.T) {
	t.Parallel()
	var from past
	for i := range 30 {
		from = append(from, one(i))
	}
	from[4].Picks[0].Candidates[1].PriceInput = 2                                                                       // the smallest change of cost
	from[7].Picks[0].Candidates[1].PriceOutput = math.NaN()                                                             // not known
	from[9].Entry.Counted, from[9].Picks[0].Header.PromptTokens, from[9].Picks[0].Header.ExpectedOutput = false, 500, 0 // by the estimate
	res := replay(t, from, cheapest)
	if res.Moved != 30 || res.Share != 1 || res.From != from[0].Entry.ID.Time() || res.To != from[29].Entry.ID.Time() {
		t.Errorf("%+v", res)
	}
	want := []Shift{{"a/dear", 30, 0}, {"b/cheap", 0, 30}}
	if diff := cmp.Diff(want, res.Deployments); diff != "" {
		t.Error(diff)
	}
	// 27 × (1000×10 + 200×40) + 1 × the same + 500×10, in millionths
	if want := (Change{Before: (28*18000 + 5000) / 1e6, After: (27*1800 + 2800 + 500) / 1e6, Known: 29, Unknown: 1}); math.Abs(res.Cost.Before-want.Before) > 1e-9 || math.Abs(res.Cost.After-want.After) > 1e-9 || res.Cost.Known != want.Known || res.Cost.Unknown != want.Unknown {
		t.Errorf("cost %+v, want %+v", res.Cost, want)
	}
	if want := (Change{Before: 29*500 + 100, After: 60000, Known: 30}); res.Latency != want {
		t.Errorf("latency %+v, want %+v", res.Latency, want)
	}
	if len(res.Largest) != 10 || slices.ContainsFunc(res.Largest, func(d Difference) bool { return strings.HasPrefix(d.ID, fmt.Sprintf("%012x", 1_700_000_000_004)) }) {
		t.Errorf("%d largest: %+v", len(res.Largest), res.Largest)
	}
	if first := res.Largest[0]; first.Before != "a/dear" || first.After != "b/cheap" || math.Abs(*first.Cost+0.0045) > 1e-9 || *first.Latency != 1900 {
		t.Errorf("the first %+v", first) // of the request without tokens, whose latency changes most
	}
}

func TestRefusalsStandFirst(t *testing.T) {
	t.Parallel()
	var from past
	for i := range 20 {
		from = append(from, one(i))
	}
	refuses := scorer(func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		if h.Seed == 1 {
			return reject(h, cands, out)
		}
		return cheapest(h, cands, out)
	})
	from[15].Picks[0].Header.Seed = 1
	res := replay(t, from, refuses)
	if d := res.Largest[0]; d.After != "" || d.Reason != "own: not today" || d.Cost != nil || res.Rejected != (Count{0, 1}) || res.Moved != 20 {
		t.Errorf("%+v, rejected %+v", d, res.Rejected)
	}
	if res := replay(t, from, nothing); res.Unrouted.After != 20 || len(res.Deployments) != 1 || res.Deployments[0].After != 0 {
		t.Errorf("%+v", res)
	}
}

func TestARequestIsFollowedToTheFirstDifference(t *testing.T) {
	t.Parallel()
	rec := one(0)
	second := one(0).Picks[0]
	second.Try = 1
	rec.Picks = append(rec.Picks, second)
	rec.Tries = append(rec.Tries, decisionlog.Try{Deployment: "b/cheap"})
	if res := replay(t, past{rec}, cheapest); res.Moved != 1 || res.Fuel.Calls != 1 {
		t.Errorf("asked %d times: %+v", res.Fuel.Calls, res)
	}
	if res := replay(t, past{rec}, fastest); res.Moved != 1 || res.Fuel.Calls != 2 || res.Largest[0].Before != "b/cheap" {
		t.Errorf("%+v", res) // the first attempt went where it would have gone
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	stops := scorer(func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		if n++; n == 100 {
			cancel()
		}
		return cheapest(h, cands, out)
	})
	var from past
	for i := range 1000 {
		from = append(from, one(i))
	}
	_, err := Run(ctx, from, Options{Tenant: "acme", Last: 1000, Policy: decision.Policy{Name: "own", Strategy: stops}})
	if !errors.Is(err, context.Canceled) || n > 100+stride {
		t.Errorf("after %d requests: %v", n, err)
	}
}
