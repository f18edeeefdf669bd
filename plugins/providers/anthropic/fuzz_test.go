package main

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func FuzzRequest(f *testing.F) {
	f.Add(string(sdktest.ToolsRequest), "claude-sonnet-4-5", uint16(1))
	f.Add(`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image\/png;base64,A\"A"}},{"type":"file","file":{"file_data":"data:,a%22"}}]}],"reasoning_effort":"low"}`, "claude-opus-5", uint16(0))
	f.Add(`{"messages":[{"role":"assistant","content":"a \\n ","tool_calls":[{"id":"a:","function":{"name":"f","arguments":"{}"}}],"thinking_blocks":[{"type":"thinking"}]}],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}}}`, "claude-3", uint16(4))
	host := sdktest.NewProvider(f, &plugin{}, "")
	f.Fuzz(func(t *testing.T, body, model string, flags uint16) {
		in := abi.RequestInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: flags, Model: []byte(model), Body: []byte(body)}
		out, err := host.Request(&in)
		if err != nil {
			refused(t, err)
		} else if !json.Valid(out.Body) {
			t.Fatalf("the vendor would get %s", out.Body)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte(`{"id":"m","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"i","name":"json_response","input":{"a":[1]}}],"usage":{"input_tokens":1}}`), 200, []byte{stateVersion, 1})
	f.Add([]byte(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`), 529, []byte(nil))
	f.Add([]byte(`<html>`), 502, []byte{1})
	host := sdktest.NewProvider(f, &plugin{}, "")
	f.Fuzz(func(t *testing.T, body []byte, status int, s []byte) {
		in := abi.ResponseInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: int(uint16(status)), Body: body, State: s}
		out, err := host.Response(&in)
		if err != nil {
			refused(t, err)
		} else if !json.Valid(out.Body) {
			t.Fatalf("the client would get %s", out.Body)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(nil), "message_start", []byte(`{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":1}}}`), []byte(`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"i","name":"f","input":{"a":1}}}`), uint8(1))
	f.Add([]byte{stateVersion, 1}, "content_block_delta", []byte(`{"delta":{"type":"input_json_delta","partial_json":"{"}}`), []byte(`{"type":"message_delta","delta":{"stop_reason":"tool_use"}}`), uint8(2))
	host := sdktest.NewProvider(f, &plugin{}, "")
	f.Fuzz(func(t *testing.T, s []byte, name string, first, second []byte, end uint8) {
		in := abi.StreamInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, State: s, Flags: abi.FlagIncludeUsage}
		for _, data := range [][]byte{first, second} {
			in.Events = in.Events.Append([]byte(name), data)
			in.Count++
		}
		in.End = abi.End(end % 3)
		out, err := host.Stream(&in)
		if err != nil {
			refused(t, err)
			return
		}
		if !out.Done && in.End != abi.EndNot {
			t.Fatal("the stream ended and is not done")
		}
		for kind, data := range out.Chunks.All {
			if kind == abi.ChunkError {
				if _, err := abi.DecodeRefusal(data); err != nil {
					t.Fatal(err)
				}
			} else if len(s) < 3 && !json.Valid(data) { // the head in a forged state is not looked at
				t.Fatalf("the client would get %s", data)
			}
		}
		in.State, in.Events, in.Count = append([]byte(nil), out.State...), nil, 0
		if _, err := host.Stream(&in); err != nil {
			t.Fatalf("its own state is refused: %v", err)
		}
	})
}

func refused(t *testing.T, err error) {
	t.Helper()
	if ref, ok := errors.AsType[*abi.Refusal](err); !ok || ref.Message == "" || ref.Status < 400 {
		t.Fatalf("%#v is no refusal", err)
	}
}
