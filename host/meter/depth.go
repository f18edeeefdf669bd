package meter

import "math"

// How nested calls are counted. Charging each call with its frame would slow down code that can't nest deeply anyway, so
// each function gets a level: a lower bound of what is on the stack uncounted when it is entered. A call from f to g is
// charged with what brings f's level and frame above g's level, which for most calls is nothing:
//
//	charge(f → g) = max(0, level(f) + frame(f) - level(g))
//
// Along any chain of calls the levels cancel out, so what is on the stack is never more than what was charged plus the
// last level and frame, however the levels were chosen. An indirect call may lead anywhere: to level 0. Functions from
// which no deep chain can start are called for nothing.
const (
	highest = 4 << 10  // bytes that a level may be; more would charge indirect calls with too much
	shallow = 16 << 10 // bytes that a function and all it calls may take and be called for nothing
)

// deep is the height of a function that may start a chain without end, or one that is more than shallow.
const deep = math.MaxUint32

// depths sets what each call is charged with.
func (m *rewriter) depths() {
	g := callGraph{rewriter: m, height: make([]uint32, len(m.bodies)), state: make([]visit, len(m.bodies)), order: make([]int32, 0, len(m.bodies))}
	for f := range m.bodies {
		if g.state[f] == unseen {
			g.walk(int32(f)) //nolint:gosec // fewer than the module's bytes
		}
	}
	level := make([]uint32, len(m.bodies))
	for i := len(g.order) - 1; i >= 0; i-- { // callers first, but for recursion
		f := g.order[i]
		top := level[f] + m.bodies[f].frame
		if top > highest {
			continue
		}
		for _, s := range g.callees(f) {
			if to := g.body(s); to >= 0 && g.height[to] == deep {
				level[to] = max(level[to], top)
			}
		}
	}
	for f := range m.bodies {
		top := level[f] + m.bodies[f].frame
		sites := g.callees(int32(f)) //nolint:gosec // fewer than the module's bytes
		for i := range sites {
			switch to := g.body(sites[i]); {
			case to < 0:
				sites[i].bytes = top
			case g.height[to] == deep && top > level[to]:
				sites[i].bytes = top - level[to]
			}
		}
	}
}

type visit byte

const (
	unseen visit = iota
	open
	closed
)

// callGraph is walked depth first.
type callGraph struct {
	*rewriter
	height []uint32 // bytes that a function and all it calls take
	state  []visit
	order  []int32 // functions, after all that they call, but for recursion
	stack  []step
}

// step is a function on the way, and its next call to look at.
type step struct {
	f    int32
	next int
}

func (g *callGraph) callees(f int32) []site {
	end := len(g.calls)
	if int(f)+1 < len(g.bodies) {
		end = g.bodies[f+1].calls
	}
	return g.calls[g.bodies[f].calls:end]
}

// body returns which of the bodies a call leads to, -1 if any.
func (g *callGraph) body(s site) int32 {
	if s.callee < 0 {
		return none
	}
	return s.callee - int32(g.importedFuncs) //nolint:gosec // fewer than the module's bytes
}

func (g *callGraph) walk(root int32) {
	g.push(root)
	for len(g.stack) > 0 {
		top := &g.stack[len(g.stack)-1]
		f := top.f
		if calls := g.callees(f); top.next < len(calls) {
			s := calls[top.next]
			top.next++
			switch to := g.body(s); {
			case to < 0 || g.state[to] == open: // it may come back here
				g.height[f] = deep
			case g.state[to] == unseen:
				g.push(to)
			default:
				g.add(f, to)
			}
			continue
		}
		g.stack = g.stack[:len(g.stack)-1]
		g.state[f] = closed
		g.order = append(g.order, f)
		if len(g.stack) > 0 {
			g.add(g.stack[len(g.stack)-1].f, f)
		}
	}
}

func (g *callGraph) push(f int32) {
	g.state[f] = open
	g.height[f] = g.bodies[f].frame
	if g.height[f] > shallow {
		g.height[f] = deep
	}
	g.stack = append(g.stack, step{f: f})
}

// add makes a function's height at least what one that it calls needs.
func (g *callGraph) add(f, to int32) {
	if g.height[f] == deep {
		return
	}
	if h := uint64(g.height[to]) + uint64(g.bodies[f].frame); h <= shallow {
		g.height[f] = max(g.height[f], uint32(h)) //nolint:gosec // no more than shallow
	} else {
		g.height[f] = deep
	}
}
