package callgraph

import (
	"math/rand/v2"
	"testing"
)

// graphOf charges functions that only call: frames are their frames, calls[f] the functions that f calls.
func graphOf(frames []uint32, calls [][]int32) *Graph {
	var g Graph
	for f, list := range calls {
		for _, to := range list {
			g.Call(to)
		}
		g.Function(frames[f])
	}
	g.Charge()
	return &g
}

// TestSound walks at random through call graphs made at random, and compares what is on the stack with what was
// charged: the difference must stay within a constant.
func TestSound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rnd.IntN(40)
		frames, calls := make([]uint32, n), make([][]int32, n)
		largest := uint32(0)
		for f := range n {
			frames[f] = uint32(160 + rnd.IntN(1<<rnd.IntN(16)))
			largest = max(largest, frames[f])
			for range rnd.IntN(4) {
				switch rnd.IntN(12) {
				case 0:
					calls[f] = append(calls[f], Anywhere)
				case 1, 2:
					calls[f] = append(calls[f], int32(rnd.IntN(n)))
				default: // no way back
					calls[f] = append(calls[f], int32(f+rnd.IntN(n-f)))
				}
			}
		}
		g := graphOf(frames, calls)
		for range 20 {
			f := int32(rnd.IntN(n))
			var real, charged uint64
			for range 500 {
				real += uint64(frames[f])
				if real > charged+uint64(highest+shallow+largest) {
					t.Fatalf("seed %d: %d bytes are on the stack, %d were charged", seed, real, charged)
				}
				if len(calls[f]) == 0 {
					break
				}
				c := g.made(f)[rnd.IntN(len(calls[f]))]
				charged += uint64(c.bytes)
				if c.bytes > 0 && c.callee >= 0 && !g.Deep(int(c.callee)) {
					t.Fatalf("seed %d: a call of function %d is charged, which never looks at the stack", seed, c.callee)
				}
				if f = c.callee; f < 0 {
					f = int32(rnd.IntN(n))
				}
			}
		}
	}
}

// TestFree covers calls that cost nothing, and what recursion costs.
func TestFree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		frames []uint32
		calls  [][]int32
		want   []uint32 // of each call
	}{
		"a chain":          {[]uint32{200, 300, 400}, [][]int32{{1}, {2}, nil}, []uint32{0, 0}},
		"recursion":        {[]uint32{200}, [][]int32{{0}}, []uint32{200}},
		"mutual recursion": {[]uint32{200, 300}, [][]int32{{1}, {0}}, []uint32{0, 500}},
		"around a leaf":    {[]uint32{200, 300}, [][]int32{{1, 0}, nil}, []uint32{0, 200}},
		"indirect":         {[]uint32{200, 300}, [][]int32{{1}, {Anywhere}}, []uint32{0, 500}},
		"a deep chain":     {[]uint32{200, 10 << 10, 10 << 10}, [][]int32{{1}, {2}, nil}, []uint32{0, 0}},
		"large frames":     {[]uint32{20 << 10, 20 << 10}, [][]int32{{1}, nil}, []uint32{20 << 10}},
	} {
		g := graphOf(c.frames, c.calls)
		for i, want := range c.want {
			if got := g.Bytes(i); got != want {
				t.Errorf("%s: call %d is charged %d bytes, want %d", name, i, got, want)
			}
		}
	}
}
