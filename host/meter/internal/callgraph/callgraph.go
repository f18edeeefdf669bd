// Package callgraph decides how nested calls are counted: import it to learn by how much a call moves a counter of the
// stack, such that no chain of calls takes more of the stack than what was counted and a constant.
//
// Charging each call with its frame would slow down code that can't nest deeply anyway, so each function gets a level: a
// lower bound of what is on the stack uncounted when it is entered. A call from f to g is charged with what brings f's
// level and frame above g's level, which for most calls is nothing:
//
//	charge(f → g) = max(0, level(f) + frame(f) - level(g))
//
// Along any chain of calls the levels cancel out, so what is on the stack is never more than what was charged plus the
// last level and frame, however the levels were chosen. An indirect call may lead anywhere: to level 0. Functions from
// which no deep chain can start are called for nothing.
package callgraph

import (
	"math"
	"slices"
)

const (
	highest = 4 << 10  // bytes that a level may be; more would charge indirect calls with too much
	shallow = 16 << 10 // bytes that a function and all it calls may take and be called for nothing
)

// Anywhere is the callee of an indirect call.
const Anywhere = -1

// deep is the height of a function that may start a chain without end, or one that is more than shallow.
const deep = math.MaxUint32

// Graph is a module's functions and the calls in their code. It is built in order, each function behind the calls that it
// makes, and then charged, once. The zero Graph is empty.
type Graph struct {
	functions []function
	calls     []call
	order     []int32 // functions, after all that they call, but for recursion
	stack     []step  // the way of the walk
}

type function struct {
	frame  uint32 // bytes
	height uint32 // bytes that it and all it calls take
	level  uint32
	state  visit
	rank   int // in Graph.order
	end    int // of its calls, which begin where those of the function before it end
}

type call struct {
	callee int32
	bytes  uint32
}

type visit byte

const (
	unseen visit = iota
	open
	closed
)

// step is a function on the way, and its next call to look at.
type step struct {
	f    int32
	next int
}

// Call adds a call by the function that comes next and returns the call's number. Callees have the numbers of functions in
// their order, Anywhere for an indirect call.
func (g *Graph) Call(callee int32) int {
	g.calls = append(g.calls, call{callee: callee})
	return len(g.calls) - 1
}

// Function adds the next function, whose frame takes so many bytes of the stack.
func (g *Graph) Function(frame uint32) {
	g.functions = append(g.functions, function{frame: frame, end: len(g.calls)})
}

// Deep reports, once the graph is charged, whether a function may be called for something.
func (g *Graph) Deep(f int) bool { return g.functions[f].height == deep }

// Bytes returns what a call is charged with.
func (g *Graph) Bytes(call int) uint32 { return g.calls[call].bytes }

// Charge sets what each call is charged with. All callees must have been added.
func (g *Graph) Charge() {
	g.order = make([]int32, 0, len(g.functions))
	for f := range g.functions {
		if g.functions[f].state == unseen {
			g.walk(int32(f))
		}
	}
	for _, f := range slices.Backward(g.order) { // callers first, but for recursion
		from := &g.functions[f]
		top := from.level + from.frame
		if top > highest {
			continue
		}
		for _, c := range g.made(f) {
			if c.callee < 0 {
				continue
			}
			if to := &g.functions[c.callee]; to.height == deep && to.rank < from.rank {
				to.level = max(to.level, top)
			}
		}
	}
	for f := range g.functions {
		top := g.functions[f].level + g.functions[f].frame
		made := g.made(int32(f))
		for i := range made {
			if made[i].callee < 0 {
				made[i].bytes = top
			} else if to := &g.functions[made[i].callee]; to.height == deep && top > to.level {
				made[i].bytes = top - to.level
			}
		}
	}
}

// made returns the calls that a function makes.
func (g *Graph) made(f int32) []call {
	from := 0
	if f > 0 {
		from = g.functions[f-1].end
	}
	return g.calls[from:g.functions[f].end]
}

// walk goes depth first from a function and finds the height of all it comes to.
func (g *Graph) walk(root int32) {
	g.push(root)
	for len(g.stack) > 0 {
		top := &g.stack[len(g.stack)-1]
		f := top.f
		if made := g.made(f); top.next < len(made) {
			to := made[top.next].callee
			top.next++
			switch {
			case to < 0 || g.functions[to].state == open: // it may come back here
				g.functions[f].height = deep
			case g.functions[to].state == unseen:
				g.push(to)
			default:
				g.add(f, to)
			}
			continue
		}
		g.stack = g.stack[:len(g.stack)-1]
		g.functions[f].state = closed
		g.functions[f].rank = len(g.order)
		g.order = append(g.order, f)
		if len(g.stack) > 0 {
			g.add(g.stack[len(g.stack)-1].f, f)
		}
	}
}

func (g *Graph) push(f int32) {
	fn := &g.functions[f]
	fn.state, fn.height = open, fn.frame
	if fn.frame > shallow {
		fn.height = deep
	}
	g.stack = append(g.stack, step{f: f})
}

// add makes a function's height at least what one that it calls needs.
func (g *Graph) add(f, to int32) {
	fn := &g.functions[f]
	if fn.height == deep {
		return
	}
	if h := uint64(g.functions[to].height) + uint64(fn.frame); h <= shallow {
		fn.height = max(fn.height, uint32(h))
	} else {
		fn.height = deep
	}
}
