package wasm

import "fmt"

// Resource is a table or a memory.
type Resource struct {
	Element byte // the type of a table's elements
	Limited bool // it declares a maximum
	Min     uint32
	Max     uint32
}

// readResource reads the type of a table or a memory.
func readResource(r *Reader, table bool) (s Resource, err error) {
	if table {
		s.Element = r.Byte()
		if s.Element == 0x40 {
			return s, Unsupported("typed function references (a table with an initial value)")
		}
		if err := ValueType(s.Element); err != nil {
			return s, err
		}
	}
	switch flags := r.Byte(); {
	case flags&0x08 != 0:
		return s, Unsupported("memory pages of another size than 64 KiB")
	case flags&0x04 != 0:
		return s, Unsupported("64-bit memories and tables")
	case flags&0x02 != 0:
		return s, Unsupported("threads (a shared memory)")
	case flags > 1:
		return s, fmt.Errorf("has unknown flags %#x", flags)
	default:
		s.Limited = flags == 1
	}
	s.Min = r.U32()
	if s.Limited {
		s.Max = r.U32()
	}
	return s, nil
}

func (m *Module) resources(id byte, n int, r *Reader) error {
	for i := range n {
		if r.bad {
			return nil
		}
		s, err := readResource(r, id == SecTable)
		if err != nil {
			return fmt.Errorf("%s %d %w", sectionNames[id], i, err)
		}
		if id == SecTable {
			m.Tables = append(m.Tables, s)
		} else {
			m.Memories = append(m.Memories, s)
		}
	}
	if id == SecMemory {
		return m.limitMemory()
	}
	return m.limitTables()
}

// MaxMemory is how many pages of 64 KiB the module's own memory may have: one less than WebAssembly allows, so that there is
// a number of pages that no memory comes to.
const MaxMemory = 1<<16 - 1

// limitMemory lowers the memory's maximum.
func (m *Module) limitMemory() error {
	limit := min(m.limits.Memory-1, MaxMemory-1) + 1 // 0 is MaxMemory
	for i := range m.Memories[m.ImportedMemories:] {
		s := &m.Memories[m.ImportedMemories+i]
		if s.Limited && (s.Max < s.Min || s.Max > MaxMemory+1) {
			return fmt.Errorf("the module declares a memory of %d to %d pages of 64 KiB, which there can't be", s.Min, s.Max)
		}
		if s.Min > limit {
			return fmt.Errorf("the module declares a memory of %d pages of 64 KiB, the limit is %d", s.Min, limit)
		}
		if !s.Limited || s.Max > limit {
			s.Limited, s.Max = true, limit
		}
	}
	return nil
}

// limitTables lowers the tables' maxima, so that all together they can't grow past the limit.
func (m *Module) limitTables() error {
	limit := uint64(m.limits.TableElements)
	own := m.Tables[m.ImportedTables:]
	if limit == 0 || len(own) == 0 {
		return nil
	}
	var sum uint64
	for _, s := range own {
		sum += uint64(s.Min)
	}
	if sum > limit {
		return fmt.Errorf("the module declares %d table elements, the limit is %d", sum, limit)
	}
	room := (limit - sum) / uint64(len(own))
	for i := range own {
		if s := &own[i]; !s.Limited || uint64(s.Max) > uint64(s.Min)+room {
			s.Max = s.Min + uint32(room)
			s.Limited = true
		}
	}
	return nil
}
