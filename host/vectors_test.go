package host

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/vectors"
	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// vector is a score call for one candidate, in the attempt given, that has this answer.
func vector(name string, attempt uint32, scores ...float64) abi.Vector {
	out := abi.ScoreOutput{Scores: scores}
	return abi.Vector{
		Name: name, Export: abi.ExportScore, Output: out.Append(nil),
		Input: abi.AppendScore(nil, &abi.Header{Attempt: attempt}, make([]abi.Candidate, 1)),
	}
}

func carrying(t *testing.T, module []byte, list ...abi.Vector) []byte {
	t.Helper()
	m, err := WithVectors(module, list)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// configured makes a strategy whose configure answers with a refusal when the config is not {}.
func configured(scores ...float64) *guest {
	g := newStrategy(scores...)
	refusal := abi.Refusal{Status: 400, Message: "no such key"}
	accept := g.functions[abi.ExportConfigure].body
	code := concat(constI32(bufferAt+1), []byte{0x2d, 0, 0}, constI32('"'), []byte{0x46, 0x04, 0x7e},
		g.answer(refusal.Append(nil)), []byte{0x05}, accept, []byte{0x0b})
	return g.set(abi.ExportConfigure, typeI32toL, code)
}

func TestVectorsAreAnswered(t *testing.T) {
	t.Parallel()
	inFeedback := vector("heard", 0)
	inFeedback.Export, inFeedback.Input, inFeedback.Output = abi.ExportFeedback, new(abi.Feedback).Append(nil), abi.AppendOK(nil)
	heard := newStrategy(1)
	heard.set(abi.ExportFeedback, typeI32toL, heard.answer(abi.AppendOK(nil)))
	provider := newProvider()
	var calls []abi.Vector
	for name, message := range map[string]interface{ Append([]byte) []byte }{
		abi.ExportRequest: &abi.RequestOutput{Path: []byte("/v1"), Body: []byte("{}")}, abi.ExportResponse: &abi.ResponseOutput{AsIs: true},
		abi.ExportStream: &abi.StreamOutput{Count: 1, Chunks: abi.Chunks(nil).Append(abi.ChunkContent, []byte("{}"))},
	} {
		calls = append(calls, abi.Vector{Name: name, Export: name, Output: message.Append(nil)})
	}
	for name, tc := range map[string]struct {
		module []byte
		spec   Spec
	}{
		"none":     {carrying(t, newStrategy(1).encode()), strategySpec("a", "a")},
		"one":      {carrying(t, newStrategy(1).encode(), vector("x", 0, 1)), strategySpec("a", "a")},
		"NaN":      {carrying(t, newStrategy(math.Float64frombits(0x7ff8000000000000)).encode(), vector("x", 0, math.Float64frombits(0xfff8000000000001))), strategySpec("a", "a")},
		"feedback": {carrying(t, heard.encode(), inFeedback), strategySpec("a", "a")},
		"provider": {carrying(t, provider.encode(), calls...), providerSpec("a", "a")},
		"policy":   {carrying(t, newStrategy(1).encode(), vector("x", 0, 1)), Spec{Key: "a", Plugin: "a", Kind: abi.KindStrategy, Owner: "acme"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t, Options{})
			f.write("a", tc.module)
			set := f.build(nil, tc.spec)
			_, instances := f.host.Loaded()
			if st := f.status("a"); st.Calls != 0 || st.Instances.Live != 1 || instances != 1 {
				t.Errorf("what played the vectors is still there: %+v, %d instances", st, instances)
			}
			f.closed(set)
		})
	}
}

func TestVectorsRefuse(t *testing.T) {
	t.Parallel()
	otherConfig := vector("strange config", 0, 1)
	otherConfig.Config = `{"x":1}`
	notThere := vector("heard", 0, 1)
	notThere.Export = abi.ExportFeedback
	long := abi.Vector{Name: "long", Export: abi.ExportScore, Input: make([]byte, 200<<10), Output: []byte{0}}
	spinning := newStrategy(1)
	spinning.set(abi.ExportScore, typeI32toL, concat(spin, constI64(0)))
	lost := newStrategy(1).set(abi.ExportScore, typeI32toL, constI64(-1))
	for name, tc := range map[string]struct {
		module []byte
		want   string
	}{
		"number":    {carrying(t, newStrategy(1.5).encode(), vector("first", 0, 1.5), vector("second", 0, 2)), `golden vector "second": score differs: score 0 is 1.5, the vector has 2`},
		"refusal":   {carrying(t, newStrategy(1).encode(), abi.Vector{Name: "refuse", Export: abi.ExportScore, Output: (&abi.Refusal{Status: 400}).Append(nil)}), `golden vector "refuse": score differs at byte 0: it answers "\x00\x000\x00`},
		"trap":      {carrying(t, fragile(1), vector("thirteen", 13, 1)), `golden vector "thirteen": score: it trapped: unreachable`},
		"fuel":      {carrying(t, spinning.encode(), vector("x", 0, 1)), `golden vector "x": score: it used up its fuel of 2000000 instructions`},
		"outside":   {carrying(t, lost.encode(), vector("x", 0, 1)), `golden vector "x": score: its output has 4294967295 bytes, the limit is 65536`},
		"config":    {carrying(t, configured(1).encode(), vector("x", 0, 1), otherConfig), `golden vector "strange config": configure: no such key`},
		"export":    {carrying(t, newStrategy(1).encode(), notThere), `golden vector "heard": the module has no export "feedback"`},
		"input":     {carrying(t, newStrategy(1).encode(), long), `golden vector "long": score: export "input" returned address 1024, where no`},
		"malformed": {append(newStrategy(1).encode(), "\x00\x14\x12switchyard.vectors["...), "its golden vectors are not a list in JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t, Options{})
			f.write("a", newStrategy(7).encode())
			old := f.build(nil, strategySpec("a", "a"))
			f.write("a", tc.module)
			specs := []Spec{strategySpec("a", "a"), strategySpec("b", "a")}
			_, err := f.host.Build(t.Context(), f.dir, specs, old)
			problems, ok := errors.AsType[LoadErrors](err)
			if !ok || len(problems) != 1 || !strings.HasPrefix(sentence(problems[0].Err), tc.want) {
				t.Fatalf("%v, want %q", err, tc.want)
			}
			st := f.status("a")
			if st.State != StateActive || st.Hash != old.Strategy("a").Hash() || st.Rejected == nil || !strings.Contains(st.Rejected.Error, "golden vector") {
				t.Errorf("status %+v", st)
			}
			expect(t, old.Strategy("a"), 0, 7)
			f.settled(1)
			f.closed(old)
		})
	}
}

// TestVectorsOfAConfig has two configs: each has an instance, which keeps what it was told between its vectors.
func TestVectorsOfAConfig(t *testing.T) {
	t.Parallel()
	// score answers with a copy of its number of calls in front of what would be scores.
	g := newStrategy(0)
	answer := (&abi.ScoreOutput{Scores: []float64{0}}).Append(nil)
	at := answersFrom + len(g.data)
	result := g.answer(answer)
	count := int32(at + abi.ScoreReplySize + 7) // the exponent
	code := concat(constI32(count), constI32(count), []byte{0x2d, 0, 0}, constI32(1), []byte{0x6a, 0x3a, 0, 0}, result)
	g.set(abi.ExportScore, typeI32toL, code)
	number := func(n byte) float64 { return math.Float64frombits(uint64(n) << 56) }
	list := []abi.Vector{vector("1", 0, number(1)), vector("a", 0, number(1)), vector("2", 0, number(2)), vector("b", 0, number(2)), vector("3", 0, number(3))}
	list[1].Config, list[3].Config = `{"a":1}`, `{"a":1}`
	f := newFolder(t, Options{})
	f.write("a", carrying(t, g.encode(), list...))
	set := f.build(nil, strategySpec("a", "a"))
	expect(t, set.Strategy("a"), 0, number(1)) // what serves has not seen the vectors
	f.closed(set)
}

// TestVectorsPlayOnce counts what a reload, another key and another owner cost.
func TestVectorsPlayOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Memory: 512}, Policies: Limits{Memory: 512, Fuel: Fuel{Score: 10}}})
	g := newStrategy(1)
	f.write("a", carrying(t, g.encode(), vector("x", 0, 1)))
	first := f.build(nil, strategySpec("a", "a"))
	m := first.Strategy("a").line.pool.module
	again := func() error { return errors.New("played again") }
	if err := m.Vet(&f.host.opts.Limits, again); err != nil {
		t.Error(err)
	}
	if err := m.Vet(&f.host.opts.Policies, again); err == nil {
		t.Error("the operator's limits count for a policy's")
	}
	if err := m.Vet(&f.host.opts.Policies, func() error { return nil }); err != nil {
		t.Error(err)
	}
	f.write("b", carrying(t, g.encode(), vector("x", 0, 1)))
	second := f.build(first, strategySpec("a", "a"), strategySpec("b", "b"), Spec{Key: "c", Plugin: "a", Kind: abi.KindStrategy, Owner: "acme"})
	if second.Strategy("c").line.pool.module != m || second.Strategy("b").line.pool.module != m {
		t.Error("the module was loaded again")
	}
	f.closed(first, second)
}

// TestVectorsOfAnOwner has a module that is dear for a tenant's fuel. Its bytes are the same for both.
func TestVectorsOfAnOwner(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Memory: 512}, Policies: Limits{Memory: 512, Fuel: Fuel{Score: 1}}})
	f.write("a", carrying(t, fragile(1), vector("x", 0, 1)))
	set := f.build(nil, strategySpec("a", "a"))
	tenants := Spec{Key: "b", Plugin: "a", Kind: abi.KindStrategy, Owner: "acme"}
	if _, err := f.host.Build(t.Context(), f.dir, []Spec{strategySpec("a", "a"), tenants}, set); err == nil {
		t.Error("it was loaded")
	} else {
		contains(t, err.Error(), `golden vector "x": score: it used up its fuel of 1 instructions`)
	}
	f.closed(set)
}

// TestVectorsInTime gives up at the start of an instance, and between two calls.
func TestVectorsInTime(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Compile: Compile{Timeout: time.Hour}}})
	f.write("a", newStrategy(1).encode())
	set := f.build(nil, strategySpec("a", "a"))
	late := *set.Strategy("a").line.pool.limits
	late.Compile.Timeout = -1
	p := set.Strategy("a").line.pool
	err := (&pool{record: p.record, module: p.module, limits: &late, setup: p.setup}).vet(t.Context(), []abi.Vector{vector("x", 0, 1)})
	if err == nil || !strings.HasPrefix(err.Error(), `golden vector "x": `) || !strings.Contains(err.Error(), "was given up: context deadline exceeded") {
		t.Errorf("%v", err)
	}
	if err := vectors.Play(over{t.Context()}, &p.setup, []abi.Vector{vector("y", 0, 1)}, p.limits.Fuel.of); err == nil || err.Error() != `golden vector "y": playing it was given up: context canceled` {
		t.Errorf("between two calls: %v", err)
	}
	f.closed(set)
	f.settled(0)
}

// over is a context that has ended, as one sees who asks between two calls.
type over struct{ context.Context }

func (over) Err() error { return context.Canceled }

// TestFuelOfAVector gives a vector what the call would have.
func TestFuelOfAVector(t *testing.T) {
	t.Parallel()
	l := Fuel{Score: 100, Base: 1000, PerByte: 7}
	for _, tc := range []struct {
		e     guests.Export
		input []byte
		want  int64
	}{
		{guests.Score, abi.AppendScore(nil, &abi.Header{}, make([]abi.Candidate, 17)), 200},
		{guests.Score, []byte("noise"), 100},
		{guests.Feedback, []byte("noise"), 100},
		{guests.Stream, make([]byte, 10), 1070},
	} {
		if got := l.of(tc.e, tc.input); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.e, got, tc.want)
		}
	}
}

// TestVectorsAreNotMetered: what the host runs of a module has no vectors left.
func TestVectorsAreNotMetered(t *testing.T) {
	t.Parallel()
	plain := newStrategy(1).encode()
	l := (&Limits{Memory: 512}).module()
	one, err := meter.Rewrite(plain, &l)
	if err != nil {
		t.Fatal(err)
	}
	other, err := meter.Rewrite(carrying(t, plain, vector("x", 0, 1)), &l)
	if err != nil || string(one) != string(other) {
		t.Errorf("the two differ: %v", err)
	}
}
