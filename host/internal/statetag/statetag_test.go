package statetag

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestTag tags the states of messages of any shape: the tag stands before the state, and all else is as it was.
func TestTag(t *testing.T) {
	t.Parallel()
	const module = 0x04030201
	random := rand.New(rand.NewPCG(1, 2))
	noise := func() []byte {
		b := make([]byte, random.IntN(40))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	check := func(message string, marked, plain []byte) {
		if want := "\x01\x02\x03\x04" + string(plain); string(marked) != want {
			t.Fatalf("%s: the state is %q, want %q", message, marked, want)
		}
		if number, rest, ok := Cut(marked); number != module || string(rest) != string(plain) || !ok {
			t.Fatalf("%s: %q is cut to %d and %q, %t", message, marked, number, rest, ok)
		}
	}
	for range 1000 {
		request := abi.RequestOutput{
			AuthName: noise(), Path: noise(), Query: noise(), Headers: noise(), Edits: noise(), Dropped: noise(), State: noise(), Body: noise(),
		}
		buf := append(request.Append(nil), noise()...)
		var out abi.RequestOutput
		if err := out.Decode(buf); err != nil {
			t.Fatal(err)
		}
		Request(module, buf, &out)
		check("request", out.State, request.State)
		out.State = request.State
		if got, want := fmt.Sprintf("%v", out), fmt.Sprintf("%v", request); got != want {
			t.Fatalf("request: %s became %s", want, got)
		}
		stream := abi.StreamOutput{State: noise(), Usage: abi.Usage{Present: true, Prompt: 7}, Chunks: noise()}
		buf = stream.Append(nil)
		var events abi.StreamOutput
		if err := events.Decode(buf); err != nil {
			t.Fatal(err)
		}
		Stream(module, buf, &events)
		check("stream", events.State, stream.State)
		events.State = stream.State
		if got, want := fmt.Sprintf("%v", events), fmt.Sprintf("%v", stream); got != want {
			t.Fatalf("stream: %s became %s", want, got)
		}
	}
}

func TestTooShort(t *testing.T) {
	t.Parallel()
	for size := range Size {
		if _, _, ok := Cut(make([]byte, size)); ok {
			t.Errorf("%d bytes have a tag", size)
		}
	}
}
