package meter

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/callgraph"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

// What counts more than the one that every instruction costs.
const (
	costLeave     = 100 // an instruction or call that leaves compiled code for the host's
	localsPerFuel = 2   // locals that a function's entry sets to zero for one fuel
)

// What bounds a function when Limits don't.
const (
	maxBody   = 1 << 24 // bytes, so that its cost fits into 32 bits
	maxLocals = 1 << 20
)

// rewriter holds one module while it is rewritten.
type rewriter struct {
	wasm.Module
	limits *Limits
	src    []byte

	bodies  []body
	locals  uint32   // of the function that is being scanned
	inserts []insert // of all bodies, in order
	graph   callgraph.Graph
	used    [appended]bool
	inits   map[uint32]int // data segments that memory.init reads; once all is known, long ones, and their functions' order
	scan    scanner
}

type span struct{ from, to int } // positions in rewriter.src

// body is a function of the module.
type body struct {
	span          // of its code behind the declarations of locals
	decls  span   // the declarations, behind their count
	groups int    // their count
	locals uint32 // parameters included
	insert int    // its first insert; those of the next body begin where its own end
}

// insert is a change of a function's code.
type insert struct {
	pos  uint32 // in the module: where to write, and what to replace
	skip uint32 // bytes of the original that it replaces
	kind insertKind
	arg  uint32

	// For insertSegment. For insertInit, key is the segment.
	key, local, label uint32
}

type insertKind byte

const (
	insertNothing insertKind = iota
	insertCharge             // pay arg fuel
	insertEntry              // the same at a function's entry, where the stack is looked at too
	insertTurn               // the same at the head of a loop that takes nothing from the stack
	insertSegment            // the same in a dispatch loop: label is the loop's, and key in local leads here
	insertCall               // call the appended function arg
	insertRange              // memory.fill or memory.copy, for which there is the appended function arg
	insertInit               // memory.init, for which there is the appended function arg
	insertDeeper             // a call: count what it may take of the stack; arg is its number in rewriter.graph
	insertDirect             // a jump forward in a dispatch loop: a branch to label arg in its place
	insertFirst              // before a dispatch loop's table: entry 0, by label arg, without it; key in local leads there
)

// scanner finds what to insert into a function. It is kept for its memory.
type scanner struct {
	frames   []frame
	regions  []region
	disp     dispatch
	jumps    jumps
	values   int // that the function computes: see frameSize
	widest   int // parameters and results of a call, at most
	perLocal int // values that a local is: two if one of them is a vector
	sets     int // of locals, so far
}

// region is code that one charge pays for: a function outside its loops, or a loop's body outside inner loops. Its cost
// is the longest way through it. Ways are measured in fuel since the region's beginning, -1 being no way.
type region struct {
	insert int   // the charge, -1 in code that can't be reached
	start  int64 // the way to it, in the region around it
	max    int64 // the longest way in it
	loops  int64 // the longest way to a region in it
}

// frame is an open block.
type frame struct {
	op      byte
	escaped bool  // a branch out of an inner region ends here
	level   int   // of a dispatch loop's blocks; 0 for others
	region  int   // that it lies in
	start   int64 // the way to its first instruction
	join    int64 // the longest way to its end by branches
	sets    int   // scanner.sets when it was opened
}

// read finds out what to insert.
func (m *rewriter) read() error {
	m.used[addedRefill], m.used[addedAgain] = true, true
	m.inserts = make([]insert, 0, len(m.src)/40) // about what Go code needs
	l := m.limits
	if err := m.Decode(m.src, wasm.Limits{
		FunctionSize: min(l.FunctionSize-1, maxBody-1) + 1, // 0 is maxBody
		Functions:    l.Functions, Globals: l.Globals, TableElements: l.TableElements, Exports: l.Exports, Types: l.Types,
		Signature: l.Signature, Segments: l.Segments, Memory: l.Memory, Reserved: reservedPrefix,
	}, m.function); err != nil {
		return err
	}
	maps.DeleteFunc(m.inits, func(segment uint32, _ int) bool {
		return int(segment) >= len(m.DataSizes) || m.DataSizes[segment] <= chunk
	})
	for i, segment := range slices.Sorted(maps.Keys(m.inits)) {
		m.inits[segment] = i
	}
	m.graph.Charge()
	for f := range m.bodies {
		if m.graph.Deep(f) {
			m.inserts[m.bodies[f].insert].kind = insertEntry
		}
	}
	return nil
}

// function reads the next function's code.
func (m *rewriter) function(i int, r *wasm.Reader) error {
	typ := m.Funcs[m.ImportedFuncs+i]
	if i == 0 {
		m.bodies = make([]body, 0, len(m.Funcs)-m.ImportedFuncs)
	}
	b := body{insert: len(m.inserts)}
	b.groups = r.Count()
	b.decls.from = r.Pos()
	locals := uint64(0)
	m.scan.perLocal = 1
	if bytes.IndexByte(m.Types[typ].Params, wasm.TypeV128) >= 0 {
		m.scan.perLocal = 2
	}
	for range b.groups {
		locals += uint64(r.U32())
		t := r.Byte()
		if err := wasm.ValueType(t); err != nil && !r.Bad() {
			return err
		}
		if t == wasm.TypeV128 {
			m.scan.perLocal = 2
		}
	}
	b.decls.to = r.Pos()
	declared := locals
	locals += uint64(len(m.Types[typ].Params))
	limit := uint64(m.limits.Locals)
	if limit == 0 {
		limit = maxLocals
	}
	if locals > limit {
		return fmt.Errorf("has %d locals, the limit is %d", locals, limit)
	}
	b.locals = uint32(locals)
	m.locals = b.locals
	b.span = span{r.Pos(), r.End()}
	if err := m.instructions(r, int64(declared/localsPerFuel)); err != nil {
		return err
	}
	frame, err := m.scan.frameSize()
	if err != nil {
		return err
	}
	m.graph.Function(frame)
	m.bodies = append(m.bodies, b)
	return nil
}
