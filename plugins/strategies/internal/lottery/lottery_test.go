package lottery_test

import (
	"math"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/lottery"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func view(seed uint64, cands ...abi.Candidate) abi.View {
	return abi.View(abi.AppendScore(nil, &abi.Header{Seed: seed}, cands))
}

// first is the index of the lowest lot among the candidates of a class.
func first(t *testing.T, in abi.View, purpose uint64, class uint8) int {
	t.Helper()
	l := lottery.New(in, purpose)
	best, at := math.Inf(1), -1
	for i := range in.Len() {
		lot, is := l.Draw(in.Candidate(i))
		if !(lot >= 0 && lot <= 1) {
			t.Fatalf("lot %v", lot)
		}
		if is == class && lot < best {
			best, at = lot, i
		}
	}
	return at
}

func TestDraw(t *testing.T) {
	t.Parallel()
	const n = 20000
	for _, scale := range []float64{1, 1e-8, 1e8} {
		cands := []abi.Candidate{
			strategytest.Candidate("a", strategytest.Weight(1*scale)), strategytest.Candidate("b", strategytest.Weight(4*scale)),
			strategytest.Candidate("c", strategytest.Weight(0)), strategytest.Candidate("d", strategytest.Weight(-1)),
		}
		var drawn, backup, other [4]int
		for seed := range uint64(n) {
			in := view(seed, cands...)
			one := first(t, in, 1, lottery.Weighted)
			drawn[one]++
			backup[first(t, in, 1, lottery.Backup)]++
			if one == first(t, in, 2, lottery.Weighted) {
				other[one]++
			}
		}
		strategytest.Share(t, "weight 1 of 5", drawn[0], n, 0.2)
		strategytest.Share(t, "weight 4 of 5", drawn[1], n, 0.8)
		strategytest.Share(t, "backups", backup[2], n, 0.5)
		strategytest.Share(t, "two purposes agree", other[0]+other[1], n, 0.2*0.2+0.8*0.8)
	}
}

func TestOnlyBackups(t *testing.T) {
	t.Parallel()
	in := view(1, strategytest.Candidate("a", strategytest.Weight(0)))
	if got := first(t, in, 1, lottery.Backup); got != 0 {
		t.Errorf("a lone backup is not drawn: %d", got)
	}
}

func TestWeight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want float64
		class    uint8
	}{{3, 3, lottery.Weighted}, {math.NaN(), 1, lottery.Weighted}, {0, 1, lottery.Backup}, {-2, 1, lottery.Backup}} {
		in := view(0, strategytest.Candidate("a", strategytest.Weight(c.in)))
		if w, class := lottery.Weight(in.Candidate(0)); w != c.want || class != c.class {
			t.Errorf("Weight(%v) = %v, %v", c.in, w, class)
		}
	}
}
