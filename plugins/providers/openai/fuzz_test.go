package main

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

const genericConfig = `{"vendor":"generic"}`

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","logprobs":1}`), "m", uint8(1), uint16(1))
	f.Fuzz(func(t *testing.T, body []byte, model string, endpoint uint8, flags uint16) {
		host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"groq"}`)
		out, err := host.Request(&abi.RequestInput{
			Endpoint: abi.Endpoint(endpoint), Dialect: abi.DialectOpenAI, Flags: flags, Model: []byte(model), Body: body,
		})
		checkRefusal(t, err)
		if err == nil && !out.Edits.Valid() {
			t.Error("invalid edits")
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add(200, []byte(`{"choices":[{"message":{"content":[{"type":"text","text":"a"}],"tool_calls":[{"function":{"arguments":{}}}]}}],"usage":{"prompt_tokens":1}}`))
	f.Add(429, []byte(`[{"error":{"code":"429","message":{"detail":[{"msg":"x"}]}}}]`))
	f.Add(500, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		host := sdktest.NewProvider(t, newPlugin(), genericConfig)
		out, err := host.Response(&abi.ResponseInput{
			Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: status & 0xffff, Now: sdktest.Now, Model: []byte("m"),
			RequestID: []byte("r"), Body: body,
		})
		checkRefusal(t, err)
		if err == nil && !out.AsIs && !json.Valid(out.Body) {
			t.Errorf("not JSON: %s", out.Body)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte{}, "", []byte(`{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`), []byte(`[DONE]`), uint8(0))
	f.Add([]byte{1, 1}, "error", []byte(`{"choices":[{"delta":{"tool_calls":[{"index":3}]}}]}`), []byte(`{"error":1}`), uint8(1))
	f.Fuzz(func(t *testing.T, state []byte, name string, first, second []byte, end uint8) {
		host := sdktest.NewProvider(t, newPlugin(), genericConfig)
		in := streamInput(state, string(first))
		in.Events = in.Events.Append([]byte(name), second)
		in.End = abi.End(end % 3)
		out, err := host.Stream(in)
		checkRefusal(t, err)
		if err != nil {
			return
		}
		if len(out.State) > abi.MaxState {
			t.Errorf("a state of %d bytes", len(out.State))
		}
		for kind, data := range out.Chunks.All {
			if kind == abi.ChunkError {
				if _, err := abi.DecodeRefusal(data); err != nil {
					t.Error(err)
				}
			} else if len(state) == 0 && !json.Valid(data) {
				t.Errorf("not JSON: %s", data)
			}
		}
	})
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	ref, ok := errors.AsType[*abi.Refusal](err)
	if !ok {
		t.Fatalf("not a refusal: %v", err)
	}
	if ref.Status < 400 || ref.Status > 599 || ref.Message == "" || ref.Type == "" || len(ref.Message) > 2<<10 {
		t.Errorf("an incomplete refusal: %+v", ref)
	}
}
