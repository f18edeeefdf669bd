package meter

import (
	"bytes"
	"fmt"
)

// What counts more than the one that every instruction costs.
const (
	costLeave     = 100 // an instruction or call that leaves compiled code for the host's
	localsPerFuel = 2   // locals that a function's entry sets to zero for one fuel
)

// maxBody bounds a function's size when Limits don't, so that its cost fits into 32 bits.
const maxBody = 1 << 24

// body is a function of the module.
type body struct {
	span          // of its code behind the declarations of locals
	decls  span   // the declarations, behind their count
	groups int    // their count
	locals uint32 // parameters included
	insert int    // its first insert; those of the next body begin where its own end
	calls  int    // its first call, likewise
	frame  uint32 // estimate of its native stack frame in bytes
}

// insert is a change of a function's code.
type insert struct {
	pos  uint32 // in the module: where to write, and what to replace
	skip uint32 // bytes of the original that it replaces
	kind insertKind
	arg  uint32

	// For insertSegment.
	key, local, label uint32
}

type insertKind byte

const (
	insertNothing insertKind = iota
	insertCharge             // pay arg fuel
	insertTurn               // the same at the head of a loop that takes nothing from the stack
	insertSegment            // the same in a dispatch loop: label is the loop's, and key in local leads here
	insertCall               // call the appended function arg
	insertRange              // memory.fill or memory.copy, for which there is the appended function arg
	insertDeeper             // a call: count what it may take of the stack; arg is the number of its site
)

// site is a call in a function's code.
type site struct {
	callee int32 // the function, -1 for an indirect call
	bytes  uint32
}

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

func (m *rewriter) code(r *reader) error {
	if n := len(m.funcs) - m.importedFuncs; n != m.counts[secCode] {
		return fmt.Errorf("the module declares %d functions and has code for %d", n, m.counts[secCode])
	}
	m.bodies = make([]body, 0, m.counts[secCode]+1)
	for i := range m.counts[secCode] {
		size := r.u32()
		if limit := m.limits.FunctionSize; limit != 0 && size > limit || size > maxBody {
			return fmt.Errorf("function %d has %d bytes, the limit is %d", m.importedFuncs+i, size, min(limit-1, maxBody-1)+1)
		}
		s := r.sub(size)
		if s.bad {
			return nil
		}
		if err := m.function(i, &s); err != nil {
			return fmt.Errorf("function %d %w", m.importedFuncs+i, err)
		}
		if s.bad || s.more() {
			return fmt.Errorf("function %d is malformed", m.importedFuncs+i)
		}
	}
	return nil
}

func (m *rewriter) function(i int, r *reader) error {
	typ := m.funcs[m.importedFuncs+i]
	b := body{insert: len(m.inserts), calls: len(m.calls)}
	b.groups = r.count()
	b.decls.from = r.pos
	locals := uint64(0)
	m.scan.perLocal = 1
	if bytes.IndexByte(m.types[typ].params, typeV128) >= 0 {
		m.scan.perLocal = 2
	}
	for range b.groups {
		locals += uint64(r.u32())
		t := r.byte()
		if err := valueType(t); err != nil && !r.bad {
			return err
		}
		if t == typeV128 {
			m.scan.perLocal = 2
		}
	}
	b.decls.to = r.pos
	declared := locals
	locals += uint64(len(m.types[typ].params))
	limit := uint64(m.limits.Locals)
	if limit == 0 {
		limit = maxLocals
	}
	if locals > limit {
		return fmt.Errorf("has %d locals, the limit is %d", locals, limit)
	}
	b.locals = uint32(locals) //nolint:gosec // no more than the limit
	m.locals = b.locals
	b.span = span{r.pos, r.end}
	if err := m.instructions(r, int64(declared/localsPerFuel)); err != nil { //nolint:gosec // no more than the limit
		return err
	}
	var err error
	if b.frame, err = m.scan.frameSize(); err != nil {
		return err
	}
	m.bodies = append(m.bodies, b)
	return nil
}

// maxLocals bounds a function's locals when Limits don't.
const maxLocals = 1 << 20
