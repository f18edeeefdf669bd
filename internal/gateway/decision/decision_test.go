package decision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// judge is a strategy and a policy that does what a function says.
type judge func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error

const fuelOfJudge = 77

func (j judge) Score(_ context.Context, h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	*out = abi.ScoreOutput{Scores: out.Scores[:0]}
	for range cands {
		out.Scores = append(out.Scores, 0)
	}
	return fuelOfJudge, j(h, cands, out)
}

func (j judge) Hash() string { return "0123456789abcdef" }

// fixed scores by IDHash; who is not listed gets 0.
func fixed(scores map[uint64]float64) judge {
	return func(_ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		for i := range cands {
			out.Scores[i] = scores[cands[i].IDHash]
		}
		return nil
	}
}

func failing(err error) judge {
	return func(*abi.Header, []abi.Candidate, *abi.ScoreOutput) error { return err }
}

func says(set func(*abi.ScoreOutput)) judge {
	return func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
		set(out)
		return nil
	}
}

// closed is the error of a plugin with a breaker.
type closed struct{ open bool }

func (c closed) Error() string     { return "no call" }
func (c closed) BreakerOpen() bool { return c.open }

// ids is the ranking by IDHash.
func ids(in *Input, d *Decision) []uint64 {
	var list []uint64
	for _, i := range d.Ranking {
		list = append(list, in.Candidates[i].IDHash)
	}
	return list
}

// four is an input of candidates 1 to 4.
func four() *Input {
	in := &Input{Header: abi.Header{Seed: 42}}
	for id := range uint64(4) {
		in.Candidates = append(in.Candidates, abi.Candidate{IDHash: id + 1, ID: fmt.Sprint(id + 1), Weight: 1})
	}
	return in
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	type scores = map[uint64]float64
	trap := errors.New("trap")
	filter := func(j judge) Use { return Use{Name: "f", Strategy: j, Filter: true, Essential: true} }
	scorer := func(j judge) Use { return Use{Name: "s", Strategy: j, Weight: 1} }
	policy := func(j judge) Policy { return Policy{Name: "own", Strategy: j} }
	falling := fixed(scores{1: 4, 2: 3, 3: 2, 4: 1})
	reject := says(func(out *abi.ScoreOutput) {
		out.Directives, out.RejectStatus, out.RejectCode, out.Reason = abi.DirectiveReject, 451, "not_here", "no exports\xff"
	})
	for _, tc := range []struct {
		name    string
		uses    []Use
		policy  Policy
		outcome Outcome
		ranking string
		by      string
		reason  string
		calls   string
	}{
		{"a strategy scores", []Use{scorer(falling)}, Policy{}, Ranked, "4 3 2 1", "s", "", "s"},
		{"the policy scores in its place", []Use{scorer(falling)}, policy(fixed(scores{1: 2, 2: 1, 3: 4, 4: 3})), Ranked, "2 1 4 3", "own", "", "own@0123456789abcdef"},
		{"of what filters left, who are asked first", []Use{scorer(nil), filter(fixed(scores{1: nan, 4: 9}))}, policy(falling), Ranked, "4 3 2", "f+own", "", "f, own@0123456789abcdef"},
		{"filters are in turn", []Use{filter(fixed(scores{1: nan})), filter(fixed(scores{3: nan, 4: nan})), scorer(falling)}, Policy{}, Ranked, "2", "f+f+s", "", "f, f, s"},
		{"scores are added by weight", []Use{{Name: "a", Strategy: falling, Weight: 0.3}, {Name: "b", Strategy: fixed(scores{1: 0, 2: 1, 3: 2, 4: 3}), Weight: 0.7}}, Policy{}, Ranked, "1 2 3 4", "a+b", "", "a, b"},
		{"NaN of any removes", []Use{scorer(fixed(scores{1: nan})), scorer(fixed(scores{2: 2, 3: nan, 4: 1}))}, Policy{}, Ranked, "4 2", "s+s", "", "s, s"},
		{"NaN of the policy too", []Use{scorer(falling)}, policy(fixed(scores{1: nan, 2: 1, 3: nan, 4: 0})), Ranked, "4 2", "own", "", "own@0123456789abcdef"},
		{"a policy that fails leaves it to the strategies", []Use{scorer(falling)}, policy(failing(trap)), Ranked, "4 3 2 1", "s", "policy own had no say: fault", "own@0123456789abcdef fault, s"},
		{"so does one that refuses", []Use{scorer(falling)}, policy(failing(&abi.Refusal{})), Ranked, "4 3 2 1", "s", "policy own had no say: refusal", "own@0123456789abcdef refusal, s"},
		{"and one that is not asked", []Use{scorer(falling)}, policy(failing(fmt.Errorf("asking: %w", closed{true}))), Ranked, "4 3 2 1", "s", "policy own had no say: breaker_open", "own@0123456789abcdef breaker_open, s"},
		{"a breaker that is not open is an ordinary fault", []Use{scorer(falling)}, policy(failing(closed{false})), Ranked, "4 3 2 1", "s", "policy own had no say: fault", "own@0123456789abcdef fault, s"},
		{"strategies that fail are left out", []Use{scorer(failing(trap)), scorer(falling)}, Policy{}, Ranked, "4 3 2 1", "s+s", "", "s fault, s"},
		{"too few scores are a fault", []Use{scorer(says(func(out *abi.ScoreOutput) { out.Scores = out.Scores[:3] })), scorer(falling)}, Policy{}, Ranked, "4 3 2 1", "s+s", "", "s fault, s"},
		{"all failed: by weight", []Use{filter(fixed(scores{1: nan, 2: nan, 3: nan})), scorer(failing(trap))}, policy(failing(trap)), Ranked, "4", "weighted", "policy own had no say: fault; strategies failed, order by weight", "f, own@0123456789abcdef fault, s fault"},
		{"filters alone: by weight, which needs no excuse", []Use{filter(fixed(scores{1: nan, 2: nan, 4: nan}))}, Policy{}, Ranked, "3", "f", "", "f"},
		{"an essential strategy fails", []Use{filter(failing(trap)), scorer(falling)}, policy(falling), Unavailable, "", "f+s", "", "f fault"},
		{"an essential scorer too", []Use{{Name: "e", Strategy: failing(trap), Weight: 1, Essential: true}, scorer(falling)}, Policy{}, Unavailable, "", "e+s", "", "e fault"},
		{"a filter that is not", []Use{{Name: "f", Strategy: failing(trap), Filter: true}, scorer(falling)}, Policy{}, Ranked, "4 3 2 1", "f+s", "", "f fault, s"},
		{"filters remove all", []Use{filter(fixed(scores{1: nan, 2: nan})), filter(fixed(scores{3: nan, 4: nan})), scorer(falling)}, policy(falling), Emptied, "", "f+f+s", "", "f, f"},
		{"a scorer removes the rest", []Use{filter(fixed(scores{1: nan, 2: nan})), scorer(fixed(scores{3: nan, 4: nan})), scorer(falling)}, Policy{}, Emptied, "", "f+s+s", "", "f, s"},
		{"the policy removes all", []Use{scorer(falling)}, policy(fixed(scores{1: nan, 2: nan, 3: nan, 4: nan})), Emptied, "", "own", "", "own@0123456789abcdef"},
		{"a filter rejects", []Use{filter(reject), scorer(falling)}, policy(falling), Rejected, "", "f+s", "f: no exports\uFFFD", "f"},
		{"a scorer rejects", []Use{scorer(falling), scorer(reject), scorer(falling)}, Policy{}, Rejected, "", "s+s+s", "s: no exports\uFFFD", "s, s"},
		{"the policy rejects", []Use{scorer(falling)}, policy(reject), Rejected, "", "own", "own: no exports\uFFFD", "own@0123456789abcdef"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := four()
			var d Decision
			d.Make(t.Context(), in, NewPanel(tc.uses), tc.policy)
			ranking := strings.Trim(fmt.Sprint(ids(in, &d)), "[]")
			var calls []string
			for _, c := range d.Calls {
				s := c.Strategy
				if c.Policy {
					s += "@" + c.Version
				}
				if c.Failed != "" {
					s += " " + c.Failed
				}
				if c.Fuel != fuelOfJudge || (c.Failed != "") != (c.Err != nil) {
					t.Errorf("call %+v", c)
				}
				calls = append(calls, s)
			}
			if d.Outcome != tc.outcome || ranking != tc.ranking || d.By != tc.by || d.Reason != tc.reason || strings.Join(calls, ", ") != tc.calls {
				t.Errorf("outcome %d, ranking %q by %q, reason %q, calls %q\nwant %d, %q by %q, %q, %q",
					d.Outcome, ranking, d.By, d.Reason, strings.Join(calls, ", "), tc.outcome, tc.ranking, tc.by, tc.reason, tc.calls)
			}
			if want := (Rejection{Status: 451, Code: "not_here", Reason: "no exports\uFFFD"}); (d.Outcome == Rejected) != (d.Rejection == want) {
				t.Errorf("rejection %+v", d.Rejection)
			}
		})
	}
}

// TestScoresSayWhatDecided holds that the numbers are of the candidates as they were given.
func TestScoresSayWhatDecided(t *testing.T) {
	t.Parallel()
	in := four()
	panel := NewPanel([]Use{
		{Name: "f", Strategy: fixed(map[uint64]float64{2: nan, 3: 1000}), Filter: true},
		{Name: "s", Strategy: fixed(map[uint64]float64{1: 7, 3: 5, 4: inf}), Weight: 1},
	})
	var d Decision
	d.Make(t.Context(), in, panel, Policy{})
	if got := fmt.Sprint(d.Scores, d.Ranking, d.Filtered); got != "[7 NaN 5 +Inf] [2 0 3] [false true false false]" {
		t.Error(got)
	}
	d.Make(t.Context(), in, NewPanel([]Use{{Name: "s", Strategy: fixed(map[uint64]float64{2: nan}), Weight: 1}}), Policy{})
	if got := fmt.Sprint(d.Scores, d.Filtered); got != "[0 NaN 0 0] []" {
		t.Errorf("what a scorer removed: %s", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	limits := func(attempt, first uint32) judge {
		return says(func(out *abi.ScoreOutput) {
			out.Directives = abi.DirectiveAttemptTimeout | abi.DirectiveFirstTokenTimeout
			out.AttemptTimeoutMS, out.FirstTokenTimeoutMS = attempt, first
		})
	}
	unmarked := says(func(out *abi.ScoreOutput) { out.AttemptTimeoutMS, out.FirstTokenTimeoutMS = 1, 1 })
	panel := NewPanel([]Use{
		{Name: "f", Strategy: limits(5000, 0), Filter: true}, {Name: "a", Strategy: limits(3000, 900), Weight: 1},
		{Name: "b", Strategy: limits(0, 1000), Weight: 1}, {Name: "c", Strategy: unmarked, Weight: 1},
	})
	var d Decision
	d.Make(t.Context(), four(), panel, Policy{})
	if d.AttemptTimeout != 3*time.Second || d.FirstTokenTimeout != 900*time.Millisecond {
		t.Errorf("%v, %v", d.AttemptTimeout, d.FirstTokenTimeout)
	}
	if d.Make(t.Context(), four(), NewPanel(nil), Policy{}); d.AttemptTimeout != 0 || d.FirstTokenTimeout != 0 {
		t.Error("limits of the decision before are left")
	}
}

// TestEndedContext holds that nothing a strategy says counts once the request has ended.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"scores": nil, "an error": errors.New("gave up")} {
		ctx, cancel := context.WithCancel(t.Context())
		ends := func(_ *abi.Header, _ []abi.Candidate, out *abi.ScoreOutput) error {
			cancel()
			out.Directives, out.Reason, out.Scores = abi.DirectiveReject, "late", make([]float64, 9)
			return answer
		}
		for who, tc := range map[string]struct {
			panel  *Panel
			policy Policy
		}{
			"filter": {NewPanel([]Use{{Name: "f", Strategy: judge(ends), Filter: true, Essential: true}, {Name: "s", Strategy: fixed(nil)}}), Policy{}},
			"scorer": {NewPanel([]Use{{Name: "s", Strategy: judge(ends)}, {Name: "s", Strategy: fixed(nil)}}), Policy{}},
			"policy": {NewPanel([]Use{{Name: "s", Strategy: fixed(nil)}}), Policy{Name: "own", Strategy: judge(ends)}},
		} {
			var d Decision
			d.Make(ctx, four(), tc.panel, tc.policy)
			if d.Outcome != Ended || len(d.Calls) != 1 || d.Calls[0].Fuel != fuelOfJudge || d.Calls[0].Failed != "" || d.Reason != "" || len(d.Ranking) != 0 {
				t.Errorf("%s of a %s: %+v", name, who, d)
			}
		}
	}
}

func TestNoCandidates(t *testing.T) {
	t.Parallel()
	var d Decision
	d.Make(t.Context(), &Input{}, NewPanel([]Use{{Name: "s", Strategy: fixed(nil)}}), Policy{Name: "own", Strategy: fixed(nil)})
	if d.Outcome != Emptied || len(d.Calls) != 0 || len(d.Ranking) != 0 {
		t.Errorf("%+v", d)
	}
}

// oracle is a strategy whose answers depend on the header and on each candidate alone, and which
// fails, refuses and removes now and then.
func oracle(salt uint64) judge {
	return func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		switch mix(h.Seed^salt) % 12 {
		case 0:
			return errors.New("trap")
		case 1:
			out.Directives, out.RejectCode = abi.DirectiveReject, "no"
		case 2:
			out.Directives, out.AttemptTimeoutMS = abi.DirectiveAttemptTimeout, uint32(salt%1000)+1
		case 3:
			out.Reason = fmt.Sprintf("reason %d", salt%7)
		}
		for i := range cands {
			switch n := mix(h.Seed ^ salt ^ cands[i].IDHash); n % 8 {
			case 0:
				out.Scores[i] = nan
			case 1, 2:
				out.Scores[i] = odd[n>>8%uint64(len(odd))]
			case 3, 4:
				out.Scores[i] = float64(n >> 8 % 3) // many are equal
			default:
				out.Scores[i] = float64(n>>8) / 1e9
			}
		}
		return nil
	}
}

// summary is all that a decision says, by IDHash. Equals of weight 0 are told apart by the order
// of the input, so they are sorted; that they stand in its order is checked.
func summary(t *testing.T, in *Input, d *Decision) string {
	t.Helper()
	ranking := slices.Clone(d.Ranking)
	for from := 0; from < len(ranking); {
		to := from + 1
		for to < len(ranking) && d.Scores[ranking[from]] == d.Scores[ranking[to]] && in.Candidates[ranking[from]].Weight == 0 && in.Candidates[ranking[to]].Weight == 0 {
			to++
		}
		if equals := ranking[from:to]; !slices.IsSorted(equals) {
			t.Errorf("equals of weight 0 in the order %v", equals)
		} else {
			slices.SortFunc(equals, func(a, b int) int { return cmp.Compare(in.Candidates[a].IDHash, in.Candidates[b].IDHash) })
		}
		from = to
	}
	scores := map[uint64]string{}
	for i, s := range d.Scores {
		scores[in.Candidates[i].IDHash] = fmt.Sprintf("%x", math.Float64bits(s))
	}
	var order []uint64
	for _, i := range ranking {
		order = append(order, in.Candidates[i].IDHash)
	}
	return fmt.Sprint(d.Outcome, order, scores, d.Calls, d.By, d.Reason, d.Rejection, d.AttemptTimeout, d.FirstTokenTimeout)
}

// TestDecisionsAreFunctions holds for panels and candidates at random that the same input gives the
// same decision, whatever was decided before with the same room; that the order of candidates does
// not matter; that the input is only read; and that a ranking has everybody who was not removed.
func TestDecisionsAreFunctions(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	var used Decision
	seen := map[Outcome]int{}
	for range 4000 {
		in := &Input{Header: abi.Header{Seed: rng.Uint64(), Tenant: "acme"}}
		for range 1 + rng.IntN(9) {
			in.Candidates = append(in.Candidates, abi.Candidate{IDHash: rng.Uint64(), Weight: float64(rng.IntN(4))})
		}
		var uses []Use
		for i := range rng.IntN(5) {
			uses = append(uses, Use{Name: fmt.Sprint("s", i), Strategy: oracle(rng.Uint64()), Filter: rng.IntN(3) == 0, Weight: float64(rng.IntN(4)) / 2, Essential: rng.IntN(4) == 0})
		}
		panel := NewPanel(uses)
		var policy Policy
		if rng.IntN(2) == 0 {
			policy = Policy{Name: "own", Strategy: oracle(rng.Uint64())}
		}
		given := slices.Clone(in.Candidates)
		header := in.Header

		used.Make(t.Context(), in, panel, policy)
		seen[used.Outcome]++
		want := summary(t, in, &used)
		var fresh Decision
		fresh.Make(t.Context(), in, panel, policy)
		if got := summary(t, in, &fresh); got != want {
			t.Fatalf("in used room %s\nin fresh room %s", want, got)
		}
		if !slices.Equal(in.Candidates, given) || in.Header != header {
			t.Fatalf("the input was changed: %+v, was %+v", in.Candidates, given)
		}
		ranked := 0
		for i, s := range used.Scores {
			if slices.Contains(used.Ranking, i) == math.IsNaN(s) && used.Outcome == Ranked {
				t.Fatalf("ranking %v of scores %v", used.Ranking, used.Scores)
			}
			if !math.IsNaN(s) {
				ranked++
			}
		}
		if used.Outcome == Ranked && (ranked == 0 || len(used.Ranking) != ranked) || used.Outcome != Ranked && len(used.Ranking) != 0 {
			t.Fatalf("outcome %d, ranking %v of scores %v", used.Outcome, used.Ranking, used.Scores)
		}
		rng.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		turned := &Input{Header: in.Header, Candidates: given}
		used.Make(t.Context(), turned, panel, policy)
		if got := summary(t, turned, &used); got != want {
			t.Fatalf("in one order %s\nin another %s", want, got)
		}
	}
	for o := range Ended {
		if seen[o] < 50 {
			t.Errorf("outcomes %v: too few of %d", seen, o)
		}
	}
}

// TestNoAllocation holds that a decision of usual size costs none, once there is room.
func TestNoAllocation(t *testing.T) {
	in, uses := usual()
	policy := Policy{Name: "own", Strategy: uses[1].Strategy.(judge)}
	all, scorers := NewPanel(uses), NewPanel(uses[1:])
	var d Decision
	if n := testing.AllocsPerRun(100, func() {
		d.Make(context.Background(), in, scorers, policy)
		d.Make(context.Background(), in, all, Policy{})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if d.Outcome != Ranked || len(d.Ranking) != 7 {
		t.Errorf("%+v", d)
	}
}

// usual is eight candidates, a filter that removes one of them, and two scoring strategies.
func usual() (*Input, []Use) {
	in := &Input{Header: abi.Header{Seed: 42}}
	for id := range uint64(8) {
		in.Candidates = append(in.Candidates, abi.Candidate{IDHash: mix(id), Weight: 1})
	}
	gone := mix(3)
	filter := judge(func(_ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		for i := range cands {
			if cands[i].IDHash == gone {
				out.Scores[i] = nan
			}
		}
		return nil
	})
	scorer := judge(func(_ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		for i := range cands {
			out.Scores[i] = float64(cands[i].IDHash % 1000)
		}
		return nil
	})
	return in, []Use{{Name: "f", Strategy: filter, Filter: true}, {Name: "a", Strategy: scorer, Weight: 0.7}, {Name: "b", Strategy: scorer, Weight: 0.3}}
}

// BenchmarkMake is a decision itself, with native strategies.
func BenchmarkMake(b *testing.B) {
	in, uses := usual()
	panel := NewPanel(uses)
	var d Decision
	b.ReportAllocs()
	for b.Loop() {
		d.Make(context.Background(), in, panel, Policy{})
	}
}
