package host

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// slowStarting is a strategy that logs "hold" as it is configured, gives a score, and traps in the 13th attempt.
func slowStarting(score float64) []byte {
	g := withImport(newStrategy(score), abi.HostModule, abi.HostLog, typeLog)
	at := answersFrom + len(g.data)
	g.data = append(g.data, "hold"...)
	hold := concat(constI32(abi.LogInfo), constI32(int32(at)), constI32(4), call(0))
	g.set(abi.ExportConfigure, typeI32toL, concat(hold, g.functions[abi.ExportConfigure].body))
	return g.set(abi.ExportScore, typeI32toL, trapIf(attemptAt, 13, g.functions[abi.ExportScore].body)).encode()
}

// stuck builds a set of which one start is let through, and makes the starts after it hang until the test's end.
func stuck(t *testing.T, f *folder, g *gate, prev *Set) *Set {
	t.Helper()
	go func() {
		<-g.entered
		g.leave <- struct{}{}
	}()
	set := f.build(prev, strategySpec("a", "a"))
	for _, l := range set.lines {
		l.pool.setup.Limits.Start = 1 // from here on, starts are given up at once
	}
	return set
}

// ended lets the starts that hang come to their end while the host closes.
func ended(f *folder, g *gate, sets ...*Set) {
	f.t.Helper()
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-g.entered:
			case g.leave <- struct{}{}:
			case <-done:
				return
			}
		}
	}()
	f.closed(sets...)
	close(done)
}

func TestStartTimesOutInTheBackground(t *testing.T) {
	t.Parallel()
	g := newGate()
	f := newFolder(t, Options{Log: slog.New(g)})
	f.write("a", slowStarting(1))
	set := stuck(t, f, g, nil)
	s := set.Strategy("a")
	if _, err := score(t, s, 1, 13); err == nil {
		t.Fatal("no fault")
	}
	_, err := score(t, s, 1, 0)
	fault, ok := errors.AsType[*Fault](err)
	if !ok || fault.Starved || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a call with time enough: %v", err)
	}
	contains(t, fault.Error(), "start: no instance could be started: starting it was given up")
	if st := f.status("a"); st.Faults < 2 || st.LastFault == nil || st.LastFault.Export != "start" {
		t.Errorf("status: %+v", st)
	}
	ended(f, g, set)
}

func TestStartTimesOutOnProbation(t *testing.T) {
	t.Parallel()
	g := newGate()
	f := newFolder(t, Options{Log: slog.New(g)})
	f.write("a", newStrategy(1).encode())
	first := f.build(nil, strategySpec("a", "a"))
	f.write("a", slowStarting(2))
	second := stuck(t, f, g, first)
	s := second.Strategy("a")
	expect(t, s, 13, 1) // the first fault; the instance's successor does not start
	for range probationFaults {
		expect(t, s, 0, 1)
	}
	st := f.status("a")
	if st.State != StateReverted || st.Rejected == nil || st.Faults != probationFaults {
		t.Fatalf("status: %+v", st)
	}
	contains(t, st.Rejected.Error, "the last in start: no instance could be started")
	ended(f, g, first, second)
}

// growing is a strategy that takes more pages of memory in the 13th attempt.
func growing(pages int32) *guest {
	g := newStrategy(1)
	answer := g.functions[abi.ExportScore].body
	grow := concat(constI32(bufferAt+attemptAt), []byte{0x2d, 0, 0}, constI32(13), []byte{0x46, 0x04, 0x40},
		constI32(pages), []byte{0x40, 0, 0x1a, 0x0b}) // load the byte, compare, if: memory.grow, drop, end
	return g.set(abi.ExportScore, typeI32toL, concat(grow, answer))
}

func TestMemoryShrinks(t *testing.T) {
	t.Parallel()
	feedback := growing(600)
	feedback.set(abi.ExportFeedback, typeI32toL, feedback.answer(abi.AppendOK(nil)))
	for _, tc := range []struct {
		name   string
		guest  *guest
		memory int64 // afterwards, in pages
	}{
		{"much", growing(600), 3},
		{"little", growing(100), 103}, // many times its size, but below the floor
		{"what it has learned", feedback, 603},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t, Options{Limits: Limits{Instances: 2, Fuel: Fuel{Score: 1 << 40}}})
			f.write("a", tc.guest.encode())
			set := f.build(nil, strategySpec("a", "a"))
			s := set.Strategy("a")
			for _, attempt := range []uint32{0, 13, 0} {
				expect(t, s, attempt, 1)
			}
			st := f.status("a")
			if st.Instances.Memory != tc.memory<<16 || st.Instances.Live != 1 || st.Faults != 0 || st.Calls != 3 {
				t.Errorf("status: %+v", st)
			}
			f.closed(set)
		})
	}
}
