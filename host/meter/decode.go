package meter

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// Sections by their id. rank is the order in which they must come.
const (
	secCustom, secType, secImport, secFunction = 0, 1, 2, 3
	secTable, secMemory, secGlobal, secExport  = 4, 5, 6, 7
	secStart, secElement, secCode, secData     = 8, 9, 10, 11
	secDataCount, secTag                       = 12, 13
	sections                                   = 14
)

var sectionRank = [sections]int{
	secType: 1, secImport: 2, secFunction: 3, secTable: 4, secMemory: 5, secTag: 6, secGlobal: 7, secExport: 8,
	secStart: 9, secElement: 10, secDataCount: 11, secCode: 12, secData: 13,
}

var sectionNames = [sections]string{
	"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count", "tag",
}

// rewriter holds one module while it is rewritten.
type rewriter struct {
	limits *Limits
	src    []byte

	present [sections]bool
	payload [sections]span // a section's content
	entries [sections]span // its content behind the count
	counts  [sections]int

	types         []signature
	importedFuncs int
	funcs         []uint32 // the type of each function, imported ones first
	globals       int      // imported ones included
	tables        []resource
	memories      []resource // one at most
	importedTabs  int
	importedMems  int
	start         uint32   // function to start with, if there is a start section
	startDeclared bool     // so that ref.func may name it
	declared      []uint32 // functions that exports and globals name, up to the start section

	bodies  []body
	locals  uint32   // of the function that is being scanned
	inserts []insert // of all bodies, in order
	calls   []site
	used    [appended]bool
	scan    scanner
}

type span struct{ from, to int }

// signature is a function type: its value types, as they stand in the module.
type signature struct{ params, results []byte }

// resource is a table or a memory.
type resource struct {
	element byte // the type of a table's elements
	limited bool // it declares a maximum
	min     uint32
	max     uint32
}

func (m *rewriter) decode() error {
	if len(m.src) < 8 || !bytes.Equal(m.src[:4], []byte("\x00asm")) {
		return fmt.Errorf("it is not a WebAssembly module: it does not begin with %q", "\x00asm")
	}
	if v := m.src[4:8]; !bytes.Equal(v, []byte{1, 0, 0, 0}) {
		return fmt.Errorf("it is not a WebAssembly module of version 1: its version field is %x", v)
	}
	if uint64(len(m.src)) > math.MaxUint32 {
		return fmt.Errorf("the module has %d bytes, the limit is %d", len(m.src), uint32(math.MaxUint32))
	}
	r := reader{data: m.src, pos: 8, end: len(m.src)}
	rank := 0
	for r.more() {
		at, id := r.pos, r.byte()
		s := r.sub(r.u32())
		switch {
		case r.bad || s.bad:
			return fmt.Errorf("the section at byte %d is cut short", at)
		case id == secCustom:
			if name := s.name(); s.bad || !utf8.Valid(name) {
				return fmt.Errorf("the name of the custom section at byte %d is malformed", at)
			}
			continue
		case id >= sections:
			return fmt.Errorf("the section at byte %d has the unknown id %d", at, id)
		case id == secTag:
			return fmt.Errorf("the module %w", unsupported("exception handling (a tag section)"))
		case sectionRank[id] <= rank:
			return fmt.Errorf("the %s section at byte %d is out of order or comes twice", sectionNames[id], at)
		}
		rank = sectionRank[id]
		m.present[id], m.payload[id] = true, span{s.pos, s.end}
		if err := m.section(id, &s); err != nil {
			return err
		}
		if s.bad || s.pos != s.end {
			return fmt.Errorf("the %s section at byte %d is malformed", sectionNames[id], at)
		}
	}
	if n := len(m.funcs) - m.importedFuncs; n != len(m.bodies) {
		return fmt.Errorf("the module declares %d functions and has code for %d", n, len(m.bodies))
	}
	return nil
}

func (m *rewriter) section(id byte, r *reader) error {
	switch id {
	case secStart:
		return m.startSection(r)
	case secDataCount:
		r.u32()
		return nil
	}
	m.counts[id] = r.count()
	m.entries[id] = span{r.pos, r.end}
	if err := m.counted(id); err != nil {
		return err
	}
	switch id {
	case secFunction:
		for range m.counts[id] {
			typ, err := m.index(r, ofType)
			if err != nil {
				return fmt.Errorf("the function section %w", err)
			}
			m.funcs = append(m.funcs, typ)
		}
		return nil
	case secTable, secMemory:
		return m.resources(id, r)
	case secCode:
		return m.code(r)
	}
	read := [...]func(*reader) error{
		secType: m.typ, secImport: m.importEntry, secGlobal: m.global, secExport: m.export, secElement: m.element, secData: m.data,
	}[id]
	for i := range m.counts[id] {
		if r.bad {
			return nil
		}
		if err := read(r); err != nil {
			return fmt.Errorf("entry %d of the %s section %w", i, sectionNames[id], err)
		}
	}
	return nil
}

// counted compares the number of a section's entries with the limit.
func (m *rewriter) counted(id byte) error {
	l, n := m.limits, m.counts[id]
	check := func(what string, n int, limit uint32) error {
		if limit != 0 && n > int(limit) {
			return fmt.Errorf("the module has %d %s, the limit is %d", n, what, limit)
		}
		return nil
	}
	switch id {
	case secType:
		return check("types", n, l.Types)
	case secFunction:
		return check("functions", n+m.importedFuncs, l.Functions)
	case secImport:
		return check("imports", n, l.Functions)
	case secGlobal:
		return check("globals", n+m.globals, l.Globals)
	case secExport:
		return check("exports", n, l.Exports)
	case secElement:
		return check("element segments", n, l.Segments)
	case secData:
		return check("data and element segments", n+m.counts[secElement], l.Segments)
	case secMemory:
		if n+m.importedMems > 1 {
			return fmt.Errorf("the module %w", unsupported(fmt.Sprintf("multiple memories (%d of them)", n+m.importedMems)))
		}
	}
	return nil
}

func (m *rewriter) typ(r *reader) error {
	switch form := r.byte(); form {
	case typeFunction:
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		return unsupported("garbage-collected types (a type that is not a function's)")
	default:
		return fmt.Errorf("has the unknown form %#x", form)
	}
	var s signature
	for _, list := range []*[]byte{&s.params, &s.results} {
		*list = r.name()
		for _, t := range *list {
			if err := valueType(t); err != nil {
				return err
			}
		}
	}
	m.types = append(m.types, s)
	return nil
}

func (m *rewriter) importEntry(r *reader) (err error) {
	r.name()
	r.name()
	var res resource
	switch kind := r.byte(); kind {
	case 0:
		var typ uint32
		typ, err = m.index(r, ofType)
		m.funcs = append(m.funcs, typ)
		m.importedFuncs++
	case 1:
		res, err = readResource(r, true)
		m.tables = append(m.tables, res)
		m.importedTabs++
	case 2:
		res, err = readResource(r, false)
		m.memories = append(m.memories, res)
		m.importedMems++
	case 3:
		err = valueType(r.byte())
		r.byte()
		m.globals++
	case 4:
		err = unsupported("exception handling (a tag)")
	default:
		err = fmt.Errorf("has the unknown kind %d", kind)
	}
	return err
}

// readResource reads the type of a table or a memory.
func readResource(r *reader, table bool) (s resource, err error) {
	if table {
		s.element = r.byte()
		if s.element == 0x40 {
			return s, unsupported("typed function references (a table with an initial value)")
		}
		if err := valueType(s.element); err != nil {
			return s, err
		}
	}
	switch flags := r.byte(); {
	case flags&0x08 != 0:
		return s, unsupported("memory pages of another size than 64 KiB")
	case flags&0x04 != 0:
		return s, unsupported("64-bit memories and tables")
	case flags&0x02 != 0:
		return s, unsupported("threads (a shared memory)")
	case flags > 1:
		return s, fmt.Errorf("has unknown flags %#x", flags)
	default:
		s.limited = flags == 1
	}
	s.min = r.u32()
	if s.limited {
		s.max = r.u32()
	}
	return s, nil
}

func (m *rewriter) resources(id byte, r *reader) error {
	for i := range m.counts[id] {
		if r.bad {
			return nil
		}
		s, err := readResource(r, id == secTable)
		if err != nil {
			return fmt.Errorf("%s %d %w", sectionNames[id], i, err)
		}
		if id == secTable {
			m.tables = append(m.tables, s)
		} else {
			m.memories = append(m.memories, s)
		}
	}
	if id == secMemory {
		return m.limitMemory()
	}
	return m.limitTables()
}

// limitMemory lowers the memory's maximum.
func (m *rewriter) limitMemory() error {
	limit := m.limits.Memory
	for i := range m.memories[m.importedMems:] {
		s := &m.memories[m.importedMems+i]
		if limit == 0 {
			continue
		}
		if s.min > limit {
			return fmt.Errorf("the module declares a memory of %d pages of 64 KiB, the limit is %d", s.min, limit)
		}
		if !s.limited || s.max > limit {
			s.limited, s.max = true, limit
		}
	}
	return nil
}

// limitTables lowers the tables' maxima, so that all together they can't grow past the limit.
func (m *rewriter) limitTables() error {
	limit := uint64(m.limits.TableElements)
	own := m.tables[m.importedTabs:]
	if limit == 0 || len(own) == 0 {
		return nil
	}
	var sum uint64
	for _, s := range own {
		sum += uint64(s.min)
	}
	if sum > limit {
		return fmt.Errorf("the module declares %d table elements, the limit is %d", sum, limit)
	}
	room := (limit - sum) / uint64(len(own))
	for i := range own {
		if s := &own[i]; !s.limited || uint64(s.max) > uint64(s.min)+room {
			s.max = s.min + uint32(room) //nolint:gosec // no more than the limit
			s.limited = true
		}
	}
	return nil
}

func (m *rewriter) global(r *reader) error {
	if err := valueType(r.byte()); err != nil {
		return err
	}
	if mut := r.byte(); mut > 1 {
		return fmt.Errorf("has the unknown mutability %#x", mut)
	}
	m.globals++ // it can't name itself, but that is for the compiler to say
	return m.constant(r)
}

func (m *rewriter) export(r *reader) error {
	if name := r.name(); bytes.HasPrefix(name, []byte(reservedPrefix)) {
		return fmt.Errorf("has the name %q: names that begin with %q are the host's", name, reservedPrefix)
	}
	switch kind := r.byte(); kind {
	case 0:
		f, err := m.index(r, ofFunction)
		m.declare(f)
		return err
	case 1:
		_, err := m.index(r, ofTable)
		return err
	case 2:
		return memoryIndex(r)
	case 3:
		_, err := m.index(r, ofGlobal)
		return err
	case 4:
		return unsupported("exception handling (a tag)")
	default:
		return fmt.Errorf("has the unknown kind %d", kind)
	}
}

// startSection remembers the start function. As an export of its own it would count as declared, see startDeclared.
func (m *rewriter) startSection(r *reader) (err error) {
	if m.start, err = m.index(r, ofFunction); err != nil || r.bad {
		return err
	}
	if t := m.types[m.funcs[m.start]]; len(t.params)+len(t.results) > 0 {
		return fmt.Errorf("the start function %d has parameters or results", m.start)
	}
	m.startDeclared = slices.Contains(m.declared, m.start)
	return nil
}

// declare notes that something outside the code names a function.
func (m *rewriter) declare(f uint32) {
	if m.present[secStart] {
		m.startDeclared = m.startDeclared || f == m.start
	} else {
		m.declared = append(m.declared, f)
	}
}

// constant reads a constant expression.
func (m *rewriter) constant(r *reader) error {
	for r.more() {
		switch op := r.byte(); op {
		case opEnd:
			return nil
		case opI32Const:
			r.number(5)
		case opI64Const:
			r.number(10)
		case opF32Const:
			r.skip(4)
		case opF64Const:
			r.skip(8)
		case opGlobalGet:
			if _, err := m.index(r, ofGlobal); err != nil {
				return err
			}
		case opRefFunc:
			f, err := m.index(r, ofFunction)
			if err != nil {
				return err
			}
			m.declare(f)
		case opRefNull:
			if err := valueType(r.byte()); err != nil {
				return err
			}
		case opPrefixVector:
			if sub := r.u32(); sub != vectorConst {
				return fmt.Errorf("has vector instruction %#x in a constant expression", sub)
			}
			r.skip(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e:
			return unsupported("extended constant expressions (arithmetic)")
		default:
			if f := foreign(op); f != "" {
				return unsupported(f)
			}
			return fmt.Errorf("has instruction %#x in a constant expression", op)
		}
	}
	r.fail()
	return nil
}

func (m *rewriter) element(r *reader) error {
	flags := r.u32()
	if flags > 7 {
		return fmt.Errorf("has unknown flags %#x", flags)
	}
	if flags&1 == 0 { // active
		if flags&2 != 0 {
			if _, err := m.index(r, ofTable); err != nil {
				return err
			}
		} else if len(m.tables) == 0 {
			return m.beyond(ofTable, 0)
		}
		if err := m.constant(r); err != nil {
			return err
		}
	}
	expressions := flags&4 != 0
	if flags&3 != 0 {
		kind := r.byte()
		if expressions {
			if err := valueType(kind); err != nil {
				return err
			}
		} else if kind != 0 {
			return fmt.Errorf("has the unknown kind %#x", kind)
		}
	}
	for range r.count() {
		if r.bad {
			return nil
		}
		if !expressions {
			f, err := m.index(r, ofFunction)
			if err != nil {
				return err
			}
			m.declare(f)
		} else if err := m.constant(r); err != nil {
			return err
		}
	}
	return nil
}

func (m *rewriter) data(r *reader) error {
	flags := r.u32()
	switch flags {
	case 0, 1:
	case 2:
		if i := r.u32(); i != 0 {
			return unsupported(fmt.Sprintf("multiple memories (it initialises memory %d)", i))
		}
	default:
		return fmt.Errorf("has unknown flags %#x", flags)
	}
	if flags != 1 {
		if err := m.constant(r); err != nil {
			return err
		}
	}
	r.name()
	return nil
}
