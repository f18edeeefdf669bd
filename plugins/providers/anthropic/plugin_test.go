package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestConfigure(t *testing.T) {
	for _, tc := range []struct{ config, want string }{
		{`{}`, ""},
		{`{"version":"2024-01-01","beta":[],"max_tokens_default":1}`, ""},
		{`{"version":""}`, "version"},
		{`{"version":1}`, "version"},
		{`{"beta":"a"}`, "beta"},
		{`{"beta":[""]}`, "beta"},
		{`{"max_tokens_default":0}`, "max_tokens_default"},
		{`{"max_tokens_default":"9"}`, "max_tokens_default"},
		{`{"max_token_default":9}`, `unknown key "max_token_default"`},
		{`[]`, "object"},
		{`{`, "JSON"},
	} {
		err := sdktest.ConfigureError(&plugin{}, tc.config)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("Configure(%s): %v, want %q", tc.config, err, tc.want)
		}
	}
}

func TestStateGarbage(t *testing.T) {
	host := sdktest.NewProvider(t, &plugin{}, "")
	good := state{started: true, head: []byte("h"), blocks: []block{{index: 1, kind: blockCall, input: []byte("{}")}}}
	whole := good.append(nil)
	noBlocks := good
	noBlocks.blocks = nil
	for i := 3; i < len(whole); i++ {
		in := abi.StreamInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, State: whole[:i]}
		if _, err := host.Stream(&in); err == nil && i != len(noBlocks.append(nil)) {
			t.Errorf("a state cut to %d bytes is accepted", i)
		}
	}
	for _, text := range []string{"\x00", "\x01", "\x02\x00", "\x01\x00\x09\x00\x00\x00\x00\x00\x00\x00"} {
		in := abi.StreamInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, State: []byte(text)}
		if _, err := host.Stream(&in); err == nil {
			t.Errorf("the state %q is accepted", text)
		}
	}
	in := abi.StreamInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectGemini}
	if _, err := host.Stream(&in); err == nil {
		t.Error("a stream in another dialect is accepted")
	}
}

// TestPure plays calls in two orders, on one used and one new instance: nothing may be left over.
func TestPure(t *testing.T) {
	requests := [][]byte{
		sdktest.ToolsRequest,
		[]byte(`{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"},"stop":"x"}`),
		[]byte(`{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"}]}],"tools":[],"user":"u"}`),
		[]byte(`{"messages":[{"role":"user","content":"b"}],"n":2}`),
	}
	responses := [][]byte{
		[]byte(`{"id":"i","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"x"},{"type":"tool_use","id":"c","name":"json_response","input":{"a":1}}],"usage":{"input_tokens":1}}`),
		[]byte(`{"content":[]}`),
		[]byte(`{"type":"error","error":{"type":"api_error","message":"m"}}`),
	}
	states := [][]byte{nil, {stateVersion, stateJSONTool}}
	models := []string{"claude-sonnet-4-5", "claude-opus-4-7", "", "claude-sonnet-4-5"}
	used := sdktest.NewProvider(t, &plugin{}, "")
	for round := range 2 {
		for i := range requests {
			if round == 1 {
				i = len(requests) - 1 - i
			}
			in := abi.RequestInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Model: []byte(models[i]), Body: requests[i]}
			a, errA := used.Request(&in)
			b, errB := sdktest.NewProvider(t, &plugin{}, "").Request(&in)
			if (errA == nil) != (errB == nil) || !bytes.Equal(a.Append(nil), b.Append(nil)) {
				t.Errorf("request %d: got %s (%v), new instance %s (%v)", i, a.Body, errA, b.Body, errB)
			}
		}
		for i, body := range responses {
			for _, s := range states {
				in := abi.ResponseInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200, Body: body, State: s}
				a, errA := used.Response(&in)
				b, errB := sdktest.NewProvider(t, &plugin{}, "").Response(&in)
				if (errA == nil) != (errB == nil) || !bytes.Equal(a.Append(nil), b.Append(nil)) {
					t.Errorf("response %d: got %s (%v), new instance %s (%v)", i, a.Body, errA, b.Body, errB)
				}
			}
		}
	}
}
