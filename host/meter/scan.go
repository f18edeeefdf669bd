package meter

import (
	"errors"
	"fmt"
	"math"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/callgraph"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

// instructions walks over a function's code and notes what to insert. The function's entry costs its longest way plus
// extra.
//
// A loop is a region of its own, paid at each turn. Ways that leave it go on in the region around it from where the loop
// began, as the rest is paid already.
func (m *rewriter) instructions(r *wasm.Reader, extra int64) error {
	s := &m.scan
	s.frames = append(s.frames[:0], frame{op: wasm.OpBlock, join: none})
	s.regions = append(s.regions[:0], region{insert: m.insert(r.Pos(), insertCharge), loops: none})
	s.disp.active, s.disp.entered, s.disp.read = false, false, false
	first := len(m.inserts)
	s.values, s.sets, s.widest = s.perLocal*int(m.locals), 0, 0
	cur := extra
	for r.More() {
		at := r.Pos()
		op := r.Byte()
		if cur >= 0 && op != wasm.OpEnd && op != wasm.OpElse {
			cur++
		}
		s.values += int(pushed[op])
		jump := s.disp.active && s.jumps.next(*r, op, s.disp.local)
		switch op {
		case wasm.OpBlock, wasm.OpIf, wasm.OpLoop:
			takes, err := m.blockType(r)
			if err != nil {
				return err
			}
			if err := m.open(r, op, takes, cur); err != nil {
				return err
			}
			if op == wasm.OpLoop && cur >= 0 && s.frames[len(s.frames)-1].op == wasm.OpLoop {
				cur = 0
			}
		case wasm.OpElse:
			f := &s.frames[len(s.frames)-1]
			if f.op != wasm.OpIf {
				return errors.New("has an else without an if")
			}
			s.reach(cur)
			f.op, f.join = wasm.OpElse, max(f.join, cur)
			cur = f.start
			if cur >= 0 {
				cur++
			}
		case wasm.OpEnd:
			cur = m.end(r, cur)
			if len(s.frames) == 0 {
				if r.More() {
					return errors.New("has code behind its end")
				}
				m.plain(m.inserts[first:])
				return nil
			}
		case wasm.OpBr, wasm.OpBrIf:
			label := r.U32()
			if int64(label) >= int64(len(s.frames)) {
				return badLabel(label, len(s.frames))
			}
			to := len(s.frames) - 1 - int(label)
			if s.frames[to].op == opDispatch && jump {
				m.jump(r, label, cur)
			} else {
				s.branch(to, cur)
			}
			if op == wasm.OpBr {
				cur = none
			}
		case wasm.OpBrTable:
			if d := &s.disp; d.active && !d.entered {
				i := m.insert(at, insertFirst)
				m.inserts[i].arg, m.inserts[i].local = d.table[0], d.local
				if err := s.enter(r, cur); err != nil {
					return err
				}
				cur = none
				break
			}
			for range r.Count() + 1 {
				label := r.U32()
				if r.Bad() {
					break
				}
				if int64(label) >= int64(len(s.frames)) {
					return badLabel(label, len(s.frames))
				}
				s.branch(len(s.frames)-1-int(label), cur)
			}
			cur = none
		case wasm.OpReturn, wasm.OpUnreachable:
			s.reach(cur)
			cur = none
		case wasm.OpCall:
			f, err := m.Index(r, wasm.OfFunction)
			if err != nil {
				return err
			}
			if !r.Bad() {
				s.passes(&m.Types[m.Funcs[f]])
			}
			if int(f) < m.ImportedFuncs {
				cur = pay(cur, costLeave)
			} else {
				m.call(at, r.Pos(), int32(f)-int32(m.ImportedFuncs))
			}
		case wasm.OpCallIndirect:
			typ, err := m.Index(r, wasm.OfType)
			if err != nil {
				return err
			}
			if !r.Bad() {
				s.passes(&m.Types[typ])
			}
			if _, err := m.Index(r, wasm.OfTable); err != nil {
				return err
			}
			m.call(at, r.Pos(), callgraph.Anywhere)
		case wasm.OpGlobalGet, wasm.OpGlobalSet:
			if _, err := m.Index(r, wasm.OfGlobal); err != nil {
				return err
			}
		case wasm.OpTableGet, wasm.OpTableSet:
			if _, err := m.Index(r, wasm.OfTable); err != nil {
				return err
			}
		case wasm.OpRefFunc:
			f, err := m.Index(r, wasm.OfFunction)
			if err != nil {
				return err
			}
			if int(f) == m.Start && !m.StartDeclared {
				return fmt.Errorf("refers to function %d, which no export, element segment or global declares", f)
			}
			cur = pay(cur, costLeave)
		case wasm.OpMemoryGrow:
			if err := m.memoryByte(r); err != nil {
				return err
			}
			m.replace(insertCall, at, r.Pos(), addedGrow)
			cur = pay(cur, costLeave)
		case wasm.OpPrefixMisc:
			var err error
			if cur, err = m.misc(r, at, cur); err != nil {
				return err
			}
		case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
			i, err := m.local(r)
			if err != nil {
				return err
			}
			if op != wasm.OpLocalGet {
				s.sets++
			}
			if i == s.disp.local && op != wasm.OpLocalSet && s.disp.entered {
				s.disp.read = true
			}
		default:
			if err := m.SkipImmediates(r, op); err != nil {
				return err
			}
		}
	}
	r.Fail()
	return nil
}

func pay(cur, cost int64) int64 {
	if cur < 0 {
		return cur
	}
	return cur + cost
}

func badLabel(label uint32, frames int) error {
	return fmt.Errorf("branches to label %d inside %d blocks", label, frames-1)
}

// opDispatch marks the frame of a dispatch loop.
const opDispatch = 0xff

// open enters a block.
func (m *rewriter) open(r *wasm.Reader, op byte, takes bool, cur int64) error {
	s := &m.scan
	d := &s.disp
	f := frame{op: op, region: len(s.regions) - 1, start: cur, join: none, sets: s.sets}
	switch {
	case op == wasm.OpLoop && !takes && cur >= 0 && !d.active && !d.entered && d.recognise(*r):
		d.begin(len(s.frames), len(s.regions)-1)
		s.jumps.state = 0
		f.op = opDispatch
	case op == wasm.OpLoop:
		s.reach(cur)
		g := region{insert: none, start: cur, loops: none}
		if cur >= 0 {
			kind := insertTurn
			if takes {
				kind = insertCharge
			}
			g.insert = m.insert(r.Pos(), kind)
		}
		s.regions = append(s.regions, g)
	case op == wasm.OpBlock && d.active && d.unopened > 0:
		f.level = d.blocks - d.unopened + 1
		d.unopened--
	}
	s.frames = append(s.frames, f)
	if n, limit := len(s.frames)-1, m.limits.Nesting; limit != 0 && n > int(limit) {
		return fmt.Errorf("nests %d blocks, the limit is %d", n, limit)
	}
	return nil
}

// leave ends the innermost region and returns it.
func (m *rewriter) leave() region {
	s := &m.scan
	g := s.regions[len(s.regions)-1]
	s.regions = s.regions[:len(s.regions)-1]
	if g.insert >= 0 {
		m.inserts[g.insert].arg = fuel(g.max)
	}
	return g
}

// fuel makes a cost an insert's argument. None is too large: see maxBody.
func fuel(cost int64) uint32 { return uint32(min(cost, math.MaxUint32)) }

// reach notes how long the way to an instruction is.
func (s *scanner) reach(cur int64) {
	top := &s.regions[len(s.regions)-1]
	top.max = max(top.max, cur)
}

// inner notes that a region lies in the present one, and the way to it.
func (s *scanner) inner(start int64) {
	top := &s.regions[len(s.regions)-1]
	top.max, top.loops = max(top.max, start), max(top.loops, start)
}

// branch notes a way to the label of a frame.
func (s *scanner) branch(to int, cur int64) {
	s.reach(cur)
	if cur < 0 {
		return
	}
	switch f := &s.frames[to]; {
	case f.op == wasm.OpLoop: // the next turn pays for itself
	case f.op == opDispatch:
		s.disp.unknown = true
		s.reach(pay(cur, jumpCost))
	case f.level > 0:
		if segment := s.disp.region + 1; segment+1 < len(s.regions) {
			cur = s.regions[segment+1].start
		}
		s.disp.edge(f.level, cur)
	case f.region < len(s.regions)-1:
		f.escaped = true
	default:
		f.join = max(f.join, cur)
	}
}

// jump notes a way by the dispatch loop's table; label is the loop's. One that leads forward becomes a branch: by the table it
// would cost several times as much, since all locals meet there and its way out is hard to foresee.
func (m *rewriter) jump(r *wasm.Reader, label uint32, cur int64) {
	s := &m.scan
	d := &s.disp
	to := d.frame + d.blocks - d.label(s.jumps.key)
	switch level := to - d.frame; {
	case level > d.open:
		s.reach(pay(cur, jumpCost))
		if cur >= 0 {
			d.segments[level].paid = true
		}
	case to >= 0:
		if level > 0 && d.region == 0 { // in a loop, the next turn may begin with what X is set to here
			i := m.insert(s.jumps.at, insertDirect)
			m.inserts[i].skip, m.inserts[i].arg = uint32(r.Pos()-s.jumps.at), label-uint32(level)
		}
		s.branch(to, pay(cur, jumpCost))
	}
}

// enter notes the ways by which a dispatch loop is entered.
func (s *scanner) enter(r *wasm.Reader, cur int64) error {
	d := &s.disp
	d.entered, d.way = true, cur-int64(d.blocks) // see jumpCost
	s.reach(d.way)
	for range r.Count() + 1 {
		label := r.U32()
		if r.Bad() {
			break
		}
		if int64(label) >= int64(len(s.frames)) {
			return badLabel(label, len(s.frames))
		}
		if f := &s.frames[len(s.frames)-1-int(label)]; f.level == 0 {
			f.escaped = true
		}
	}
	return nil
}

// end closes the innermost block and returns the way to what follows it.
func (m *rewriter) end(r *wasm.Reader, cur int64) int64 {
	s := &m.scan
	if cur >= 0 {
		cur++
	}
	s.reach(cur)
	f := s.frames[len(s.frames)-1]
	s.frames = s.frames[:len(s.frames)-1]
	s.meet(&f, int(m.locals))
	switch {
	case f.op == wasm.OpLoop:
		g := m.leave()
		s.inner(g.start)
		if cur >= 0 {
			cur = g.start
		}
		return cur
	case f.op == opDispatch:
		m.closeSegment(1)
		m.settle()
		way := s.disp.way
		s.inner(way)
		if cur >= 0 {
			cur = way
		}
		return cur
	case f.level > 0:
		if f.level < s.disp.blocks {
			if cur >= 0 {
				s.disp.edge(f.level, cur)
			}
			m.closeSegment(f.level + 1)
		}
		m.openSegment(f.level, r.Pos())
		return 0
	case f.op == wasm.OpIf:
		f.join = max(f.join, f.start)
	}
	if f.escaped {
		f.join = max(f.join, s.regions[len(s.regions)-1].loops)
	}
	if f.join >= 0 {
		cur = max(cur, f.join+1)
	}
	s.reach(cur)
	if len(s.frames) == 0 {
		m.leave()
	}
	return cur
}
