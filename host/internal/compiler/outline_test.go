//go:build linux

package compiler

import (
	"bytes"
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
	"github.com/switchyard-gateway/switchyard/host/meter"
)

// TestOutlineHasTheCode loads what two modules that differ in one body left, side by side: by outlines without bodies, the
// runtime finds the code of each.
func TestOutlineHasTheCode(t *testing.T) {
	t.Parallel()
	f, err := codecache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	outlines := map[uint64][]byte{}
	for _, answer := range []byte{11, 22} {
		work, err := f.Work()
		if err != nil {
			t.Fatal(err)
		}
		m := module(small)
		score := bytes.LastIndex(m, []byte{0, 0x42, 0, 0x0b}) // i64.const 0, end
		m[score+2] = answer
		if err := Compile(t.Context(), &Job{Module: m, Limits: meter.Limits{Memory: 16}, Work: work}); err != nil {
			t.Fatal(err)
		}
		if err := f.Keep(codecache.KeyOf(m), work, func(outline []byte) error {
			outlines[uint64(answer)] = outline
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := codecache.NewRuntime(t.Context(), f.Dir(), 16)
	if err != nil {
		t.Fatal(err)
	}
	for want, outline := range outlines {
		i, err := r.Instantiate(t.Context(), outline)
		if err != nil {
			t.Fatal(err)
		}
		var tank sandbox.Tank
		if err := tank.Open(i); err != nil {
			t.Fatal(err)
		}
		tank.Fill(meter.Slice, sandbox.Shallow)
		if got, err := i.ExportedFunction("score").Call(t.Context(), 0); err != nil || got[0] != want {
			t.Errorf("it answers %v, %v, want %d", got, err, want)
		}
		if err := i.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOutline(t *testing.T) {
	t.Parallel()
	start := string(preamble)
	const types, code, data = "\x01\x04\x01\x60\x00\x00", "\x0a\x06\x02\x02\x00\x0b\x01\x00", "\x0b\x01\x00"
	tie := "\x00\x33\x12" + outlineSection // and a hash
	for name, tc := range map[string]struct{ in, want string }{
		"nothing":            {start, start + tie},
		"no code":            {start + types + data, start + types + data + tie},
		"code":               {start + types + code + data, start + types + "\x0a\x09\x02" + trap + trap + data + tie},
		"code at length":     {start + "\x0a\x85\x80\x80\x80\x00\x81\x00\x02\x00\x0b" + data, start + "\x0a\x06\x81\x00" + trap + data + tie},
		"cut short":          {start + "\x01\x04\x01", ""},
		"cut short in code":  {start + "\x0a\x01\x80", ""},
		"more than it holds": {start + "\x0a\x01\x7f", ""},
		"no module":          {"\x00asm\x02\x00\x00\x00", ""},
	} {
		got, err := outline([]byte(tc.in))
		if tc.want == "" {
			if err == nil {
				t.Errorf("%s: outlined", name)
			}
			continue
		}
		if err != nil || len(got) != len(tc.want)+32 || string(got[:len(tc.want)]) != tc.want {
			t.Errorf("%s: %q, %v, want %q and a hash", name, got, err, tc.want)
		}
	}
	a, errA := outline([]byte(start + "\x0a\x05\x01\x03\x00\x01\x0b"))
	b, errB := outline([]byte(start + "\x0a\x05\x01\x03\x00\x00\x0b"))
	if err := errors.Join(errA, errB); err != nil || bytes.Equal(a, b) {
		t.Errorf("modules with other bodies have the same outline (%v)", err)
	}
}
