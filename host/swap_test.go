package host

import (
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// fragile is a strategy that gives one score, and traps in the 13th attempt.
func fragile(scores ...float64) []byte {
	g := newStrategy(scores...)
	return g.set(abi.ExportScore, typeI32toL, trapIf(attemptAt, 13, g.functions[abi.ExportScore].body)).encode()
}

// expect scores one candidate and compares.
func expect(t *testing.T, s *Strategy, attempt uint32, want float64) {
	t.Helper()
	scores, err := score(t, s, 1, attempt)
	if err != nil || scores[0] != want {
		t.Fatalf("attempt %d: scores %v, %v; want %v", attempt, scores, err, want)
	}
}

func TestProbationPassed(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	spec := strategySpec("a", "a")
	f.write("a", newStrategy(1).encode())
	first := f.build(nil, spec)
	old := first.Strategy("a").Hash()
	f.write("a", fragile(2))
	second := f.build(first, spec)
	first.Release()
	s := second.Strategy("a")
	if st := f.status("a"); !st.Probation || st.PreviousHash != old || st.Hash != s.Hash() {
		t.Errorf("at first: %+v", st)
	}
	for range probationCalls - 1 {
		expect(t, s, 0, 2)
	}
	if n := f.modules(); n != 2 {
		t.Fatalf("%d modules during probation, want 2", n)
	}
	expect(t, s, 13, 1)
	expect(t, s, 0, 2)
	if st := f.status("a"); st.Probation || st.State != StateActive || st.PreviousHash != old {
		t.Errorf("after it: %+v", st)
	}
	f.settled(1)
	if _, err := score(t, s, 1, 13); err == nil {
		t.Error("a fault after probation was hidden")
	}
	f.closed(second)
}

func TestProbationFailed(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	specs := []Spec{strategySpec("a", "a"), {Key: "b", Plugin: "a", Kind: abi.KindStrategy, Config: []byte(`{"x":1}`)}}
	f.write("a", newStrategy(1).encode())
	first := f.build(nil, specs...)
	old := first.Strategy("a").Hash()
	f.write("a", fragile(2))
	second := f.build(first, specs...)
	first.Release()
	a, b := second.Strategy("a"), second.Strategy("b")
	bad := a.Hash()

	expect(t, a, 0, 2)
	expect(t, a, 13, 1) // repeated on the previous version
	expect(t, b, 13, 1)
	expect(t, b, 0, 2)
	third := f.build(second, specs...) // an unrelated change: the probation goes on
	second.Release()
	a, b = third.Strategy("a"), third.Strategy("b")
	expect(t, a, 0, 2)
	expect(t, a, 13, 1) // the third fault
	expect(t, a, 0, 1)
	expect(t, b, 0, 1)
	if a.Hash() != old || b.Hash() != old {
		t.Error("a strategy does not say which version serves")
	}
	check := func(when string) {
		t.Helper()
		st := f.status("a")
		if st.State != StateReverted || st.Hash != old || st.Probation || st.Rejected == nil || st.Rejected.Hash != bad || st.Faults != 3 {
			t.Fatalf("%s: %+v", when, st)
		}
		contains(t, st.Rejected.Error, "3 of its first 6 calls faulted", "score", "unreachable")
	}
	check("after the third fault")

	fourth := f.build(third, specs...)
	third.Release()
	check("after a build with the same file")
	expect(t, fourth.Strategy("b"), 13, 1)
	f.settled(1)

	f.write("a", newStrategy(3).encode())
	fifth := f.build(fourth, specs...)
	expect(t, fifth.Strategy("a"), 0, 3)
	if st := f.status("a"); st.State != StateActive || !st.Probation || st.Rejected != nil || st.PreviousHash != old {
		t.Errorf("after a better file: %+v", st)
	}
	f.write("a", fragile(2))
	sixth := f.build(fifth, specs...)
	if st := f.status("a"); st.State != StateActive || !st.Probation || st.Hash != bad {
		t.Errorf("the bad version was put there again: %+v", st)
	}
	expect(t, sixth.Strategy("a"), 13, 3)
	f.closed(fourth, fifth, sixth)
}

func TestFirstVersionHasNoProbation(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", fragile(1))
	set := f.build(nil, strategySpec("a", "a"))
	for range probationFaults + 1 {
		if _, err := score(t, set.Strategy("a"), 1, 13); err == nil {
			t.Error("no fault")
		}
	}
	if st := f.status("a"); st.State != StateActive || st.Probation {
		t.Errorf("status: %+v", st)
	}
	f.closed(set)
}

func TestBackDuringProbation(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	spec := strategySpec("a", "a")
	f.write("a", newStrategy(1).encode())
	first := f.build(nil, spec)
	f.write("a", newStrategy(2).encode())
	second := f.build(first, spec)
	f.write("a", newStrategy(1).encode())
	third := f.build(second, spec)
	if st := f.status("a"); st.Probation || st.State != StateActive {
		t.Errorf("status: %+v", st)
	}
	if third.Strategy("a").line.pool != first.Strategy("a").line.pool {
		t.Error("the old version was loaded again")
	}
	expect(t, third.Strategy("a"), 0, 1)
	f.closed(first, second, third)
}

// TestPreviousRefusesConfig: the version before does not know a key of the new config, so it can't stand by.
func TestPreviousRefusesConfig(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	strict := newStrategy(1)
	refusal := abi.Refusal{Status: 400, Message: "no such key"}
	accept := strict.functions[abi.ExportConfigure].body
	refuse := strict.answer(refusal.Append(nil))
	// if the config's second byte is a quote, refuse.
	code := constI32(bufferAt + 1)
	code = append(code, 0x2d, 0, 0)
	code = append(code, constI32('"')...)
	code = append(code, 0x46, 0x04, 0x7e)
	code = append(append(append(append(code, refuse...), 0x05), accept...), 0x0b)
	strict.set(abi.ExportConfigure, typeI32toL, code)
	f.write("a", strict.encode())
	first := f.build(nil, strategySpec("a", "a"))
	f.write("a", fragile(2))
	second := f.build(first, Spec{Key: "a", Plugin: "a", Kind: abi.KindStrategy, Config: []byte(`{"x":1}`)})
	contains(t, f.log.String(), "the previous version can't stand by")
	for range probationFaults + 1 {
		_, err := score(t, second.Strategy("a"), 1, 13)
		if _, ok := errors.AsType[*Fault](err); !ok {
			t.Fatalf("score: %v", err)
		}
	}
	if st := f.status("a"); st.State != StateActive {
		t.Errorf("status: %+v", st)
	}
	expect(t, second.Strategy("a"), 0, 2)
	f.closed(first, second)
}
