package wasm

import (
	"bytes"
	"fmt"
	"slices"
)

func (m *Module) typ(r *Reader) error {
	switch form := r.Byte(); form {
	case TypeFunction:
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		return Unsupported("garbage-collected types (a type that is not a function's)")
	default:
		return fmt.Errorf("has the unknown form %#x", form)
	}
	var s Signature
	for _, list := range []*[]byte{&s.Params, &s.Results} {
		*list = r.name()
		if limit := m.limits.Signature; limit != 0 && len(*list) > int(limit) {
			return fmt.Errorf("has %d parameters or results, the limit is %d", len(*list), limit)
		}
		for _, t := range *list {
			if err := ValueType(t); err != nil {
				return err
			}
		}
	}
	m.Types = append(m.Types, s)
	return nil
}

func (m *Module) importEntry(r *Reader) (err error) {
	r.name()
	r.name()
	var res Resource
	switch kind := r.Byte(); kind {
	case 0:
		var typ uint32
		typ, err = m.Index(r, OfType)
		m.Funcs = append(m.Funcs, typ)
		m.ImportedFuncs++
	case 1:
		res, err = readResource(r, true)
		m.Tables = append(m.Tables, res)
		m.ImportedTables++
	case 2:
		res, err = readResource(r, false)
		m.Memories = append(m.Memories, res)
		m.ImportedMemories++
	case 3:
		err = ValueType(r.Byte())
		r.Byte()
		m.Globals++
	case 4:
		err = Unsupported("exception handling (a tag)")
	default:
		err = fmt.Errorf("has the unknown kind %d", kind)
	}
	return err
}

func (m *Module) global(r *Reader) error {
	if err := ValueType(r.Byte()); err != nil {
		return err
	}
	if mut := r.Byte(); mut > 1 {
		return fmt.Errorf("has the unknown mutability %#x", mut)
	}
	m.Globals++ // it can't name itself, but that is for the compiler to say
	return m.constant(r)
}

func (m *Module) export(r *Reader) error {
	if name := r.name(); m.limits.Reserved != "" && bytes.HasPrefix(name, []byte(m.limits.Reserved)) {
		return fmt.Errorf("has the name %q: names that begin with %q are the host's", name, m.limits.Reserved)
	}
	switch kind := r.Byte(); kind {
	case 0:
		f, err := m.Index(r, OfFunction)
		m.declare(f)
		return err
	case 1:
		_, err := m.Index(r, OfTable)
		return err
	case 2:
		return m.MemoryIndex(r)
	case 3:
		_, err := m.Index(r, OfGlobal)
		return err
	case 4:
		return Unsupported("exception handling (a tag)")
	default:
		return fmt.Errorf("has the unknown kind %d", kind)
	}
}

func (m *Module) startSection(r *Reader) error {
	f, err := m.Index(r, OfFunction)
	if err != nil || r.bad {
		return err
	}
	if t := m.Types[m.Funcs[f]]; len(t.Params)+len(t.Results) > 0 {
		return fmt.Errorf("the start function %d has parameters or results", f)
	}
	m.Start, m.StartDeclared = int(f), slices.Contains(m.declared, f)
	return nil
}

// declare notes that something outside the code names a function.
func (m *Module) declare(f uint32) {
	if m.Start >= 0 {
		m.StartDeclared = m.StartDeclared || int(f) == m.Start
	} else {
		m.declared = append(m.declared, f)
	}
}

func (m *Module) element(r *Reader) error {
	flags := r.U32()
	if flags > 7 {
		return fmt.Errorf("has unknown flags %#x", flags)
	}
	if flags&1 == 0 { // active
		if flags&2 != 0 {
			if _, err := m.Index(r, OfTable); err != nil {
				return err
			}
		} else if len(m.Tables) == 0 {
			return m.beyond(OfTable, 0)
		}
		if err := m.constant(r); err != nil {
			return err
		}
	}
	expressions := flags&4 != 0
	if flags&3 != 0 {
		kind := r.Byte()
		if expressions {
			if err := ValueType(kind); err != nil {
				return err
			}
		} else if kind != 0 {
			return fmt.Errorf("has the unknown kind %#x", kind)
		}
	}
	for range r.Count() {
		if r.bad {
			return nil
		}
		if !expressions {
			f, err := m.Index(r, OfFunction)
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

func (m *Module) data(r *Reader) error {
	flags := r.U32()
	switch flags {
	case 0, 1:
	case 2:
		if i := r.U32(); i != 0 {
			return Unsupported(fmt.Sprintf("multiple memories (it initialises memory %d)", i))
		}
	default:
		return fmt.Errorf("has unknown flags %#x", flags)
	}
	if flags != 1 {
		if err := m.memory(); err != nil {
			return err
		}
		if err := m.constant(r); err != nil {
			return err
		}
	}
	m.DataSizes = append(m.DataSizes, uint32(len(r.name())))
	return nil
}
