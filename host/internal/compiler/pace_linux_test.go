package compiler

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPace(t *testing.T) {
	t.Parallel()
	const us, unknown = time.Microsecond, -1
	type beats struct {
		n            int
		passed, used time.Duration // at each
		turns        int64         // of others, at each; unknown for that they can't be told
		rest         time.Duration // after each
		step         step          // at the last; no other has one
	}
	alone := beats{39, 250 * us, 245 * us, 0, beatEvery, stay}
	for name, tc := range map[string][]beats{
		"nobody else": {
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{50, 1050 * us, 2090 * us, 0, aloneEvery, stay},
		},
		"its own beats on a free processor": {
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{50, 1087 * us, 1119 * us, 1, aloneEvery, stay},
		},
		"somebody comes": {
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{50, 1050 * us, 2000 * us, 0, aloneEvery, stay},
			{1, 1050 * us, 1850 * us, 7, beatEvery, narrow},
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen}, // they went
		},
		"one thing at a time": {
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{50, 1050 * us, 1045 * us, 0, aloneEvery, stay}, {50, 1050 * us, 2090 * us, 0, aloneEvery, stay},
		},
		"somebody comes for short turns": {
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{40, 1050 * us, 2000 * us, 0, aloneEvery, stay}, // looks each tenth time
			{9, 1050 * us, 2000 * us, 2, aloneEvery, stay}, {1, 1050 * us, 2000 * us, 2, beatEvery, narrow},
		},
		"somebody comes at once": {
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{1, 1050 * us, 1850 * us, 7, beatEvery, narrow},
			{79, 250 * us, 245 * us, 0, beatEvery, stay}, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{1, 1050 * us, 1000 * us, 7, beatEvery, narrow},
			{159, 250 * us, 245 * us, 0, beatEvery, stay}, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
		},
		"stopped as a whole": {
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
			{50, 1050 * us, 2000 * us, 0, aloneEvery, stay}, {1, 40 * time.Millisecond, 2 * time.Millisecond, 0, beatEvery, narrow},
			{79, 250 * us, 245 * us, 0, beatEvery, stay}, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
		},
		"others on the other processors": {{500, 250 * us, 245 * us, 1, beatEvery, stay}},
		"turns are not known":            {{500, 250 * us, 245 * us, unknown, beatEvery, stay}},
		"others on this one":             {{500, 250 * us, 220 * us, 0, beatEvery, stay}},
		"others now and then": {
			{30, 250 * us, 245 * us, 0, beatEvery, stay}, {1, 250 * us, 220 * us, 2, beatEvery, stay},
			alone, {1, 250 * us, 245 * us, 0, aloneEvery, widen},
		},
		"without a processor": {
			{39, 250 * us, 100 * us, 0, beatEvery, stay}, {1, 250 * us, 100 * us, 0, beatEvery, move},
			{39, 250 * us, 0, 0, beatEvery, stay}, {1, 250 * us, 0, 0, beatEvery, move},
		},
		"without one for some time": {{20, 250 * us, 0, 0, beatEvery, stay}, {20, 250 * us, 250 * us, 0, beatEvery, stay}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, looks, all := int64(1), int64(0), int64(0)
			p := pace{processors: 2, turns: func() int64 { looks++; return turns }}
			for i, b := range tc {
				all += int64(b.n)
				for n := range b.n {
					if turns += b.turns; b.turns == unknown {
						turns = 0
					}
					want := stay
					if n == b.n-1 {
						want = b.step
					}
					if rest, to := p.beat(b.passed, b.used); rest != b.rest || to != want {
						t.Fatalf("%d: beat %d of %d: rest %s, step %d", i, n+1, b.n, rest, to)
					}
				}
			}
			if looks > all/9 {
				t.Errorf("it counted %d times in %d beats", looks, all)
			}
		})
	}
}

func TestDrummer(t *testing.T) {
	t.Parallel()
	d, p, turns := new(drummer), pace{processors: 1}, int64(1)
	p.turns = func() int64 { return turns }
	rest, used := beatEvery, 250*time.Microsecond
	for range 2 * aloneAfter / used {
		if rest, _ = d.beat(&p, used, used); d.alone.Load() != (rest == aloneEvery) {
			t.Fatalf("alone: %t, at a rest of %s", d.alone.Load(), rest)
		}
	}
	if rest != aloneEvery || p.processors != 1 {
		t.Errorf("nobody came: a rest of %s, %d processors", rest, p.processors)
	}
	d.workers.Store(2)
	if d.beat(&p, used, used); p.processors != 2 {
		t.Errorf("two compile: %d processors", p.processors)
	}
	if d.beat(&p, time.Millisecond, time.Millisecond/2); d.alone.Load() {
		t.Error("somebody came: still alone")
	}
}

func TestTurnsOfOthers(t *testing.T) {
	t.Parallel()
	own := unix.Rusage{Nvcsw: 30, Nivcsw: 4}
	for name, tc := range map[string]struct {
		stat string
		want int64
	}{
		"usual":    {"cpu 1 2 3\nctxt 1034\nbtime 5\n", 1000},
		"absent":   {"cpu 1 2 3\nbtime 5\n", 0},
		"not kept": {"ctxt 0\n", 0},
		"empty":    {"", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if n := turnsOfOthers([]byte(tc.stat), &own); n != tc.want {
				t.Errorf("%d, want %d", n, tc.want)
			}
		})
	}
}
