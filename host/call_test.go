package host

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// attempt is where a score input has the number of the attempt: tests use it to choose what a guest does.
const attemptAt = 40

func TestTrapDropsTheInstance(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	g := newStrategy(1, nan)
	g.set(abi.ExportScore, typeI32toL, trapIf(attemptAt, 13, g.functions[abi.ExportScore].body))
	f.write("a", g.encode())
	set := f.build(nil, strategySpec("a", "a"))
	s := set.Strategy("a")
	first := idle(t, s.line.pool)
	for round := range 3 {
		_, err := score(t, s, 2, 13)
		fault, ok := errors.AsType[*Fault](err)
		if !ok {
			t.Fatalf("round %d: %v", round, err)
		}
		if fault.Plugin != "a" || fault.Export != "score" || fault.Hash != s.Hash() || fault.Cause != "it trapped: unreachable" {
			t.Errorf("fault: %+v", fault)
		}
		if scores, err := score(t, s, 2, 0); err != nil || scores[0] != 1 || !math.IsNaN(scores[1]) {
			t.Errorf("after the trap: %v, %v", scores, err)
		}
	}
	st := f.status("a")
	if st.Faults != 3 || st.Calls != 6 || st.LastFault == nil || st.LastFault.Export != "score" {
		t.Errorf("status: %+v", st)
	}
	if _, n := f.host.Loaded(); n != 1 || idle(t, s.line.pool) == first {
		t.Error("the instance that trapped was kept")
	}
	f.closed(set)
}

// TestEveryExport lets each export of a provider trap, exit, and answer with what it must not.
func TestEveryExport(t *testing.T) {
	t.Parallel()
	refusal := abi.Refusal{Status: 429, Class: abi.ClassRetry, Kind: abi.ErrorRateLimit, RetryAfterMS: 1500, Message: "slow down"}
	odd := abi.Refusal{Status: 200, Message: "all is well"}
	f := newFolder(t, Options{Limits: Limits{Instances: 1}})
	calls := map[string]func(p *Provider) error{
		abi.ExportRequest: func(p *Provider) error {
			_, err := p.Request(t.Context(), &abi.RequestInput{}, new(abi.RequestOutput), nil)
			return err
		},
		abi.ExportResponse: func(p *Provider) error {
			_, err := p.Response(t.Context(), &abi.ResponseInput{}, new(abi.ResponseOutput), nil)
			return err
		},
		abi.ExportStream: func(p *Provider) error {
			_, err := p.Stream(t.Context(), &abi.StreamInput{}, new(abi.StreamOutput), nil)
			return err
		},
	}
	for export, do := range calls {
		cases := []struct {
			name string
			body func(g *guest) []byte
			want string
		}{
			{"good", func(g *guest) []byte { return g.functions[export].body }, ""},
			{"trap", func(*guest) []byte { return trap }, "it trapped: unreachable"},
			{"exit", func(*guest) []byte { return concat(constI32(9), call(0), constI64(0)) }, "it exited with code 9"},
			{"nothing", func(*guest) []byte { return constI64(0) }, "its output can't be decoded"},
			{"cut", func(g *guest) []byte { return g.answer([]byte{0, 0, 0}) }, "its output can't be decoded"},
			{"elsewhere", func(*guest) []byte { return constI64(int64(abi.Pack(math.MaxUint32, 8))) }, "lies outside its memory"},
			{"too much", func(*guest) []byte { return constI64(int64(abi.Pack(0, abi.MaxOutput+1))) }, "the limit is 16777216"},
			{"endless recursion", func(g *guest) []byte { return concat(constI32(0), call(g.index(export))) }, "its calls nested too deep: they need more than 8 MiB of stack"},
			{"refusal", func(g *guest) []byte { return g.answer(refusal.Append(nil)) }, "slow down"},
			{"odd refusal", func(g *guest) []byte { return g.answer(odd.Append(nil)) }, "its refusal has status 200"},
		}
		for _, c := range cases {
			t.Run(export+" "+c.name, func(t *testing.T) {
				g := withImport(newProvider(), wasi, "proc_exit", typeI32)
				g.set(export, typeI32toL, c.body(g))
				f.write("a", g.encode())
				set := f.build(nil, providerSpec("a", "a"))
				defer set.Release()
				err := do(set.Provider("a"))
				if c.want == "" {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				if err == nil {
					t.Fatal("no error")
				}
				contains(t, err.Error(), c.want)
				if r, ok := errors.AsType[*abi.Refusal](err); ok != (c.name == "refusal") || (ok && *r != refusal) {
					t.Errorf("refusal %+v", r)
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("more than a line: %s", err)
				}
				for other, do := range calls {
					if other != export {
						if err := do(set.Provider("a")); err != nil {
							t.Errorf("%s after it: %v", other, err)
						}
					}
				}
			})
		}
	}
	f.closed()
}

func TestInputGrows(t *testing.T) {
	t.Parallel()
	const at = 20_000
	f := newFolder(t, Options{})
	g := newStrategy()
	g.set(abi.ExportScore, typeI32toL, trapIf(abi.ScoreHeaderSize+at, 'x', g.functions[abi.ExportScore].body))
	f.write("a", g.encode())
	set := f.build(nil, strategySpec("a", "a"))
	s := set.Strategy("a")
	try := func(group string) error {
		_, err := s.Score(t.Context(), &abi.Header{Group: group}, nil, new(abi.ScoreOutput))
		return err
	}
	for _, group := range []string{"", strings.Repeat("y", 100), strings.Repeat("y", 2*at), ""} {
		if err := try(group); err != nil {
			t.Fatalf("%d bytes: %v", len(group), err)
		}
	}
	if c := cap(idle(t, s.line.pool).Room()); c != 48<<10 {
		t.Errorf("the buffer has %d bytes, want 48 KiB", c)
	}
	if err := try(strings.Repeat("y", at) + "x"); err == nil {
		t.Error("the guest did not see the end of a long input")
	}
	// The guest's buffer of 60 KiB lies in 192 KiB of memory: what does not fit is a fault, not a wild write.
	if err := try(strings.Repeat("y", 300<<10)); err == nil {
		t.Error("an input larger than memory was written")
	} else {
		contains(t, err.Error(), "fit into its memory of 196608 bytes")
	}
	f.closed(set)
}

func TestScoreIsChecked(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", newStrategy(1, 2, 3).encode())
	set := f.build(nil, strategySpec("a", "a"))
	s := set.Strategy("a")
	if _, err := score(t, s, 2, 0); err == nil {
		t.Error("three scores for two candidates")
	} else {
		contains(t, err.Error(), "it returned 3 scores for 2 candidates")
	}
	if scores, err := score(t, s, 3, 0); err != nil || scores[2] != 3 {
		t.Errorf("score: %v, %v", scores, err)
	}
	if _, err := score(t, s, abi.MaxCandidates+1, 0); err == nil {
		t.Error("more candidates than the contract allows")
	}
	if s.Mode() != abi.ModeScore || s.HasFeedback() {
		t.Errorf("mode %q, feedback %t", s.Mode(), s.HasFeedback())
	}
	if err := s.Feedback(t.Context(), &abi.Feedback{}); err != nil {
		t.Errorf("feedback that nobody asked for: %v", err)
	}
	f.closed(set)
}

// index returns the index of a function that the guest has already.
func (g *guest) index(name string) int {
	for n, other := range g.order {
		if other == name {
			return len(g.imports) + n
		}
	}
	return -1
}

func TestGuestLog(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	g := withImport(newStrategy(1), abi.HostModule, abi.HostLog, typeLog)
	answer := g.functions[abi.ExportScore].body
	at := answersFrom + len(g.data)
	g.data = append(g.data, strings.Repeat("w", abi.MaxLogLine+5)...)
	line := func(level, ptr, size int32) []byte {
		return concat(constI32(level), constI32(ptr), constI32(size), call(0))
	}
	g.set(abi.ExportScore, typeI32toL, concat(
		line(abi.LogWarn, int32(at), abi.MaxLogLine+5), // too long
		line(abi.LogError, -8, 100),                    // outside memory: ignored
		line(abi.LogDebug, int32(at), 3),
		answer))
	f.write("a", g.encode())
	set := f.build(nil, strategySpec("a", "a"))
	if _, err := score(t, set.Strategy("a"), 1, 0); err != nil {
		t.Fatal(err)
	}
	contains(t, f.log.String(), "level=WARN msg="+strings.Repeat("w", abi.MaxLogLine)+" plugin=a stream=log", "level=DEBUG msg=www ")
	f.closed(set)
}
