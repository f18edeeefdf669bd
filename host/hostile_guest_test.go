//go:build !race

package host_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestHostileGo has a guest in Go, with all of its runtime, do what its policies may not.
func TestHostileGo(t *testing.T) {
	module, err := os.ReadFile(hosttest.Build(t, hostile+"guest"))
	if err != nil {
		t.Fatal(err)
	}
	const fuel, answers = "it used up its fuel of ", ""
	// How a Go program that asks for too much comes to its end depends on what it reaches first.
	memory := []string{fuel, "out of memory", "cannot allocate memory", "it trapped: ", "nested too deep"}
	deadlock := []string{"deadlock", fuel}
	cases := []struct {
		deed string
		want []string // one of them is in the cause of its fault
	}{
		{"", []string{answers}},
		{"loop", []string{fuel}},
		{"goroutine", []string{fuel}},
		{"goroutines", memory},
		{"recursion", memory},
		{"allocate", memory},
		{"allocate-once", []string{"makeslice", "out of memory", "out of range"}},
		{"collect", []string{fuel}},
		{"text", memory},
		{"log", []string{fuel}},
		{"print", []string{fuel}},
		{"sleep", []string{answers}},
		{"yield", []string{fuel}},
		{"select", deadlock},
		{"channel", deadlock},
		{"mutex", deadlock},
		{"random", []string{fuel}},
		{"panic", []string{`panic: on purpose\n\x1b[31mxxx`, "panic: on purpose"}},
		{"nil", []string{"nil pointer dereference"}},
		{"index", []string{"index out of range"}},
		{"map", []string{"assignment to entry in nil map"}},
		{"exit", []string{"it exited with code 0"}},
		{"kill", []string{"it exited with code 137"}},
		{"long", []string{answers}},
		{"many", []string{"its output has 8388656 bytes, the limit is 65536", fuel}},
		{"overwrite", []string{"it trapped: ", fuel, "it exited"}},
		{"recovering", []string{fuel}},
		{"files", []string{answers}},
		{"environment", []string{answers}},
		{"network", []string{answers, fuel}},
		{"process", []string{answers}},
	}
	a := newArena(t)
	a.write("guest", module)
	for _, c := range cases {
		t.Run(c.deed, func(t *testing.T) {
			set, err := a.admit("guest", abi.KindStrategy)
			if err != nil {
				t.Fatal(err)
			}
			s, list := set.Strategy("hostile"), candidates(4)
			for range 2 {
				var out abi.ScoreOutput
				_, err := s.Score(t.Context(), &abi.Header{Group: c.deed}, list, &out)
				judgeGo(t, err, c.want)
				// What one call does is over when the next one comes.
				if _, err := s.Score(t.Context(), &abi.Header{}, list, &out); err != nil {
					t.Errorf("the call after it: %v", err)
				}
			}
			a.leave(set)
			a.alive(t)
		})
	}
	a.end()
}

func judgeGo(t *testing.T, err error, want []string) {
	t.Helper()
	fault, ok := errors.AsType[*host.Fault](err)
	switch {
	case err != nil && !ok:
		t.Errorf("%v is no fault", err)
	case err != nil && strings.ContainsFunc(fault.Cause, unicode.IsControl):
		t.Errorf("the cause %q has control characters", fault.Cause)
	case err != nil && len(fault.Cause) > 2<<10:
		t.Errorf("the cause has %d bytes", len(fault.Cause))
	}
	for _, text := range want {
		if err == nil && text == "" || err != nil && text != "" && strings.Contains(fault.Cause, text) {
			return
		}
	}
	t.Errorf("it ended in %v, not in one of %q", err, want)
}
