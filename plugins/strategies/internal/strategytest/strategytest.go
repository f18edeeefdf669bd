// Package strategytest is what the tests of the shipped strategies share: candidates with sensible
// statistics, the winner of a decision, shares over many seeds, and the properties that hold for each.
package strategytest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

// Candidate returns a healthy deployment of weight 1 with nothing else known; change alters it.
func Candidate(id string, change ...func(*abi.Candidate)) abi.Candidate {
	nan := math.NaN()
	c := abi.Candidate{
		ID: id, IDHash: abi.Hash(id), Provider: "p", Model: id, Weight: 1,
		PriceInput: nan, PriceOutput: nan, PriceCached: nan,
		TTFT: nan, Total: nan, TPOT: nan, TTFTP50: nan, TTFTP95: nan, TotalP50: nan, TotalP95: nan,
		TTFTPeak: nan, TotalPeak: nan, ErrorRate: nan,
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// Flags adds flags to a candidate.
func Flags(flags uint32) func(*abi.Candidate) {
	return func(c *abi.Candidate) { c.Flags |= flags }
}

// Weight gives a candidate a weight.
func Weight(w float64) func(*abi.Candidate) {
	return func(c *abi.Candidate) { c.Weight = w }
}

// Score runs one decision and fails the test on an error.
func Score(t testing.TB, s *sdktest.Strategy, h abi.Header, cands ...abi.Candidate) abi.ScoreOutput {
	t.Helper()
	out, err := s.Score(&h, cands)
	if err != nil {
		t.Fatalf("score: %v", err)
	}
	if len(out.Scores) != len(cands) {
		t.Fatalf("%d scores for %d candidates", len(out.Scores), len(cands))
	}
	return out
}

// Order returns the ids of the candidates that are left, joined by a blank, best first.
func Order(out abi.ScoreOutput, cands ...abi.Candidate) string {
	var left []int
	for i, s := range out.Scores {
		if !math.IsNaN(s) {
			left = append(left, i)
		}
	}
	slices.SortStableFunc(left, func(a, b int) int {
		switch {
		case out.Scores[a] < out.Scores[b]:
			return -1
		case out.Scores[a] > out.Scores[b]:
			return 1
		}
		return 0
	})
	ids := make([]string, len(left))
	for i, at := range left {
		ids[i] = cands[at].ID
	}
	return strings.Join(ids, " ")
}

// Wins counts how often each id comes first over n seeds.
func Wins(t testing.TB, s *sdktest.Strategy, h abi.Header, n int, cands ...abi.Candidate) map[string]int {
	t.Helper()
	wins := map[string]int{}
	for seed := range n {
		h.Seed = uint64(seed)
		first, _ := ladder.Front(Score(t, s, h, cands...).Scores)
		if first >= 0 {
			wins[cands[first].ID]++
		}
	}
	return wins
}

// Share fails the test unless got of n is the share want, give or take five standard deviations.
func Share(t testing.TB, what string, got, n int, want float64) {
	t.Helper()
	bound := 5*math.Sqrt(float64(n)*want*(1-want)) + 1
	if math.Abs(float64(got)-float64(n)*want) > bound {
		t.Errorf("%s: %d of %d, want %.0f ± %.0f", what, got, n, float64(n)*want, bound)
	}
}

// Properties checks what holds for every strategy, over random inputs, sensible and not: scores are
// finite or NaN (a filter's: 0 or NaN), equal input gives equal output on any instance, the order of the
// candidates does not matter, no usable candidate stands behind a failed or cooling one, the reason is
// short, and there is one.
func Properties(t *testing.T, fresh func() strategy.Plugin, configs ...string) {
	t.Helper()
	for _, config := range append(configs, "") {
		plugin := fresh()
		filter := plugin.Describe().Mode == abi.ModeFilter
		a, b := sdktest.NewStrategy(t, plugin, config), sdktest.NewStrategy(t, fresh(), config)
		r := rand.New(rand.NewPCG(3, 4))
		for range 3000 {
			h, cands := Random(r)
			out := Score(t, a, h, cands...)
			if again := Score(t, b, h, cands...); !same(out, again) {
				t.Fatalf("config %s: two answers to one input: %+v and %+v", config, out, again)
			}
			checkScores(t, out, cands, filter)
			if len(out.Reason) > note.MaxLine || !utf8.ValidString(out.Reason) {
				t.Fatalf("reason of %d bytes: %q", len(out.Reason), out.Reason)
			}
			if out.Reason == "" && len(cands) > 0 {
				t.Fatalf("config %s: no reason for %+v", config, out)
			}
			perm := r.Perm(len(cands))
			shuffled := make([]abi.Candidate, len(cands))
			for to, from := range perm {
				shuffled[to] = cands[from]
			}
			moved := Score(t, a, h, shuffled...)
			for to, from := range perm {
				if math.Float64bits(moved.Scores[to]) != math.Float64bits(out.Scores[from]) {
					t.Fatalf("config %s: %s scores %v and, in another order, %v", config, cands[from].ID, out.Scores[from], moved.Scores[to])
				}
			}
		}
	}
}

func same(a, b abi.ScoreOutput) bool {
	bits := func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }
	scores := slices.EqualFunc(a.Scores, b.Scores, bits)
	a.Scores, b.Scores = nil, nil
	return scores && a.Reason == b.Reason && a.RejectCode == b.RejectCode && a.Directives == b.Directives && a.RejectStatus == b.RejectStatus
}

func checkScores(t *testing.T, out abi.ScoreOutput, cands []abi.Candidate, filter bool) {
	t.Helper()
	for i, s := range out.Scores {
		if math.IsInf(s, 0) || filter && !math.IsNaN(s) && s != 0 {
			t.Fatalf("%s scores %v", cands[i].ID, s)
		}
		for j, other := range out.Scores {
			if !filter && ladder.Standing(cands[i].Flags) < ladder.Standing(cands[j].Flags) && s >= other {
				t.Fatalf("%s (flags %b) at %v is not before %s (flags %b) at %v", cands[i].ID, cands[i].Flags, s, cands[j].ID, cands[j].Flags, other)
			}
		}
	}
}

// Random returns an input in which anything may be missing, extreme or absurd.
func Random(r *rand.Rand) (abi.Header, []abi.Candidate) {
	number := func() float64 {
		switch r.IntN(12) {
		case 0:
			return math.NaN()
		case 1:
			return 0
		case 2:
			return math.Inf(1 - 2*r.IntN(2))
		case 3:
			return -r.Float64()
		case 4:
			return math.MaxFloat64 * r.Float64()
		default:
			return math.Exp(r.NormFloat64() * 4)
		}
	}
	count := func() uint32 {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return r.Uint32()
		default:
			return uint32(r.IntN(20))
		}
	}
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	h := abi.Header{
		Seed: r.Uint64(), Features: r.Uint32() & 0x7ff & r.Uint32(), PromptTokens: count(), MaxOutput: count(),
		ExpectedOutput: count(), Attempt: uint32(r.IntN(3)), Messages: count(), RemainingMS: number(),
		TenantHash: uint64(r.IntN(4)), SessionHash: uint64(r.IntN(4)), PrefixHash: uint64(r.IntN(4)),
		Tags: pick("", "eu", "eu\n!us", "&gold\neu\nus", "!eu", "\n \n&\n!", "no\x01such\xff"),
	}
	cands := make([]abi.Candidate, r.IntN(9))
	for i := range cands {
		id := string(rune('a'+i)) + pick("", "-deployment", strings.Repeat("é", 30), "\x00\xff")
		if !utf8.ValidString(id) {
			id = strings.ToValidUTF8(id, "?")
		}
		cands[i] = abi.Candidate{
			ID: id, IDHash: abi.Hash(id), Tags: pick("", "eu", "us\ngold", "default", "eu\ndefault"),
			Abilities: r.Uint32(), Weight: number(), Order: int32(r.IntN(5) - 2), Consecutive: count(),
			Flags:      r.Uint32() & 0x1f & r.Uint32(),
			PriceInput: number(), PriceOutput: number(), PriceCached: number(), Context: count(), MaxOutput: count(),
			InFlight: count(), Samples: count(), TTFT: number(), Total: number(), TPOT: number(), TTFTP50: number(),
			TTFTP95: number(), TotalP50: number(), TotalP95: number(), ErrorRate: number(), ReqMinute: count(),
			FailMinute: count(), TTFTPeak: number(), TotalPeak: number(),
		}
	}
	return h, cands
}

// Bench measures a decision among eight candidates, encoding and decoding left out.
func Bench(b *testing.B, plugin strategy.Plugin) {
	if err := plugin.Configure([]byte("{}")); err != nil {
		b.Fatal(err)
	}
	h, cands := typical()
	in := abi.View(abi.AppendScore(nil, &h, cands))
	out := abi.ScoreOutput{Scores: make([]float64, len(cands))}
	b.ReportAllocs()
	for b.Loop() {
		clear(out.Scores)
		if err := plugin.Score(in, &out); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchGuest measures the same decision by the built module in a host, encoding and decoding included. It reports the
// fuel that one took.
func BenchGuest(b *testing.B, score Scorer) {
	h, cands := typical()
	var out abi.ScoreOutput
	var fuel uint64
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if fuel, err = score(b.Context(), &h, cands, &out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(fuel), "fuel/op")
}

// Scorer is how a host asks a loaded strategy. It returns the fuel that the call used.
type Scorer func(context.Context, *abi.Header, []abi.Candidate, *abi.ScoreOutput) (uint64, error)

// typical returns a request and eight candidates with statistics, prices and tags.
func typical() (h abi.Header, cands []abi.Candidate) {
	h = abi.Header{Seed: 7, Features: abi.FeatureStream, PromptTokens: 900, ExpectedOutput: 300, TenantHash: 5, Tags: "eu"}
	for i, id := range []string{"one", "two", "three", "four", "five", "six", "seven", "eight"} {
		f := float64(i)
		cands = append(cands, Candidate(id, func(c *abi.Candidate) {
			c.Tags, c.Context, c.Samples, c.ReqMinute, c.InFlight = "eu\ngold", 128_000, 100, 50, uint32(i%3)
			c.TTFTPeak, c.TotalPeak, c.TPOT = 400+20*f, 2000-50*f, 10+f
			c.PriceInput, c.PriceOutput = 1+f, 4+f
		}))
	}
	return h, cands
}

// NoAllocations fails the test if a decision, among candidates of which nothing is known, allocates once its buffers have
// grown.
func NoAllocations(t *testing.T, plugin strategy.Plugin) {
	t.Helper()
	if err := plugin.Configure([]byte("{}")); err != nil {
		t.Fatal(err)
	}
	h, _ := typical()
	cands := []abi.Candidate{Candidate("one"), Candidate("two"), Candidate("three")}
	in := abi.View(abi.AppendScore(nil, &h, cands))
	out := abi.ScoreOutput{Scores: make([]float64, len(cands))}
	run := func() {
		clear(out.Scores)
		if err := plugin.Score(in, &out); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(50, run); n != 0 {
		t.Errorf("%v allocations a decision", n)
	}
}
