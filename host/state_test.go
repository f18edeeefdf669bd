package host

import (
	"bytes"
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/internal/statetag"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

const (
	nowAt           = 8 // in the inputs of request, response and stream alike
	fragileNow      = 13
	responseStateAt = 24 + 2 + 2 + 4 // with neither model nor request ID nor headers
	streamStateAt   = 16 + 2 + 2
)

// stateful is a provider whose states are "v" and its digit. It traps when it gets another's, and says its digit in
// whatever it answers.
func stateful(digit byte) *guest {
	g := newProvider()
	state := []byte{'v', digit}
	request := abi.RequestOutput{Path: []byte{'/', digit}, Body: []byte("{}"), State: state}
	response := abi.ResponseOutput{Body: []byte{digit}}
	stream := abi.StreamOutput{Count: 1, State: state, Chunks: abi.Chunks(nil).Append(abi.ChunkContent, []byte{digit})}
	mine := func(at int, code []byte) []byte {
		return trapUnless(at, byte(len(state)), trapUnless(at+4, 'v', trapUnless(at+5, digit, code)))
	}
	g.set(abi.ExportRequest, typeI32toL, g.answer(request.Append(nil)))
	g.set(abi.ExportResponse, typeI32toL, mine(responseStateAt, g.answer(response.Append(nil))))
	g.set(abi.ExportStream, typeI32toL, mine(streamStateAt, g.answer(stream.Append(nil))))
	return g
}

// fragileStateful traps in calls whose Now is fragileNow.
func fragileStateful(digit byte) *guest {
	g := stateful(digit)
	for _, export := range []string{abi.ExportRequest, abi.ExportResponse, abi.ExportStream} {
		g.set(export, typeI32toL, trapIf(nowAt, fragileNow, g.functions[export].body))
	}
	return g
}

// trapUnless runs the code, and traps instead when the input has not that byte at an offset.
func trapUnless(offset int, value byte, code []byte) []byte {
	b := constI32(int32(bufferAt + offset))
	b = append(b, 0x2d, 0, 0) // i32.load8_u
	b = append(b, constI32(int32(value))...)
	return append(append(b, 0x47, 0x04, 0x40, 0x00, 0x0b), code...) // i32.ne, if: unreachable, end
}

// exchange is a client's attempt: a plan, and the calls that need its state.
type exchange struct {
	t     *testing.T
	p     *Provider
	state []byte
}

func plan(t *testing.T, p *Provider, now uint64, want byte) *exchange {
	t.Helper()
	var out abi.RequestOutput
	if _, err := p.Request(t.Context(), &abi.RequestInput{Now: now}, &out, nil); err != nil || string(out.Path) != "/"+string(want) {
		t.Fatalf("request: %q, %v; want the answer of v%c", out.Path, err, want)
	}
	return &exchange{t, p, out.State}
}

func (x *exchange) stream(now uint64) (string, error) {
	in := abi.StreamInput{Now: now, State: x.state}
	var out abi.StreamOutput
	_, err := x.p.Stream(x.t.Context(), &in, &out, nil)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(in.State, x.state) {
		x.t.Error("the caller's input was changed")
	}
	x.state = out.State
	var said string
	for _, data := range out.Chunks.All {
		said += string(data)
	}
	return said, nil
}

func (x *exchange) response(now uint64) (string, error) {
	var out abi.ResponseOutput
	_, err := x.p.Response(x.t.Context(), &abi.ResponseInput{Now: now, State: x.state}, &out, nil)
	return string(out.Body), err
}

// goesOn makes the calls that follow a request and compares who answers.
func (x *exchange) goesOn(when string, want byte) {
	x.t.Helper()
	for range 3 {
		if said, err := x.stream(0); err != nil || said != string(want) {
			x.t.Errorf("%s: stream: %q, %v; want v%c", when, said, err, want)
		}
	}
	if said, err := x.response(0); err != nil || said != string(want) {
		x.t.Errorf("%s: response: %q, %v; want v%c", when, said, err, want)
	}
}

// breaks makes one call that v2 can't answer and expects v2's fault.
func (x *exchange) breaks(call func(now uint64) (string, error)) {
	x.t.Helper()
	said, err := call(fragileNow)
	f, ok := errors.AsType[*Fault](err)
	if !ok || f.Starved || f.Hash != x.p.line.pool.module.Hash {
		x.t.Errorf("%q, %v; want a fault of the version on probation", said, err)
	}
}

// onProbation returns a set in which v2 is on probation and v1 stands by.
func onProbation(f *folder) *Set {
	f.t.Helper()
	f.write("p", stateful('1').encode())
	first := f.build(nil, providerSpec("p", "p"))
	f.write("p", fragileStateful('2').encode())
	second := f.build(first, providerSpec("p", "p"))
	first.Release()
	return second
}

func TestStateStaysWithItsVersion(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	set := onProbation(f)
	p := set.Provider("p")
	new1 := plan(t, p, 0, '2')
	old := plan(t, p, fragileNow, '1') // repeated on the version before; the first fault
	new1.goesOn("on probation", '2')
	old.goesOn("on probation", '1')

	new1.breaks(new1.response) // the second
	if st := f.status("p"); st.State != StateActive || st.Faults != 2 {
		t.Fatalf("after two faults: %+v", st)
	}
	// v1 does not break, so this says nothing about v2.
	if said, err := old.stream(fragileNow); err != nil || said != "1" {
		t.Errorf("the version before: %q, %v", said, err)
	}
	new1.breaks(new1.stream) // the third
	if st := f.status("p"); st.State != StateReverted || st.Faults != 3 {
		t.Fatalf("after three faults: %+v", st)
	}
	new1.goesOn("after the revert", '2')
	old.goesOn("after the revert", '1')
	plan(t, p, 0, '1').goesOn("planned after the revert", '1')
	f.closed(set)
}

func TestStateOutlivesProbation(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	set := onProbation(f)
	p := set.Provider("p")
	old := plan(t, p, fragileNow, '1')
	for range probationCalls {
		plan(t, p, 0, '2')
	}
	if st := f.status("p"); st.Probation || st.State != StateActive {
		t.Fatalf("status: %+v", st)
	}
	old.goesOn("after probation", '1')
	f.closed(set)
}

func TestProbationWithoutRepetitionFreesTheVersionBefore(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	set := onProbation(f)
	for range probationCalls {
		plan(t, set.Provider("p"), 0, '2')
	}
	f.settled(1)
	f.closed(set)
}

// TestStatelessCallsAreRepeated: without a state, the version before can take over.
func TestStatelessCallsAreRepeated(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("p", newProvider().encode())
	first := f.build(nil, providerSpec("p", "p"))
	broken := newProvider()
	for _, export := range []string{abi.ExportResponse, abi.ExportStream} {
		broken.set(export, typeI32toL, trap)
	}
	f.write("p", broken.encode())
	set := f.build(first, providerSpec("p", "p"))
	x := exchange{t: t, p: set.Provider("p")}
	if _, err := x.response(0); err != nil {
		t.Error(err)
	}
	if said, err := x.stream(0); err != nil || said != "{}" {
		t.Errorf("%q, %v", said, err)
	}
	if said, err := x.stream(0); err != nil || said != "{}" { // with the state of the version before
		t.Errorf("%q, %v", said, err)
	}
	if st := f.status("p"); st.Faults != 2 {
		t.Errorf("status: %+v", st)
	}
	f.closed(first, set)
}

func TestForeignState(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	set := onProbation(f)
	p := set.Provider("p")
	for _, state := range []string{"v", "v2", "\xff\xff\xff\xffv2", "\x00\x00\x00\x00"} {
		x := exchange{t, p, []byte(state)}
		for _, call := range []func(uint64) (string, error){x.stream, x.response} {
			_, err := call(0)
			if f, ok := errors.AsType[*Fault](err); !ok || f.Starved {
				t.Errorf("state %q: %v", state, err)
			} else {
				contains(t, f.Cause, "is not from this provider")
			}
		}
	}
	if st := f.status("p"); st.Faults != 0 {
		t.Errorf("the plugin is blamed: %+v", st)
	}
	f.closed(set)
}

func TestLargestState(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	for size, ok := range map[int]bool{0: true, abi.MaxState: true, abi.MaxState + 1: false} {
		g := newProvider()
		out := abi.RequestOutput{Path: []byte("/"), State: bytes.Repeat([]byte("s"), size)}
		g.set(abi.ExportRequest, typeI32toL, g.answer(out.Append(nil)))
		f.write("p", g.encode())
		set := f.build(nil, providerSpec("p", "p"))
		_, err := set.Provider("p").Request(t.Context(), &abi.RequestInput{}, &out, nil)
		if (err == nil) != ok || ok && len(out.State) != statetag.Size+size {
			t.Errorf("%d bytes: %d bytes come out, %v", size, len(out.State), err)
		}
		set.Release()
	}
	f.closed()
}
