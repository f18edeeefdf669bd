package meter

import (
	"errors"
	"fmt"
	"math"
)

// instructions walks over a function's code and notes what to insert. The function's entry costs its longest way plus
// extra.
//
// A loop is a region of its own, paid at each turn. Ways that leave it go on in the region around it from where the loop
// began, as the rest is paid already.
func (m *rewriter) instructions(r *reader, extra int64) error {
	s := &m.scan
	s.frames = append(s.frames[:0], frame{op: opBlock, join: none})
	s.regions = append(s.regions[:0], region{insert: m.insert(r.pos, insertCharge), loops: none})
	s.disp.active, s.disp.entered, s.disp.read = false, false, false
	first := len(m.inserts)
	s.values, s.sets, s.widest = s.perLocal*int(m.locals), 0, 0
	cur := extra
	for r.more() {
		at := r.pos
		op := r.byte()
		if cur >= 0 && op != opEnd && op != opElse {
			cur++
		}
		s.values += int(pushed[op])
		jump := s.disp.active && s.jumps.next(*r, op, s.disp.local)
		switch op {
		case opBlock, opIf, opLoop:
			takes, err := m.blockType(r)
			if err != nil {
				return err
			}
			if err := m.open(r, op, takes, cur); err != nil {
				return err
			}
			if op == opLoop && cur >= 0 && s.frames[len(s.frames)-1].op == opLoop {
				cur = 0
			}
		case opElse:
			f := &s.frames[len(s.frames)-1]
			if f.op != opIf {
				return errors.New("has an else without an if")
			}
			s.reach(cur)
			f.op, f.join = opElse, max(f.join, cur)
			cur = f.start
			if cur >= 0 {
				cur++
			}
		case opEnd:
			cur = m.end(r, cur)
			if len(s.frames) == 0 {
				if r.more() {
					return errors.New("has code behind its end")
				}
				m.plain(m.inserts[first:])
				return nil
			}
		case opBr, opBrIf:
			label := r.u32()
			if int64(label) >= int64(len(s.frames)) {
				return badLabel(label, len(s.frames))
			}
			to := len(s.frames) - 1 - int(label)
			if s.frames[to].op == opDispatch && jump {
				s.jump(cur)
			} else {
				s.branch(to, cur)
			}
			if op == opBr {
				cur = none
			}
		case opBrTable:
			if d := &s.disp; d.active && !d.entered {
				if err := s.enter(r, cur); err != nil {
					return err
				}
				cur = none
				break
			}
			for range r.count() + 1 {
				label := r.u32()
				if r.bad {
					break
				}
				if int64(label) >= int64(len(s.frames)) {
					return badLabel(label, len(s.frames))
				}
				s.branch(len(s.frames)-1-int(label), cur)
			}
			cur = none
		case opReturn, opUnreachable:
			s.reach(cur)
			cur = none
		case opCall:
			f, err := m.index(r, ofFunction)
			if err != nil {
				return err
			}
			if !r.bad {
				s.passes(&m.types[m.funcs[f]])
			}
			if int(f) < m.importedFuncs {
				cur = pay(cur, costLeave)
			} else {
				m.call(at, r.pos, int32(f)) //nolint:gosec // as many as the module's bytes
			}
		case opCallIndirect:
			typ, err := m.index(r, ofType)
			if err != nil {
				return err
			}
			if !r.bad {
				s.passes(&m.types[typ])
			}
			if _, err := m.index(r, ofTable); err != nil {
				return err
			}
			m.call(at, r.pos, none)
		case opGlobalGet, opGlobalSet:
			if _, err := m.index(r, ofGlobal); err != nil {
				return err
			}
		case opTableGet, opTableSet:
			if _, err := m.index(r, ofTable); err != nil {
				return err
			}
		case opRefFunc:
			f, err := m.index(r, ofFunction)
			if err != nil {
				return err
			}
			if m.present[secStart] && f == m.start && !m.startDeclared {
				return fmt.Errorf("refers to function %d, which no export, element segment or global declares", f)
			}
			cur = pay(cur, costLeave)
		case opMemoryGrow:
			if b := r.byte(); b != 0 {
				return unsupported(fmt.Sprintf("multiple memories (it grows memory %d)", b))
			}
			m.replace(insertCall, at, r.pos, addedGrow)
			cur = pay(cur, costLeave)
		case opPrefixMisc:
			var err error
			if cur, err = m.misc(r, at, cur); err != nil {
				return err
			}
		case opLocalGet, opLocalSet, opLocalTee:
			i, err := m.index(r, ofLocal)
			if err != nil {
				return err
			}
			if op != opLocalGet {
				s.sets++
			}
			if i == s.disp.local && op != opLocalSet && s.disp.entered {
				s.disp.read = true
			}
		default:
			if err := skip(r, op); err != nil {
				return err
			}
		}
	}
	r.fail()
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
func (m *rewriter) open(r *reader, op byte, takes bool, cur int64) error {
	s := &m.scan
	d := &s.disp
	f := frame{op: op, region: len(s.regions) - 1, start: cur, join: none, sets: s.sets}
	switch {
	case op == opLoop && cur >= 0 && !d.active && !d.entered && d.recognise(*r):
		d.begin(len(s.frames), len(s.regions)-1)
		s.jumps.state = 0
		f.op = opDispatch
	case op == opLoop:
		s.reach(cur)
		g := region{insert: none, start: cur, loops: none}
		if cur >= 0 {
			kind := insertTurn
			if takes {
				kind = insertCharge
			}
			g.insert = m.insert(r.pos, kind)
		}
		s.regions = append(s.regions, g)
	case op == opBlock && d.active && d.unopened > 0:
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
func fuel(cost int64) uint32 { return uint32(min(cost, math.MaxUint32)) } //nolint:gosec // as it says

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
	case f.op == opLoop: // the next turn pays for itself
	case f.op == opDispatch:
		s.disp.unknown = true
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

// jump notes a way by the dispatch loop's table.
func (s *scanner) jump(cur int64) {
	d := &s.disp
	to := d.frame + d.blocks - d.label(s.jumps.key)
	switch level := to - d.frame; {
	case level > d.open:
		s.reach(cur)
		if cur >= 0 {
			d.segments[level].paid = true
		}
	case to >= 0:
		s.branch(to, pay(cur, jumpCost))
	}
}

// enter notes the ways by which a dispatch loop is entered.
func (s *scanner) enter(r *reader, cur int64) error {
	d := &s.disp
	d.entered, d.way = true, cur-int64(d.blocks) // see jumpCost
	s.reach(d.way)
	for range r.count() + 1 {
		label := r.u32()
		if r.bad {
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
func (m *rewriter) end(r *reader, cur int64) int64 {
	s := &m.scan
	if cur >= 0 {
		cur++
	}
	s.reach(cur)
	f := s.frames[len(s.frames)-1]
	s.frames = s.frames[:len(s.frames)-1]
	s.meet(&f, int(m.locals))
	switch {
	case f.op == opLoop:
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
		m.openSegment(f.level, r.pos)
		return 0
	case f.op == opIf:
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

func (m *rewriter) insert(pos int, kind insertKind) int {
	m.inserts = append(m.inserts, insert{pos: uint32(pos), kind: kind}) //nolint:gosec // decode bounds the module
	return len(m.inserts) - 1
}

// replace notes that something with the help of an appended function takes the place of an instruction.
func (m *rewriter) replace(kind insertKind, from, to int, fn uint32) {
	i := m.insert(from, kind)
	m.inserts[i].skip, m.inserts[i].arg = uint32(to-from), fn //nolint:gosec // decode bounds the module
	m.used[fn] = true
}

// call notes a call that may nest.
func (m *rewriter) call(from, to int, callee int32) {
	i := m.insert(from, insertDeeper)
	m.inserts[i].skip, m.inserts[i].arg = uint32(to-from), uint32(len(m.calls)) //nolint:gosec // decode bounds the module
	m.calls = append(m.calls, site{callee: callee})
}

// blockType reads a block's type and reports whether it takes parameters.
func (m *rewriter) blockType(r *reader) (takes bool, err error) {
	at := r.pos
	switch t := r.s33(); {
	case r.bad:
	case t >= 0:
		if t >= int64(len(m.types)) {
			return false, m.beyond(ofType, t)
		}
		takes = len(m.types[t].params) > 0
		m.scan.values += 2 * (len(m.types[t].params) + len(m.types[t].results))
	case r.pos != at+1:
		return false, errors.New("has a block of an unknown type")
	case t != typeEmpty-0x80:
		err = valueType(byte(t & 0x7f)) //nolint:gosec // one byte was read
	}
	return takes, err
}

// misc reads an instruction behind the prefix 0xfc.
func (m *rewriter) misc(r *reader, at int, cur int64) (int64, error) {
	switch sub := r.u32(); {
	case sub < miscMemoryInit || r.bad: // saturating conversions
	case sub == miscDataDrop || sub == miscElemDrop:
		r.u32()
	case sub == miscMemoryInit:
		r.u32()
		if err := memoryIndex(r); err != nil {
			return cur, err
		}
		m.replace(insertCall, at, at, addedBytes)
	case sub == miscMemoryCopy:
		if err := errors.Join(memoryIndex(r), memoryIndex(r)); err != nil {
			return cur, err
		}
		m.replace(insertRange, at, r.pos, addedCopy)
	case sub == miscMemoryFill:
		if err := memoryIndex(r); err != nil {
			return cur, err
		}
		m.replace(insertRange, at, r.pos, addedFill)
	case sub <= miscTableFill:
		if sub == miscTableInit {
			r.u32()
		}
		if _, err := m.index(r, ofTable); err != nil {
			return cur, err
		}
		if sub == miscTableCopy {
			if _, err := m.index(r, ofTable); err != nil {
				return cur, err
			}
		}
		if sub == miscTableSize {
			break
		}
		m.replace(insertCall, at, at, addedElements)
		if sub == miscTableGrow {
			cur = pay(cur, costLeave)
		}
	default:
		return cur, fmt.Errorf("has the unknown instruction 0xfc %d", sub)
	}
	return cur, nil
}

func memoryIndex(r *reader) error {
	if i := r.u32(); i != 0 {
		return unsupported(fmt.Sprintf("multiple memories (it names memory %d)", i))
	}
	return nil
}
