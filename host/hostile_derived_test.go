package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// section is one of a module.
type section struct {
	id   byte
	body []byte
}

// Sections by what they hold.
const (
	custom = iota
	types
	imports
	functions
	tables
	memories
	globals
	exports
	start
	elements
	code
	datas
	dataCount
)

// sections is a module that can be changed.
type sections []section

func goodModule(t testing.TB) (list sections, module []byte) {
	t.Helper()
	module, err := os.ReadFile(hostile + "good.wasm")
	if err != nil {
		t.Fatal(err)
	}
	for rest := module[8:]; len(rest) > 0; {
		size, n := unleb(rest[1:])
		list = append(list, section{rest[0], rest[1+n : 1+n+size]})
		rest = rest[1+n+size:]
	}
	return list, module
}

func (s sections) encode() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, one := range s {
		out = append(append(append(out, one.id), leb(len(one.body))...), one.body...)
	}
	return out
}

// add puts items at the end of a section's list, and the section in its place if it is not there. The count is theirs
// unless the bytes say more than there is.
func (s sections) add(id byte, count int, items []byte) sections {
	s = slices.Clone(s)
	for n, one := range s {
		if one.id == id {
			have, size := unleb(one.body)
			s[n].body = slices.Concat(leb(have+count), one.body[size:], items)
			return s
		}
	}
	at, order := 0, []byte{types, imports, functions, tables, memories, globals, exports, start, elements, dataCount, code, datas}
	for at < len(s) && slices.Index(order, s[at].id) < slices.Index(order, id) {
		at++
	}
	return slices.Insert(s, at, section{id, slices.Concat(leb(count), items)})
}

// function adds one of type () -> () with a body, locals included.
func (s sections) function(body []byte) sections {
	// Type 0 is that of the marker, which is the first of the module.
	return s.add(functions, 1, []byte{0}).add(code, 1, slices.Concat(leb(len(body)), body))
}

func leb(n int) (b []byte) {
	for n > 0x7f {
		b = append(b, byte(n&0x7f)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func unleb(b []byte) (n, size int) {
	for {
		n |= int(b[size]&0x7f) << (7 * size)
		size++
		if b[size-1] < 0x80 {
			return n, size
		}
	}
}

func counted(b string) []byte { return append(leb(len(b)), b...) }

const lebMax = "\xff\xff\xff\xff\x0f" // 2^32-1

// TestHostileDerived tries modules that are too large to be kept, made from the good one.
func TestHostileDerived(t *testing.T) {
	good, module := goodModule(t)
	many := func(n int, item string) []byte { return bytes.Repeat([]byte(item), n) }
	without := func(id byte) sections {
		return slices.DeleteFunc(slices.Clone(good), func(s section) bool { return s.id == id })
	}
	instead := func(id byte, body string) sections { return append(without(id), section{id, []byte(body)}) }
	names := func(n int) (items []byte) {
		for i := range n {
			items = append(append(items, counted(fmt.Sprintf("f%d", i))...), 0, 0)
		}
		return items
	}
	end := []byte{0x0b}
	cases := []struct {
		name   string
		module []byte
		what   string // refused or harmless
		text   string
	}{
		{"empty", nil, "refused", "is not a WebAssembly 1.0 module"},
		{"text", []byte("#!/bin/sh\nrm -rf /\n"), "refused", `it starts with "#!/bin/s"`},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), "refused", "is not a WebAssembly 1.0 module"},
		{"head-alone", module[:8], "refused", "no export \"switchyard_abi_1\""},
		{"file-huge", append(slices.Clone(module), make([]byte, 16<<20)...), "refused", "16777216 bytes"},

		{"function-huge", good.function(slices.Concat([]byte{1, 1, 0x7e}, many(140_000, "\x20\x00\x42\x03\x7e\x21\x00\x01"), end)).encode(), "refused", "1120004"},
		{"function-nested", good.function(slices.Concat([]byte{0}, many(50_000, "\x02\x40"), many(50_000, "\x0b"), end)).encode(), "refused", "nest"},
		{"function-nested-loops", good.function(slices.Concat([]byte{0}, many(2_000, "\x03\x40"), many(2_000, "\x0b"), end)).encode(), "harmless", ""},
		{"function-nested-loops-deep", good.function(slices.Concat([]byte{0}, many(3_000, "\x03\x40"), many(3_000, "\x0b"), end)).encode(), "refused", "nests 2049 blocks"},
		{"function-operands", good.function(slices.Concat([]byte{0}, many(20_000, "\x41\x01"), many(20_000, "\x1a"), end)).encode(), "harmless", ""},
		{"function-locals", good.function(slices.Concat([]byte{1}, leb(50_000), []byte{0x7e}, end)).encode(), "refused", "50000 locals"},
		{"function-locals-vast", good.function(slices.Concat([]byte{2}, []byte(lebMax+"\x7e"+lebMax+"\x7b"), end)).encode(), "refused", "locals"},
		{"function-locals-groups", good.function(slices.Concat([]byte(lebMax), end)).encode(), "refused", ""},
		{"function-br-table", good.function(slices.Concat([]byte{0, 0x41, 0, 0x0e}, leb(1_100_000), many(1_100_001, "\x00"), end)).encode(), "refused", "bytes"},
		{"function-br-table-large", good.function(slices.Concat([]byte{0, 0x41, 0, 0x0e}, leb(50_000), many(50_001, "\x00"), end)).encode(), "harmless", ""},
		{"function-br-table-count", good.function(slices.Concat([]byte{0, 0x41, 0, 0x0e}, []byte(lebMax), end)).encode(), "refused", ""},
		{"function-select-types", good.function(slices.Concat([]byte{0, 0x1c}, []byte(lebMax), end)).encode(), "refused", ""},
		{"function-endless-leb", good.function(slices.Concat([]byte{0, 0x41}, many(60, "\x80"), []byte{0, 0x1a}, end)).encode(), "refused", ""},
		{"function-no-end", good.function([]byte{0, 0x01}).encode(), "refused", ""},
		{"function-ends-twice", good.function([]byte{0, 0x0b, 0x0b}).encode(), "refused", ""},
		{"function-size-lies", good.add(functions, 1, []byte{0}).add(code, 1, append([]byte(lebMax), 0, 0x0b)).encode(), "refused", ""},
		{"function-count-lies", good.add(functions, 1, []byte{0}).encode(), "refused", ""},
		{"functions-many", good.add(functions, 200_000, make([]byte, 200_000)).add(code, 200_000, many(200_000, "\x02\x00\x0b")).encode(), "refused", "functions"},

		{"types-count", instead(types, "\xff\xac\xe2\x04").encode(), "refused", ""}, // ten million and none
		{"types-many", good.add(types, 1_000_000, many(1_000_000, "\x60\x00\x00")).encode(), "refused", "types"},
		{"type-params", good.add(types, 1, slices.Concat([]byte("\x60"), leb(1000), many(1000, "\x7e"), leb(1000), many(1000, "\x7b"))).encode(), "harmless", ""},
		{"type-params-many", good.add(types, 1, slices.Concat([]byte("\x60"), leb(20_000), many(20_000, "\x7e"), []byte{0})).encode(), "refused", "20000 parameters"},
		{"type-params-count", good.add(types, 1, []byte("\x60"+lebMax)).encode(), "refused", ""},
		{"imports-many", good.add(imports, 20_000, many(20_000, "\x0awasi_snaps\x05sched\x00\x02")).encode(), "refused", ""},
		{"globals-many", good.add(globals, 200_000, many(200_000, "\x7e\x01\x42\x00\x0b")).encode(), "refused", "globals"},
		{"exports-many", good.add(exports, 50_000, names(50_000)).encode(), "refused", "exports"},
		{"export-name-long", good.add(exports, 1, append(counted(strings.Repeat("x", 1<<20)), 0, 0)).encode(), "harmless", ""},
		{"export-name-vast", good.add(exports, 1, append([]byte(lebMax), 'x')).encode(), "refused", ""},
		{"export-not-utf8", good.add(exports, 1, []byte("\x02\xff\xfe\x00\x00")).encode(), "refused", ""},
		{"elements-many", good.add(tables, 1, []byte("\x70\x00\x01")).add(elements, 500_000, many(500_000, "\x01\x00\x00")).encode(), "refused", "segments"},
		{"element-vast", good.add(tables, 1, []byte("\x70\x00\x01")).add(elements, 1, []byte("\x01\x00"+lebMax)).encode(), "refused", ""},
		{"table-max", good.add(tables, 1, []byte("\x70\x01\x01"+lebMax)).encode(), "harmless", ""},
		{"table-min-over-max", good.add(tables, 1, []byte("\x70\x01\x02\x01")).encode(), "refused", ""},
		{"memory-min-over-max", instead(memories, "\x01\x01\x08\x01").encode(), "refused", ""},
		{"data-many", good.add(datas, 500_000, many(500_000, "\x01\x00")).encode(), "refused", "segments"},
		{"data-count-lies", good.add(dataCount, 999, nil).encode(), "refused", ""},

		{"custom-large", append(slices.Clone(module), section{custom, append(counted("x"), make([]byte, 8<<20)...)}.encode()...), "harmless", ""},
		{"custom-many", append(slices.Clone(module), many(200_000, "\x00\x02\x01x")...), "harmless", ""},
		{"custom-vast", append(slices.Clone(module), []byte("\x00"+lebMax+"\x01x")...), "refused", ""},
		{"custom-name-vast", append(slices.Clone(module), []byte("\x00\x06"+lebMax+"x")...), "refused", ""},
		{"names-garbage", append(slices.Clone(module), section{custom, append(counted("name"), "\x01"+lebMax+lebMax+lebMax...)}.encode()...), "harmless", ""},
		{"names-many", append(slices.Clone(module), section{custom, slices.Concat(counted("name"), []byte{1}, leb(5_000_003), leb(1_000_000), many(1_000_000, "\x01\x03abc"))}.encode()...), "harmless", ""},
		{"section-vast", append(slices.Clone(module), []byte("\x0b"+lebMax)...), "refused", ""},
		{"section-unknown", append(slices.Clone(module), 0x7f, 0), "refused", ""},
		{"section-twice", append(slices.Clone(good), good[0]).encode(), "refused", ""},
		{"section-order", slices.Concat(good[1:], good[:1]).encode(), "refused", ""},
		{"section-long-leb", append(slices.Clone(module), 0, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 1, 'x'), "refused", ""},
		{"start-vast", good.add(start, int(1<<32-1), nil).encode(), "refused", ""},
	}
	a := newArena(t)
	for _, c := range cases {
		name := "derived-" + c.name
		a.write(name, c.module)
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				a.try(t, &entry{name, "policy", c.what, c.text})
			}
		})
	}
	a.end()
}

func (s section) encode() []byte { return sections{s}.encode()[8:] }

// TestHostileCompile tries a module that is within all limits and takes the compiler far longer than it may.
func TestHostileCompile(t *testing.T) {
	good, _ := goodModule(t)
	// Each function keeps many values alive over many joins, which register allocation dislikes.
	const values, rounds = 400, 12
	body := slices.Concat([]byte{1}, leb(values), []byte{0x7e})
	for r := range rounds {
		body = append(body, 0x03, 0x40) // loop
		for v := range values {
			next := (v*7 + r) % values
			body = slices.Concat(body, []byte{0x20}, leb(v), []byte{0x20}, leb(next), []byte{0x7c, 0x21}, leb(v)) // v += next
		}
		body = append(body, 0x20, 0, 0xa7, 0x0d, 0, 0x0b) // br_if 0 while v0 is odd
	}
	body = append(body, 0x0b)
	for range 300 {
		good = good.function(body)
	}
	a := newArenaWith(t, host.Options{Policies: host.Limits{Compile: host.Compile{CPU: 2 * time.Second}}})
	a.write("compile", good.encode())
	for range 2 {
		a.try(t, &entry{"compile", "policy", "refused", "processor time"})
	}
	a.end()
}

// TestHostileCut tries the good module cut at every section and at every 97th byte, and with bits flipped. Cut, it is
// refused. With a flipped bit it may be refused, fault or answer.
func TestHostileCut(t *testing.T) {
	list, module := goodModule(t)
	cuts := map[int]bool{}
	for n := range list {
		cuts[len(list[:n].encode())] = true
	}
	for at := 0; at < len(module); at += 97 {
		cuts[at] = true
	}
	a := newArena(t)
	var specs []host.Spec
	add := func(name string, module []byte) {
		a.write(name, module)
		specs = append(specs, host.Spec{Key: name, Plugin: name, Kind: abi.KindStrategy, Owner: "mallory"})
	}
	for at := range cuts {
		add(fmt.Sprintf("cut-%d", at), module[:at])
	}
	for seed := range uint64(64) {
		random := rand.New(rand.NewPCG(seed, 0))
		flipped := slices.Clone(module)
		for range 1 + seed%4 {
			flipped[random.IntN(len(flipped))] ^= 1 << random.IntN(8)
		}
		add(fmt.Sprintf("flipped-%d", seed), flipped)
	}

	_, err := a.host.Build(t.Context(), a.dir, slices.Insert(slices.Clone(specs), 0, goodSpec), a.base)
	refused, _ := errors.AsType[host.LoadErrors](err)
	bad := map[string]error{}
	for _, one := range refused {
		bad[one.Plugin] = one
	}
	for at := range cuts {
		if bad[fmt.Sprintf("cut-%d", at)] == nil {
			t.Errorf("cut to %d of %d bytes it is admitted", at, len(module))
		}
	}
	specs = slices.DeleteFunc(specs, func(s host.Spec) bool { return bad[s.Plugin] != nil })
	t.Logf("%d cut, %d refused, %d admitted", len(cuts), len(bad), len(specs))
	set, err := a.host.Build(t.Context(), a.dir, slices.Insert(slices.Clone(specs), 0, goodSpec), a.base)
	if err != nil {
		t.Fatal(err)
	}
	a.serving.Store(set)
	for _, s := range specs {
		for _, count := range []int{0, 4, 300} {
			var out abi.ScoreOutput
			_, err := set.Strategy(s.Key).Score(t.Context(), &abi.Header{}, candidates(count), &out)
			if _, fault := errors.AsType[*host.Fault](err); err != nil && !fault {
				t.Errorf("%s: %v", s.Key, err)
			}
		}
	}
	a.leave(set)
	a.end()
}
