package wasm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const header = "\x00asm\x01\x00\x00\x00"

// sized returns a section, or a body, of less than 128 bytes.
func sized(content string) string { return string(byte(len(content))) + content }

// The sections of a module that has one of everything.
var (
	types     = "\x01" + sized("\x02\x60\x00\x00\x60\x02\x7f\x7e\x01\x7b")
	imports   = "\x02" + sized("\x04\x01m\x01f\x00\x01\x01m\x01t\x01\x70\x00\x05\x01m\x01n\x02\x00\x01\x01m\x01g\x03\x7f\x00")
	functions = "\x03" + sized("\x02\x00\x00")
	tables    = "\x04" + sized("\x01\x6f\x01\x02\x09")
	globals   = "\x06" + sized("\x01\x7f\x00\x23\x00\x0b")
	exports   = "\x07" + sized("\x01\x01e\x00\x01")
	start     = "\x08\x01\x02"
	elements  = "\x09" + sized("\x01\x00\x41\x00\x0b\x01\x02")
	code      = "\x0a" + sized("\x02"+sized("\x00\x0b")+sized("\x00\x01\x01\x0b"))
)

// read reads all of a body.
func read(_ int, r *Reader) error {
	for r.More() {
		r.Byte()
	}
	return nil
}

// TestDecode reads the whole of a module.
func TestDecode(t *testing.T) {
	t.Parallel()
	src := []byte(header + types + imports + "\x00\x05\x04name" + functions + tables + globals + exports + start + elements + code)
	var m Module
	var bodies []string
	if err := m.Decode(src, Limits{TableElements: 6}, func(i int, r *Reader) error {
		bodies = append(bodies, fmt.Sprintf("%d %x", i, src[r.Pos():r.End()]))
		return read(i, r)
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0 000b", "1 0001010b"}; !slices.Equal(bodies, want) {
		t.Errorf("bodies %q, want %q", bodies, want)
	}
	got := fmt.Sprintf("%x %d/%d %d %v/%d %v/%d %d %v", m.Types, m.Funcs, m.ImportedFuncs, m.Globals, m.Tables, m.ImportedTables, m.Memories, m.ImportedMemories, m.Start, m.StartDeclared)
	want := "[{ } {7f7e 7b}] [1 0 0]/1 2 [{112 false 5 0} {111 true 2 6}]/1 [{0 false 1 0}]/1 2 true"
	if got != want {
		t.Errorf("the module is\n%s, want\n%s", got, want)
	}
	if n, own := m.Entries(SecExport); n != 1 || string(own) != "\x01e\x00\x01" {
		t.Errorf("%d exports: %x", n, own)
	}
	if payload, present := m.Section(SecStart); !present || !bytes.Equal(payload, []byte{2}) {
		t.Errorf("start section %v %x", present, payload)
	}
	if payload, present := m.Section(SecData); present || payload != nil {
		t.Errorf("data section %x", payload)
	}
}

// TestStart covers when ref.func may name the start function: not because it is the start function.
func TestStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		module   string
		declared bool
	}{
		"alone":               {types + functions + start[:2] + "\x00" + code, false},
		"another is exported": {types + functions + exports + start[:2] + "\x00" + code, false},
		"exported":            {types + functions + exports + start[:2] + "\x01" + code, true},
		"initial value":       {types + functions + "\x06" + sized("\x01\x70\x00\xd2\x01\x0b") + start[:2] + "\x01" + code, true},
		"element":             {types + functions + start[:2] + "\x01" + "\x09" + sized("\x01\x03\x00\x02\x01\x00") + code, true},
		"element expression":  {types + functions + start[:2] + "\x01" + "\x09" + sized("\x01\x05\x70\x01\xd2\x01\x0b") + code, true},
	} {
		var m Module
		if err := m.Decode([]byte(header+c.module), Limits{}, read); err != nil || m.Start < 0 || m.StartDeclared != c.declared {
			t.Errorf("%s: start %d, declared %v, error %v", name, m.Start, m.StartDeclared, err)
		}
	}
	var m Module
	if err := m.Decode([]byte(header+types+functions+code), Limits{}, read); err != nil || m.Start != -1 {
		t.Errorf("without: start %d, error %v", m.Start, err)
	}
}

// TestFraming covers sections that do not fit together.
func TestFraming(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{
		"":                                 "not a WebAssembly module",
		"\x00asm\x02\x00\x00\x00":          "its version field is 02000000",
		header + "\x01\x05\x00":            "the section at byte 8 is cut short",
		header + "\x00\x02\x01\xff":        "the name of the custom section at byte 8 is malformed",
		header + "\x0e\x00":                "unknown id 14",
		header + "\x0d\x00":                "uses exception handling (a tag section)",
		header + types + types:             "the type section at byte 20 is out of order or comes twice",
		header + functions + types:         "the function section names type 0, and the module has 0",
		header + "\x01\x02\x00\x00":        "the type section at byte 8 is malformed",
		header + types + functions:         "declares 2 functions and has code for 0",
		header + types + code:              "declares 0 functions and has code for 2",
		header + types + functions + start: "names function 2, and the module has 2",
		header + types + "\x03\x02\x01\x01" + start[:2] + "\x00": "the start function 0 has parameters or results",
		header + "\x05\x04\x01\x01\x02\x01":                      "a memory of 2 to 1 pages",
		header + "\x05\x06\x01\x01\x00\x81\x80\x04":              "a memory of 0 to 65537 pages",
		header + "\x05\x05\x01\x00\x80\x80\x04":                  "a memory of 65536 pages of 64 KiB, the limit is 65535",
		header + "\x07\x05\x01\x01m\x02\x00":                     "needs a memory, and the module has none",
		header + "\x0b\x06\x01\x00\x41\x00\x0b\x00":              "needs a memory, and the module has none",
		header + "\x01\x04\x01\x60\x01\x64":                      "entry 0 of the type section uses typed function references",
	} {
		var m Module
		if err := m.Decode([]byte(module), Limits{}, read); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%x: error %v, want %q", module, err, want)
		}
	}
	var m Module
	module := []byte(header + types + functions + code)
	if err := m.Decode(module, Limits{}, func(_ int, r *Reader) error { r.Byte(); return nil }); err == nil || err.Error() != "function 0 is malformed" {
		t.Errorf("a body that is not read: error %v", err)
	}
	m = Module{}
	if err := m.Decode(module, Limits{}, func(i int, r *Reader) error {
		if i == 1 {
			return Unsupported("something")
		}
		return read(i, r)
	}); err == nil || !strings.HasPrefix(err.Error(), "function 1 uses something") {
		t.Errorf("a body that is refused: error %v", err)
	}
}
