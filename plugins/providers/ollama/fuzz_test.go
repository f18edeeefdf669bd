package main

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA%41"}}]},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}],"stop":["a"],"temperature":1,"response_format":{"type":"json_object"}}`), uint8(1))
	f.Add([]byte(`{"input":["a"],"dimensions":3,"encoding_format":"base64"}`), uint8(2))
	f.Fuzz(func(t *testing.T, body []byte, endpoint uint8) {
		host := sdktest.NewProvider(t, newPlugin(), `{"num_ctx":10,"options":{"top_k":1}}`)
		out, err := host.Request(&abi.RequestInput{
			Endpoint: abi.Endpoint(endpoint), Dialect: abi.DialectOpenAI, Flags: abi.FlagStream, Model: []byte("m"), Body: body,
		})
		checkRefusal(t, err)
		if err == nil && !json.Valid(out.Body) {
			t.Errorf("not JSON: %s", out.Body)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add(200, uint8(1), []byte{}, []byte(`{"message":{"content":"a","thinking":"b","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"logprobs":[],"eval_count":1}`))
	f.Add(200, uint8(2), []byte{1}, []byte(`{"embeddings":[[1,2.5e0]],"prompt_eval_count":1}`))
	f.Add(404, uint8(1), []byte{}, []byte(`{"error":{"message":"x"}}`))
	f.Fuzz(func(t *testing.T, status int, endpoint uint8, state, body []byte) {
		host := sdktest.NewProvider(t, newPlugin(), "")
		out, err := host.Response(&abi.ResponseInput{
			Endpoint: abi.Endpoint(endpoint), Dialect: abi.DialectOpenAI, Status: status & 0xffff, Now: sdktest.Now, Model: []byte("m"),
			RequestID: []byte("r"), State: state, Body: body,
		})
		checkRefusal(t, err)
		if err == nil && !json.Valid(out.Body) {
			t.Errorf("not JSON: %s", out.Body)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte{}, []byte(textLine), []byte(`{"done":true}`), uint8(0))
	f.Add([]byte{1, 0, 3, 0, '{'}, []byte(`{"message":{"tool_calls":[{},1]},"logprobs":[]}`), []byte(`{"error":1}`), uint8(1))
	f.Fuzz(func(t *testing.T, state, first, second []byte, end uint8) {
		host := sdktest.NewProvider(t, newPlugin(), "")
		in := streamInput(state, string(first), string(second))
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
