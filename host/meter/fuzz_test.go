package meter_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// FuzzRewrite gives Rewrite any bytes. It must not panic, nor use much memory; it keeps valid modules valid and invalid
// ones invalid, and refuses by a sentence.
func FuzzRewrite(f *testing.F) {
	for n := range uint64(24) {
		f.Add(modgen.Generate(randomSeed(n, int(n)*24)).Plain)
	}
	for _, file := range []string{"br_table.0.wasm", "elem.0.wasm", "simd_lane.0.wasm", "bulk.0.wasm", "imports.0.wasm", "start.3.wasm"} {
		module, err := os.ReadFile(filepath.Join(suiteDir(f), "v2", "testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(module)
	}
	for id := range byte(13) { // a count of billions
		f.Add([]byte("\x00asm\x01\x00\x00\x00" + string(rune(id)) + "\x05\xff\xff\xff\xff\x0f"))
	}
	l := newLab(f)
	f.Fuzz(func(t *testing.T, module []byte) {
		if len(module) > 1<<16 {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = meter.Rewrite(module, generous())
		runtime.ReadMemStats(&after)
		if used, allowed := after.TotalAlloc-before.TotalAlloc, uint64(allocPerByte*len(module)+allocBase); used > allowed {
			t.Errorf("it allocated %d bytes for a module of %d, at most %d are allowed", used, len(module), allowed)
		}
		sane(t, l, module)
	})
}

// TestSubstitutedBytes spoils generated modules at one place, or two: they are still well framed, and Rewrite sees all of
// what it may be fooled by.
func TestSubstitutedBytes(t *testing.T) {
	l := newLab(t)
	r := rand.New(rand.NewPCG(3, 4))
	for n := range uint64(150) {
		good := modgen.Generate(randomSeed(n, 40+int(n)%30*20)).Plain
		for range 60 {
			module := bytes.Clone(good)
			for range 1 + r.IntN(2) {
				at := 8 + r.IntN(len(module)-8)
				module[at] += byte([]int{1, 1, 2, 3, 0xff, 0xfe, 0x80, r.IntN(256)}[r.IntN(8)])
			}
			if sane(t, l, module); t.Failed() {
				t.Fatalf("module %x", module)
			}
		}
	}
}

// sane checks what must hold for any bytes.
func sane(t *testing.T, l *lab, module []byte) {
	t.Helper()
	input := bytes.Clone(module)
	rewritten, err := meter.Rewrite(module, generous())
	if !bytes.Equal(module, input) {
		t.Error("Rewrite has changed its input")
	}
	if err != nil {
		if text := err.Error(); len(text) < 10 || len(text) > 400 || strings.ContainsAny(text, "\n\r") || !utf8.ValidString(text) {
			t.Errorf("%q is no sentence", text)
		}
		return // and don't show it to wazero, which believes counts of billions
	}
	switch valid, after := compiles(t.Context(), l.interpreter, uncustomized(module)), compiles(t.Context(), l.interpreter, rewritten); {
	case valid == nil && after != nil:
		t.Errorf("a valid module is not valid any more: %v", after)
	case valid != nil && after == nil:
		t.Errorf("an invalid module (%v) is valid once rewritten", valid)
	}
	if twice, err2 := meter.Rewrite(input, generous()); err2 != nil || !bytes.Equal(twice, rewritten) {
		t.Error("Rewrite has given two results")
	}
}

// uncustomized is a well framed module without custom sections, which Rewrite drops unread. wazero does read names, and
// believes their count.
func uncustomized(module []byte) []byte {
	out := bytes.Clone(module[:8])
	for rest := module[8:]; len(rest) > 0; {
		size, n := binary.Uvarint(rest[1:])
		section := rest[:1+n+int(size)]
		rest = rest[len(section):]
		if section[0] != 0 {
			out = append(out, section...)
		}
	}
	return out
}

// What Rewrite may allocate: its output, and its notes on the input.
const (
	allocPerByte = 300
	allocBase    = 1 << 20
)

// FuzzDifferential makes modules of the fuzzer's bytes and compares them metered and unmetered.
func FuzzDifferential(f *testing.F) {
	for n := range uint64(24) {
		f.Add(randomSeed(n, 20+int(n)*30))
	}
	l := newLab(f)
	f.Fuzz(func(t *testing.T, seed []byte) {
		if len(seed) <= 1024 {
			differ(t, l, seed, outcomes{})
		}
	})
}
