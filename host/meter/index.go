package meter

import "fmt"

// space is what an index counts. Each has entries of the rewriter behind the module's own, which an index of the module
// must not reach: it would be the fuel.
type space int

const (
	ofType space = iota
	ofFunction
	ofTable
	ofGlobal
	ofLocal // of the function that is being scanned
)

var spaceNames = [...]string{ofType: "type", ofFunction: "function", ofTable: "table", ofGlobal: "global", ofLocal: "local"}

func (m *rewriter) size(s space) int {
	switch s {
	case ofType:
		return len(m.types)
	case ofFunction:
		return len(m.funcs)
	case ofTable:
		return len(m.tables)
	case ofGlobal:
		return m.globals
	default:
		return int(m.locals)
	}
}

// index reads an index and refuses one that the module doesn't have.
func (m *rewriter) index(r *reader, s space) (uint32, error) {
	i := r.u32()
	if !r.bad && uint64(i) >= uint64(m.size(s)) { //nolint:gosec // not negative
		return 0, m.beyond(s, int64(i))
	}
	return i, nil
}

func (m *rewriter) beyond(s space, i int64) error {
	return fmt.Errorf("names %s %d, and the module has %d", spaceNames[s], i, m.size(s))
}
