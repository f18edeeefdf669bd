package config

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
)

// Limits bound what modules may be and use: the operator's plugins, and tenants' policies.
type Limits struct {
	Plugins  Bounds `json:"plugins"`
	Policies Bounds `json:"policies"`
}

// Bounds are the limits of modules of one trust. None is zero but Instances.
type Bounds struct {
	ModuleSize    int64 `json:"module_size"` // bytes, as all sizes
	FunctionSize  int64 `json:"function_size"`
	Functions     int64 `json:"functions"`
	Globals       int64 `json:"globals"`
	Exports       int64 `json:"exports"`
	TableElements int64 `json:"table_elements"`
	Locals        int64 `json:"locals"`

	Memory    int64 `json:"memory"` // whole pages
	Stack     int64 `json:"stack"`
	Instances int64 `json:"instances"` // 0 = number of CPUs

	Fuel     Fuel    `json:"fuel"`
	Output   Output  `json:"output"`
	LogLines int64   `json:"log_lines"` // a second
	Compile  Compile `json:"compile"`
}

// Fuel is how many WebAssembly instructions a call may run.
type Fuel struct {
	Start   int64 `json:"start"`
	Score   int64 `json:"score"`
	Base    int64 `json:"base"`
	PerByte int64 `json:"per_byte"`
}

// Output is how much a call may return, in bytes.
type Output struct {
	Score   int64 `json:"score"`
	Message int64 `json:"message"`
}

// Compile is what admitting one module may use.
type Compile struct {
	Memory  int64 // bytes
	CPU     time.Duration
	Timeout time.Duration
}

// MarshalJSON writes durations as they are written in the file.
func (c Compile) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Memory  int64  `json:"memory"`
		CPU     string `json:"cpu"`
		Timeout string `json:"timeout"`
	}{c.Memory, c.CPU.String(), c.Timeout.String()})
}

// page is the unit of a WebAssembly memory.
const page = 64 << 10

var limitsKind = object(nil,
	section("plugins", boundsKind("64MiB", "256MiB", "8MiB"), func(l *Limits) *Bounds { return &l.Plugins },
		"Of the operator's plugins."),
	section("policies", boundsKind("16MiB", "32MiB", "1MiB"), func(l *Limits) *Bounds { return &l.Policies },
		"Of tenants' policies."),
)

// boundsKind is the same for every trust but for its defaults.
func boundsKind(module, memory, stack string) kind[Bounds] {
	return object(nil,
		restart("module_size", module, sizeWithin("1KiB", "1GiB"), func(b *Bounds) *int64 { return &b.ModuleSize },
			"Largest file."),
		restart("function_size", "128KiB", sizeWithin("1KiB", "16MiB"), func(b *Bounds) *int64 { return &b.FunctionSize },
			"Largest body of one function. The time to compile one grows faster than its size."),
		restart("functions", "100000", countWithin(1, 1_000_000), func(b *Bounds) *int64 { return &b.Functions },
			"Functions, imported ones included."),
		restart("globals", "1000", countWithin(1, 1_000_000), func(b *Bounds) *int64 { return &b.Globals },
			"Globals."),
		restart("exports", "1000", countWithin(1, 1_000_000), func(b *Bounds) *int64 { return &b.Exports },
			"Exports."),
		restart("table_elements", "100000", countWithin(1, 10_000_000), func(b *Bounds) *int64 { return &b.TableElements },
			"Elements of all tables together."),
		restart("locals", "4096", countWithin(1, 50_000), func(b *Bounds) *int64 { return &b.Locals },
			"Locals of one function, parameters included."),
		restart("memory", memory, pagesWithin("64KiB", "4GiB"), func(b *Bounds) *int64 { return &b.Memory },
			"Memory of one instance, in whole pages of 64KiB."),
		restart("stack", stack, sizeWithin("64KiB", "128MiB"), func(b *Bounds) *int64 { return &b.Stack },
			"Memory of the router for the nested calls of one instance."),
		restart("instances", "0", countWithin(0, 4096), func(b *Bounds) *int64 { return &b.Instances },
			"Instances of one plugin with one configuration; 0 is the number of CPUs."),
		section("fuel", fuelKind, func(b *Bounds) *Fuel { return &b.Fuel },
			"WebAssembly instructions that one call may run."),
		section("output", outputKind, func(b *Bounds) *Output { return &b.Output },
			"What one call may return."),
		restart("log_lines", "64", countWithin(1, 10_000), func(b *Bounds) *int64 { return &b.LogLines },
			"Lines that a plugin may log in a second; what is above that is dropped."),
		section("compile", compileKind, func(b *Bounds) *Compile { return &b.Compile },
			"What examining and compiling one module may use, in a process of its own."),
	)
}

// mostFuel is hours of processor time.
const mostFuel = 1_000_000_000_000

var fuelKind = object(nil,
	restart("start", "100000000", countWithin(1000, mostFuel), func(f *Fuel) *int64 { return &f.Start },
		"Of start functions, `describe` and `configure` together."),
	restart("score", "2000000", countWithin(1000, mostFuel), func(f *Fuel) *int64 { return &f.Score },
		"Of `feedback`, and of `score` for each 16 candidates begun."),
	restart("base", "20000000", countWithin(1000, mostFuel), func(f *Fuel) *int64 { return &f.Base },
		"Of `request`, `response` and `stream`, beside `per_byte`."),
	restart("per_byte", "2000", countWithin(1, 1_000_000), func(f *Fuel) *int64 { return &f.PerByte },
		"Of these three, for each byte of their input."),
)

var outputKind = object(nil,
	restart("score", "64KiB", sizeWithin("1KiB", "64KiB"), func(o *Output) *int64 { return &o.Score },
		"Of `score` and `feedback`."),
	restart("message", "16MiB", sizeWithin("1KiB", "16MiB"), func(o *Output) *int64 { return &o.Message },
		"Of other calls; `describe` and `configure` may return at most 256KiB."),
)

var compileKind = object(nil,
	restart("memory", "1GiB", sizeWithin("128MiB", "64GiB"), func(c *Compile) *int64 { return &c.Memory },
		"Memory."),
	restart("cpu", "30s", durationWithin(time.Second, time.Hour), func(c *Compile) *time.Duration { return &c.CPU },
		"Processor time."),
	restart("timeout", "60s", durationWithin(time.Second, time.Hour), func(c *Compile) *time.Duration { return &c.Timeout },
		"Time on the clock."),
)

// within adds bounds to a kind, which messages show as they are written here.
func within[V int64 | time.Duration](k kind[V], least, most V, leastText, mostText string) kind[V] {
	read := k.read
	k.read = func(d *decoder, n *yamltree.Node, path string, v *V) {
		var got V
		known := len(d.problems)
		read(d, n, path, &got)
		switch {
		case len(d.problems) > known:
		case got < least:
			d.add(n.Line, path, "%s is less than %s", subject(n), leastText)
		case got > most:
			d.add(n.Line, path, "%s is more than %s", subject(n), mostText)
		default:
			*v = got
		}
	}
	return k
}

func sizeWithin(least, most string) kind[int64] {
	lo, wrong := parseSize(least)
	hi, wrongToo := parseSize(most)
	if wrong+wrongToo != "" {
		panic("bounds " + least + " and " + most + ": " + wrong + wrongToo)
	}
	return within(size, lo, hi, least, most)
}

func countWithin(least, most int64) kind[int64] {
	return within(count, least, most, fmt.Sprint(least), fmt.Sprint(most))
}

func durationWithin(least, most time.Duration) kind[time.Duration] {
	return within(duration, least, most, least.String(), most.String())
}

// pagesWithin is a size that a memory can have.
func pagesWithin(least, most string) kind[int64] {
	k := sizeWithin(least, most)
	read := k.read
	k.read = func(d *decoder, n *yamltree.Node, path string, v *int64) {
		read(d, n, path, v)
		if *v%page != 0 {
			d.add(n.Line, path, "%s is not a multiple of 64KiB", subject(n))
			*v = 0
		}
	}
	return k
}
