package main

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func streamInput(state []byte, events ...string) *abi.StreamInput {
	in := &abi.StreamInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream | abi.FlagIncludeUsage,
		Now: sdktest.Now, Model: []byte(sdktest.Model), RequestID: []byte(sdktest.RequestID), State: state,
	}
	for _, e := range events {
		in.Events = in.Events.Append(nil, []byte(e))
		in.Count++
	}
	return in
}

// TestDamagedState: every cut and every changed byte of a real state is a refusal or an ordinary answer.
func TestDamagedState(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"generic"}`)
	out, err := host.Stream(streamInput(nil, `{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f"}}]}},{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	state := bytes.Clone(out.State)
	next := `{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}`
	for i := range state {
		if _, err := host.Stream(streamInput(state[:i:i], next)); i > 0 && err == nil {
			t.Errorf("a state cut to %d bytes was accepted", i)
		}
		damaged := bytes.Clone(state)
		damaged[i] ^= 0xff
		if _, err := host.Stream(streamInput(damaged, next)); errors.Is(err, abi.ErrShort) {
			t.Errorf("byte %d damaged: %v", i, err)
		}
	}
	if _, err := host.Stream(streamInput(append(bytes.Clone(state), 0), next)); err == nil {
		t.Error("a state with a byte too many was accepted")
	}
}

// TestManyLogprobs: an answer may hold more values than a request.
func TestManyLogprobs(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"generic"}`)
	logprobs := `{"content":[` + strings.Repeat(`{},`, jsonraw.MaxNodes/2) + `{}]}`
	out, err := host.Response(&abi.ResponseInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200,
		Body: []byte(`{"choices":[{"message":{"content":"x"},"logprobs":` + logprobs + `}]}`),
	})
	if err != nil || !strings.Contains(string(out.Body), logprobs) {
		t.Errorf("got %d bytes, %v", len(out.Body), err)
	}
}

// TestLimits: a stream cannot make the state grow without bound.
func TestLimits(t *testing.T) {
	calls := strings.Repeat(`{"id":"","function":{"name":"f"}},`, 2000)
	var choices strings.Builder
	for i := range 200 {
		choices.WriteString(`{"index":` + strconv.Itoa(i) + `,"delta":{"content":"x"}},`)
	}
	for name, event := range map[string]string{
		"tools":   `{"choices":[{"delta":{"tool_calls":[` + strings.TrimSuffix(calls, ",") + `]}}]}`,
		"choices": `{"choices":[` + strings.TrimSuffix(choices.String(), ",") + `]}`,
	} {
		host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"generic"}`)
		r := host.Replay(*streamInput(nil), []sdktest.Event{{Data: event}}, 0, abi.EndNot)
		if len(r.Chunks) != 1 || r.Chunks[0].Refusal == nil || !r.Done {
			t.Errorf("%s: %+v", name, r)
		}
	}
	long := strings.Repeat("x", 100<<10)
	host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"generic"}`)
	out, err := host.Stream(streamInput(nil, `{"id":"`+long+`","model":"`+long+`","choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"x":"`+long+`"}}`))
	if err != nil || len(out.State) > 4<<10 {
		t.Errorf("state of %d bytes, %v", len(out.State), err)
	}
}

// TestPurity: what a call gives depends on its input alone, not on the calls before it.
func TestPurity(t *testing.T) {
	const config = `{"vendor":"generic"}`
	used := sdktest.NewProvider(t, newPlugin(), config)
	inputs := []*abi.StreamInput{
		streamInput(nil, `{"id":"a","model":"m","choices":[{"delta":{"role":"assistant","content":"x"}}],"usage":{"prompt_tokens":3}}`),
		streamInput(nil, `{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}}]}`),
		streamInput(nil, `{"error":"bad"}`),
		streamInput([]byte{9, 9}, `{}`),
		streamInput(nil, `[DONE]`),
		streamInput(nil),
	}
	answer := []byte(`{"choices":[{"message":{"content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"x"}]}}]}`)
	for range 2 {
		for i, in := range inputs {
			fresh := sdktest.NewProvider(t, newPlugin(), config)
			a, errA := used.Stream(in)
			b, errB := fresh.Stream(in)
			if (errA == nil) != (errB == nil) || !bytes.Equal(a.Append(nil), b.Append(nil)) {
				t.Errorf("stream %d: %q, %v; fresh: %q, %v", i, a.Chunks, errA, b.Chunks, errB)
			}
			respIn := &abi.ResponseInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200, Now: sdktest.Now, RequestID: []byte(sdktest.RequestID), Body: answer}
			ra, _ := used.Response(respIn)
			rb, _ := fresh.Response(respIn)
			if !bytes.Equal(ra.Append(nil), rb.Append(nil)) || len(ra.Body) == 0 {
				t.Errorf("response: %s; fresh: %s", ra.Body, rb.Body)
			}
		}
	}
}

// TestTemplate: with and without templates a stream gives the same chunks, and where the texts alone differ templates
// are in use.
func TestTemplate(t *testing.T) {
	const head = `{"id":"a","created":5,"model":"m","choices":[{"index":0,"delta":`
	events := []string{
		head + `{"role":"assistant","content":""}}]}`,
		head + `{"content":"\"a\""}}]}`,
		head + `{"content":"\u00e4 {\"content\":\"x\"}"}}]}`,
		head + `{"content":"id"}}]}`,
		head + `{"content":"a"}}]}`,
		head + `{"content":"m"}}]}`,
		head + `{"content":""}}]}`,
		head + `{"content":"x","content":"y"}}]}`,
		head + `{"content":"y","reasoning":"x"}}]}`,
		head + `{"content":"","reasoning":"r1"}}]}`,
		head + `{"content":"","reasoning":"r2"}}]}`,
		head + `{"content":["b"]}}]}`,
		head + `{"content":["c"]}}]}`,
		head + `{"content":"z"}}],"usage":{"prompt_tokens":1}}`,
		head + `{"content":"z"}}],"usage":{"prompt_tokens":2}}`,
		head + `{"content":"z"},"logprobs":{"content":[{"token":"z"}]}}]}`,
		head + `{"content":"zz"},"logprobs":{"content":[{"token":"z"}]}}]}`,
		head + `{"content":"last"},"finish_reason":"stop"}]}`,
		head + `{"content":"late"},"finish_reason":"stop"}]}`,
		`[DONE]`,
	}
	host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"generic"}`)
	used := 0
	var state, plain []byte
	for i, event := range events {
		a, err := host.Stream(streamInput(state, event))
		if err != nil {
			t.Fatal(err)
		}
		chunks := bytes.Clone(a.Chunks)
		var s streamState
		if !s.load(state) {
			t.Fatal("the state can't be read")
		}
		if len(s.template.before) > 0 {
			used++
		}
		state = bytes.Clone(a.State)
		b, err := host.Stream(streamInput(plain, event))
		if err != nil || !bytes.Equal(chunks, b.Chunks) || a.Done != b.Done {
			t.Errorf("event %d: %q, without template %q, %v", i, chunks, b.Chunks, err)
		}
		if !s.load(b.State) {
			t.Fatal("the state can't be read")
		}
		s.template.drop()
		plain = s.save(nil)
	}
	if used < 8 {
		t.Errorf("a template was there for %d events only", used)
	}
	next, err := host.Stream(streamInput(nil, events[0], events[3], events[4], head+`{"content":"bad`+"\n"+`"}}]}`))
	if err != nil || !next.Done {
		t.Errorf("a text with a control byte was accepted: %q, %v", next.Chunks, err)
	}
}
