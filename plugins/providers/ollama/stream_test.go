package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func streamInput(state []byte, lines ...string) *abi.StreamInput {
	in := &abi.StreamInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream | abi.FlagIncludeUsage,
		Now: sdktest.Now, Model: []byte(sdktest.Model), RequestID: []byte(sdktest.RequestID), State: state,
	}
	for _, line := range lines {
		in.Events = in.Events.Append(nil, []byte(line))
		in.Count++
	}
	return in
}

const textLine = `{"model":"llama3.2","created_at":"2025-01-01T00:00:00.123456789Z","message":{"role":"assistant","content":" word"},"done":false}`

// TestTimeOfFirstChunk: all chunks carry the time of the first one.
func TestTimeOfFirstChunk(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), "")
	first, err := host.Stream(streamInput(nil, textLine))
	if err != nil {
		t.Fatal(err)
	}
	later := streamInput(bytes.Clone(first.State), textLine)
	later.Now += 60
	second, err := host.Stream(later)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range second.Chunks.All {
		if !bytes.Contains(data, []byte(`"created":1700000000`)) {
			t.Errorf("%s", data)
		}
	}
}

func TestDamagedState(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), "")
	out, err := host.Stream(streamInput(nil, textLine))
	if err != nil {
		t.Fatal(err)
	}
	state := bytes.Clone(out.State)
	for i := 1; i < 4; i++ {
		if _, err := host.Stream(streamInput(state[:i:i], textLine)); err == nil {
			t.Errorf("a state cut to %d bytes was accepted", i)
		}
	}
	for i := range 2 {
		damaged := bytes.Clone(state)
		damaged[i] ^= 0xff
		if _, err := host.Stream(streamInput(damaged, textLine)); err == nil {
			t.Errorf("a state with byte %d damaged was accepted", i)
		}
	}
	if _, err := host.Stream(streamInput(make([]byte, maxHead+1), textLine)); err == nil {
		t.Error("a state that is too large was accepted")
	}
}

// TestAfterEnd: a stream that is done says nothing more, whatever is called.
func TestAfterEnd(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), "")
	out, err := host.Stream(streamInput(nil, `{"message":{"content":"x"},"done":true}`))
	if err != nil || !out.Done {
		t.Fatalf("done %t, %v", out.Done, err)
	}
	in := streamInput(bytes.Clone(out.State), textLine)
	in.End = abi.EndAborted
	if out, err = host.Stream(in); err != nil || !out.Done || len(out.Chunks) > 0 {
		t.Errorf("%q, %v", out.Chunks, err)
	}
}

// TestPurity: what a call gives depends on its input alone, not on the calls before it.
func TestPurity(t *testing.T) {
	const config = `{"num_ctx":1024,"options":{"top_k":1}}`
	used := sdktest.NewProvider(t, newPlugin(), config)
	requests := []string{
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"temperature":1,"stop":"a"}`,
		`{"messages":[{"role":"user","content":"x"}]}`,
		`{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"reasoning_effort":"low"}`,
		`{"input":"a","encoding_format":"base64"}`,
		`{"messages":1}`,
	}
	lines := []string{
		textLine,
		`{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"logprobs":[]}`,
		`{"error":"x"}`,
		`{"message":{},"done":true,"logprobs":[1]}`,
	}
	answers := []string{
		`{"message":{"content":"x","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"logprobs":[]}`,
		`{"message":{"content":"y"}}`,
	}
	for range 2 {
		for i, body := range requests {
			fresh := sdktest.NewProvider(t, newPlugin(), config)
			a, errA := used.Request(sdktest.Input(body))
			b, errB := fresh.Request(sdktest.Input(body))
			if (errA == nil) != (errB == nil) || !bytes.Equal(a.Append(nil), b.Append(nil)) {
				t.Errorf("request %d: %s, %v; fresh: %s, %v", i, a.Body, errA, b.Body, errB)
			}
		}
		for i, line := range lines {
			fresh := sdktest.NewProvider(t, newPlugin(), config)
			a, errA := used.Stream(streamInput(nil, line))
			b, errB := fresh.Stream(streamInput(nil, line))
			if (errA == nil) != (errB == nil) || !bytes.Equal(a.Append(nil), b.Append(nil)) {
				t.Errorf("stream %d: %q, %v; fresh: %q, %v", i, a.Chunks, errA, b.Chunks, errB)
			}
		}
		for i, answer := range answers {
			fresh := sdktest.NewProvider(t, newPlugin(), config)
			in := &abi.ResponseInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200, Body: []byte(answer)}
			a, errA := used.Response(in)
			b, errB := fresh.Response(in)
			if errA != nil || errB != nil || !bytes.Equal(a.Append(nil), b.Append(nil)) {
				t.Errorf("answer %d: %s, %v; fresh: %s, %v", i, a.Body, errA, b.Body, errB)
			}
		}
	}
}
