package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestBegins(t *testing.T) {
	text := []byte(benchEvent)
	for n := range len(text) + 1 {
		if !begins(text, text[:n]) {
			t.Fatalf("not its own beginning of %d bytes", n)
		}
		for i := range n {
			prefix := bytes.Clone(text[:n])
			prefix[i] ^= 1
			if begins(text, prefix) {
				t.Fatalf("a beginning of %d bytes, of which number %d differs", n, i)
			}
		}
	}
	if begins(text[:40], text[:41]) {
		t.Error("what is longer is no beginning")
	}
}

// TestTemplateFits: whatever byte of an event differs from the one before, the template is used only if the chunk is
// what it would be without one.
func TestTemplateFits(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), genericConfig)
	state := func(events ...string) []byte {
		out, err := host.Stream(streamInput(nil, events...))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(out.State)
	}
	with, without := state(benchEvent, benchEvent), state(benchEvent)
	if bytes.Equal(with, without) {
		t.Fatal("there is no template")
	}
	for i := range benchEvent {
		for _, c := range []byte{benchEvent[i] ^ 1, '"', '\\', '1'} {
			event := benchEvent[:i] + string(c) + benchEvent[i+1:]
			a, errA := host.Stream(streamInput(with, event))
			chunks, done := bytes.Clone(a.Chunks), a.Done
			b, errB := host.Stream(streamInput(without, event))
			if (errA == nil) != (errB == nil) || !bytes.Equal(chunks, b.Chunks) || done != b.Done {
				t.Fatalf("%s\ngives      %q\nwithout it %q", event, chunks, b.Chunks)
			}
		}
	}
}

// TestTemplateOfArguments: pieces of a call's arguments are like each other too.
func TestTemplateOfArguments(t *testing.T) {
	const open = `{"id":"x","model":"m","created":5,"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}}]}}]}`
	piece := func(text string) string {
		return `{"id":"x","model":"m","created":5,"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"` + text + `"}}]}}]}`
	}
	host := sdktest.NewProvider(t, newPlugin(), genericConfig)
	out, err := host.Stream(streamInput(nil, open, piece(`\"a\"`)))
	if err != nil {
		t.Fatal(err)
	}
	learnt := bytes.Clone(out.State)
	if !bytes.Contains(learnt, []byte(`"tool_calls":[{"index":0,"function":{"arguments":"`)) {
		t.Fatalf("no template in %q", learnt)
	}
	out, err = host.Stream(streamInput(learnt, piece(`:1}`)))
	if err != nil || !bytes.Equal(out.State, learnt) || !bytes.Contains(out.Chunks, []byte(`"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}`)) {
		t.Errorf("%q, %v", out.Chunks, err)
	}
}
