//go:build linux

package compiler

import (
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero/experimental"
)

func TestWorkers(t *testing.T) {
	t.Parallel()
	all := min(2, runtime.NumCPU())
	crowded, alone := new(drummer), new(drummer)
	alone.alone.Store(true)
	for name, tc := range map[string]struct {
		order
		want int
	}{
		"before requests":      {order{}, all},
		"beside requests":      {order{Bounds: Bounds{Beside: true}, drummer: crowded}, 1},
		"and nobody else":      {order{Bounds: Bounds{Beside: true}, drummer: alone}, all},
		"in a hurry":           {order{Bounds: Bounds{Beside: true}, Urgent: true}, 1},
		"in a hurry, at start": {order{Urgent: true}, all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tc.order
			o.Processors = 2
			if n := o.workers(); n != tc.want {
				t.Errorf("%d", n)
			}
			if d := o.drummer; d != nil && int(d.workers.Load()) != tc.want {
				t.Errorf("its drummer believes in %d", d.workers.Load())
			}
		})
	}
}

// TestWorkersAreDecidedLate changes who is there between the order and the question.
func TestWorkersAreDecidedLate(t *testing.T) {
	t.Parallel()
	o := order{Bounds: Bounds{Beside: true, Processors: 2}, drummer: new(drummer)}
	o.drummer.alone.Store(true)
	ctx := o.context()
	o.drummer.alone.Store(false)
	for _, alone := range []bool{false, true} { // once it is said, it stays so
		o.drummer.alone.Store(alone)
		if n := experimental.GetCompilationWorkers(ctx); n != 1 {
			t.Errorf("%d", n)
		}
	}
}

// TestCompilerAsks sees that the compiler asks at all, and not before it knows the module.
func TestCompilerAsks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		module  []byte
		refused bool
		told    int32
	}{"valid": {module(bomb(10)), false, 1}, "damaged": {[]byte("\x00asm\x01\x00\x00\x00\x01\x05"), true, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := order{Job: *newJob(t, tc.module), Bounds: Bounds{Beside: true, Processors: 2}, drummer: new(drummer)}
			if a := o.work(); a.Refused != tc.refused || (a.Error != "") != tc.refused {
				t.Errorf("it answers %+v", a)
			}
			if n := o.drummer.workers.Load(); n != tc.told {
				t.Errorf("the drummer knows of %d, want %d", n, tc.told)
			}
		})
	}
}
