package meter_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/switchyard-gateway/switchyard/host/meter"
)

// TestLaterProposals expects that what wazero could run beyond core 2.0, if it were told to, is refused by its name: an
// instruction that Rewrite does not know could run unpaid.
func TestLaterProposals(t *testing.T) {
	const every = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall |
		experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling | experimental.CoreFeaturesTypedFunctionReferences
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	later := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(every))
	t.Cleanup(func() { _, _ = r.Close(t.Context()), later.Close(t.Context()) })
	for folder, want := range map[string]struct {
		names   []string
		modules int // at least
	}{
		"tail-call":                 {[]string{"tail call"}, 2},
		"threads":                   {[]string{"threads"}, 5},
		"extended-const":            {[]string{"extended constant expressions"}, 4},
		"exception-handling":        {[]string{"exception handling", "garbage-collected types", "typed function references"}, 8},
		"typed-function-references": {[]string{"typed function references", "tail call"}, 20},
	} {
		t.Run(folder, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(suiteDir(t), folder, "testdata", "*.wasm"))
			if err != nil {
				t.Fatal(err)
			}
			refused := 0
			for _, file := range files {
				module := read(t, file)
				if compiles(t.Context(), r, module) == nil || compiles(t.Context(), later, module) != nil {
					continue // it is of core 2.0, or a negative example
				}
				_, err := meter.Rewrite(module, generous())
				named := false
				for _, name := range want.names {
					named = named || err != nil && strings.Contains(err.Error(), name)
				}
				if !named {
					t.Errorf("%s is answered by %v, want a refusal that names %q", filepath.Base(file), err, want.names)
				}
				refused++
			}
			if refused < want.modules {
				t.Errorf("%d modules were refused, want at least %d", refused, want.modules)
			}
		})
	}
}

// TestAddedIndices expects that a module can't name what Rewrite is going to append: it would be valid then, and could
// give itself fuel.
func TestAddedIndices(t *testing.T) {
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	// The modules have two types, two functions (the first imported), one global, one local, and some have a table.
	const (
		head    = "\x00asm\x01\x00\x00\x00" + "\x01\x08\x02\x60\x00\x00\x60\x00\x01\x7f"
		imports = "\x02\x07\x01\x01a\x01a\x00\x00"
		funcs   = "\x03\x02\x01\x00"
		table   = "\x04\x04\x01\x70\x00\x01"
		memory  = "\x05\x03\x01\x00\x01"
		globals = "\x06\x06\x01\x7e\x01\x42\x00\x0b"
		exports = "\x07\x05\x01\x01f\x00\x01"
	)
	const (
		plain  = head + imports + funcs + globals + exports
		tabled = head + imports + funcs + table + globals + exports
	)
	code := func(instructions string) string {
		body := "\x01\x01\x7f" + instructions + "\x0b"
		return "\x0a" + string(rune(len(body)+2)) + "\x01" + string(rune(len(body))) + body
	}
	nop := code("")
	// \xff stands for an index: the first that the module itself does not have, and some more.
	for name, c := range map[string]struct {
		module string
		own    byte // how many the module has
	}{
		"local.get":            {plain + code("\x20\xff\x1a"), 1},
		"load":                 {head + imports + funcs + globals + code("\x41\x00\x28\x00\xff\x1a"), 0},
		"store":                {head + imports + funcs + globals + code("\x41\x00\x41\x00\x36\x00\xff"), 0},
		"vector load":          {head + imports + funcs + globals + code("\x41\x00\xfd\x00\x00\xff\x1a"), 0},
		"vector lane":          {head + imports + funcs + globals + code("\x41\x00\xfd\x0c"+strings.Repeat("\x00", 16)+"\xfd\x54\x00\xff\x00\x1a"), 0},
		"vector zero":          {head + imports + funcs + globals + code("\x41\x00\xfd\x5c\x00\xff\x1a"), 0},
		"memory.size":          {head + imports + funcs + globals + code("\x3f\xff\x1a"), 0},
		"memory.grow":          {head + imports + funcs + globals + code("\x41\x00\x40\xff\x1a"), 0},
		"memory.fill":          {head + imports + funcs + globals + code("\x41\x00\x41\x00\x41\x00\xfc\x0b\xff"), 0},
		"memory.copy":          {head + imports + funcs + globals + code("\x41\x00\x41\x00\x41\x00\xfc\x0a\xff\xff"), 0},
		"exported memory":      {head + imports + funcs + globals + "\x07\x05\x01\x01f\x02\xff" + nop, 0},
		"data":                 {head + imports + funcs + globals + nop + "\x0b\x06\x01\x00\x41\xff\x0b\x00", 0},
		"local.set":            {plain + code("\x41\x00\x21\xff"), 1},
		"local.set, i64":       {plain + code("\x42\x00\x21\xff"), 1},
		"local.tee":            {plain + code("\x41\x00\x22\xff\x1a"), 1},
		"dead local.get":       {plain + code("\x00\x20\xff\x1a"), 1},
		"global.get":           {plain + code("\x23\xff\x1a"), 1},
		"global.set":           {plain + code("\x42\x00\x24\xff"), 1},
		"global.set, i32":      {plain + code("\x41\x00\x24\xff"), 1},
		"dead global.set":      {plain + code("\x00\x24\xff"), 1},
		"call":                 {plain + code("\x10\xff"), 2},
		"ref.func":             {plain + code("\xd2\xff\x1a"), 2},
		"block type":           {plain + code("\x02\xff\x0b"), 2},
		"loop type":            {plain + code("\x03\xff\x0b"), 2},
		"call_indirect":        {tabled + code("\x41\x00\x11\xff\x00"), 2},
		"call_indirect, table": {tabled + code("\x41\x00\x11\x00\xff"), 1},
		"no table":             {plain + code("\x41\x00\x11\x00\xff"), 0},
		"table.get":            {plain + code("\x41\x00\x25\xff\x1a"), 0},
		"table.set":            {plain + code("\x41\x00\xd0\x70\x26\xff"), 0},
		"table.size":           {plain + code("\xfc\x10\xff\x1a"), 0},
		"table.grow":           {plain + code("\xd0\x70\x41\x00\xfc\x0f\xff\x1a"), 0},
		"table.fill":           {plain + code("\x41\x00\xd0\x70\x41\x00\xfc\x11\xff"), 0},
		"table.copy":           {plain + code("\x41\x00\x41\x00\x41\x00\xfc\x0e\xff\xff"), 0},
		"type of a function":   {head + imports + "\x03\x02\x01\xff" + globals + nop, 2},
		"type of an import":    {head + "\x02\x07\x01\x01a\x01a\x00\xff" + funcs + globals + nop, 2},
		"exported function":    {head + imports + funcs + globals + "\x07\x05\x01\x01f\x00\xff" + nop, 2},
		"exported table":       {head + imports + funcs + globals + "\x07\x05\x01\x01f\x01\xff" + nop, 0},
		"exported global":      {head + imports + funcs + globals + "\x07\x05\x01\x01f\x03\xff" + nop, 1},
		"start":                {head + imports + funcs + globals + "\x08\x01\xff" + nop, 2},
		"element":              {head + imports + funcs + table + globals + "\x09\x07\x01\x00\x41\x00\x0b\x01\xff" + nop, 2},
		"declared element":     {head + imports + funcs + globals + "\x09\x05\x01\x03\x00\x01\xff" + nop, 2},
		"element expression":   {head + imports + funcs + table + globals + "\x09\x09\x01\x04\x41\x00\x0b\x01\xd2\xff\x0b" + nop, 2},
		"element of no table":  {head + imports + funcs + globals + "\x09\x09\x01\x02\xff\x41\x00\x0b\x00\x01\x01" + nop, 0},
		"element's place":      {head + imports + funcs + table + globals + "\x09\x07\x01\x00\x23\xff\x0b\x01\x01" + nop, 1},
		"initial global":       {head + imports + funcs + "\x06\x06\x01\x7e\x01\x23\xff\x0b" + nop, 1},
		"initial function":     {head + imports + funcs + "\x06\x06\x01\x70\x01\xd2\xff\x0b" + nop, 2},
		"place of a data item": {head + imports + funcs + memory + globals + nop + "\x0b\x06\x01\x00\x23\xff\x0b\x00", 1},
	} {
		t.Run(name, func(t *testing.T) {
			for more := range byte(8) {
				module := []byte(strings.ReplaceAll(c.module, "\xff", string(rune(c.own+more))))
				if compiles(t.Context(), r, module) == nil {
					t.Fatalf("%x is valid", module)
				}
				rewritten, err := meter.Rewrite(module, generous())
				if err == nil && compiles(t.Context(), r, rewritten) == nil {
					t.Fatalf("%x is not valid, and what Rewrite makes of it is: %x", module, rewritten)
				}
			}
		})
	}
}
