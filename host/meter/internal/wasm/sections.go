package wasm

import "fmt"

// Sections by their id.
const (
	SecCustom, SecType, SecImport, SecFunction = 0, 1, 2, 3
	SecTable, SecMemory, SecGlobal, SecExport  = 4, 5, 6, 7
	SecStart, SecElement, SecCode, SecData     = 8, 9, 10, 11
	SecDataCount, SecTag                       = 12, 13
	Sections                                   = 14 // how many there are
)

// sectionRank is the order in which they must come.
var sectionRank = [Sections]int{
	SecType: 1, SecImport: 2, SecFunction: 3, SecTable: 4, SecMemory: 5, SecTag: 6, SecGlobal: 7, SecExport: 8,
	SecStart: 9, SecElement: 10, SecDataCount: 11, SecCode: 12, SecData: 13,
}

var sectionNames = [Sections]string{
	"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count", "tag",
}

// section is where a section's content lies.
type section struct {
	present bool
	payload []byte
	count   int    // of its entries; 0 if it has none
	entries []byte // the payload behind the count
}

// Section returns the content of a section, and whether it is there.
func (m *Module) Section(id byte) (payload []byte, present bool) {
	s := &m.sections[id]
	return s.payload, s.present
}

// Entries returns the number of a section's entries, and their bytes.
func (m *Module) Entries(id byte) (count int, entries []byte) {
	s := &m.sections[id]
	return s.count, s.entries
}

// section reads a section's entries.
func (m *Module) section(id byte, r *Reader, body func(i int, r *Reader) error) error {
	switch id {
	case SecStart:
		return m.startSection(r)
	case SecDataCount:
		r.U32()
		return nil
	}
	n := r.Count()
	m.sections[id].count, m.sections[id].entries = n, r.data[r.pos:r.end]
	if err := m.counted(id, n); err != nil {
		return err
	}
	switch id {
	case SecFunction:
		for range n {
			typ, err := m.Index(r, OfType)
			if err != nil {
				return fmt.Errorf("the function section %w", err)
			}
			m.Funcs = append(m.Funcs, typ)
		}
		return nil
	case SecTable, SecMemory:
		return m.resources(id, n, r)
	case SecCode:
		return m.code(n, r, body)
	}
	read := [...]func(*Reader) error{
		SecType: m.typ, SecImport: m.importEntry, SecGlobal: m.global, SecExport: m.export, SecElement: m.element, SecData: m.data,
	}[id]
	for i := range n {
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
func (m *Module) counted(id byte, n int) error {
	check := func(what string, n int, limit uint32) error {
		if limit != 0 && n > int(limit) {
			return fmt.Errorf("the module has %d %s, the limit is %d", n, what, limit)
		}
		return nil
	}
	switch l := &m.limits; id {
	case SecType:
		return check("types", n, l.Types)
	case SecFunction:
		return check("functions", n+m.ImportedFuncs, l.Functions)
	case SecImport:
		return check("imports", n, l.Functions)
	case SecGlobal:
		return check("globals", n+m.Globals, l.Globals)
	case SecExport:
		return check("exports", n, l.Exports)
	case SecElement:
		return check("element segments", n, l.Segments)
	case SecData:
		return check("data and element segments", n+m.sections[SecElement].count, l.Segments)
	case SecMemory:
		if n+m.ImportedMemories > 1 {
			return fmt.Errorf("the module %w", Unsupported(fmt.Sprintf("multiple memories (%d of them)", n+m.ImportedMemories)))
		}
	}
	return nil
}

// code hands out the functions' bodies.
func (m *Module) code(n int, r *Reader, body func(i int, r *Reader) error) error {
	if err := m.defined(n); err != nil {
		return err
	}
	var s Reader // here, as body lets it escape
	for i := range n {
		f := m.ImportedFuncs + i
		size := r.U32()
		if limit := m.limits.FunctionSize; limit != 0 && size > limit {
			return fmt.Errorf("function %d has %d bytes, the limit is %d", f, size, limit)
		}
		s = r.sub(size)
		if s.bad {
			return nil
		}
		if err := body(i, &s); err != nil {
			return fmt.Errorf("function %d %w", f, err)
		}
		if s.bad || s.More() {
			return fmt.Errorf("function %d is malformed", f)
		}
	}
	return nil
}

// defined compares the number of bodies with that of functions.
func (m *Module) defined(bodies int) error {
	if n := len(m.Funcs) - m.ImportedFuncs; n != bodies {
		return fmt.Errorf("the module declares %d functions and has code for %d", n, bodies)
	}
	return nil
}
