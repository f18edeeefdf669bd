//go:build e2e

// Package main is a policy in AssemblyScript. Its test needs npm and its registry.
package main

import (
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestNodeBuildsPolicy(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npx", "--yes", "--package", "assemblyscript@0.28.20", "asc", "policy.ts",
		"-o", filepath.Join(dir, "fewest-errors.wasm"), "-O3", "--runtime", "stub", "--use", "abort=", "--exportStart", "_initialize")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h := hosttest.New(t)
	load := func(config string) (*host.Set, error) {
		return h.Build(t.Context(), dir, []host.Spec{{Key: "policy", Plugin: "fewest-errors", Kind: abi.KindStrategy, Config: []byte(config), Owner: "acme"}}, nil)
	}
	set, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Release)
	if refused, err := load(`{"x":1}`); err == nil {
		refused.Release()
		t.Error("a config is accepted")
	}

	s := set.Strategy("policy")
	var out abi.ScoreOutput
	cands := []abi.Candidate{
		{ID: "a", ErrorRate: 0.2}, {ID: "b", InFlight: 7}, {ID: "c", ErrorRate: math.NaN(), InFlight: 2}, {ID: "d", ErrorRate: math.Inf(1)},
	}
	fuel, err := s.Score(t.Context(), &abi.Header{Tags: "eu"}, cands, &out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d instructions for 4 deployments", fuel)
	want := []float64{0.2e10, 7, 2, 1e10}
	for i, score := range out.Scores {
		if len(out.Scores) != len(want) || score != want[i] {
			t.Fatalf("scores %v, want %v", out.Scores, want)
		}
	}
	if out.Reason != "fewest failures of late" || out.Directives != 0 {
		t.Errorf("reason %q, directives %b", out.Reason, out.Directives)
	}
	for _, n := range []int{0, 1, 64, abi.MaxCandidates, 3} {
		if _, err := s.Score(t.Context(), &abi.Header{}, make([]abi.Candidate, n), &out); err != nil || len(out.Scores) != n {
			t.Errorf("%d candidates: %d scores, %v", n, len(out.Scores), err)
		}
	}
	good := abi.AppendScore(nil, &abi.Header{}, cands)
	for n := range good {
		answer, err := set.Probe(t.Context(), "policy", abi.ExportScore, good[:n])
		if err != nil {
			t.Fatalf("%d bytes of an input: %v", n, err)
		}
		if err, whole := out.Decode(answer), n >= abi.ScoreHeaderSize+len(cands)*abi.CandidateSize; (err == nil) != whole {
			t.Fatalf("%d bytes of an input are answered with %v", n, err)
		}
	}
}
