package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestConfigRefusals(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{`[]`, "must be an object, not array"},
		{`{`, "unexpected end"},
		{`{"no_such_key":1}`, `unknown setting "no_such_key"`},
		{`{"keep_alive":true}`, "keep_alive must be a duration"},
		{`{"keep_alive":1.5}`, "keep_alive must be a duration"},
		{`{"num_ctx":0}`, "num_ctx must be a whole number"},
		{`{"num_ctx":"4096"}`, "num_ctx must be a whole number"},
		{`{"truncate":1}`, "truncate must be true or false, not number"},
		{`{"options":[]}`, "options must be an object, not array"},
	} {
		err := sdktest.ConfigureError(newPlugin(), c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.config, err, c.want)
		}
	}
}

// TestConfigKept: the config outlives the buffer that it came in.
func TestConfigKept(t *testing.T) {
	p := newPlugin()
	text := []byte(`{"keep_alive":"5m"}`)
	if err := p.Configure(text); err != nil {
		t.Fatal(err)
	}
	clear(text)
	if got := string(p.keepAlive); got != `"5m"` {
		t.Errorf("keep_alive is %q", got)
	}
}

// TestLargeEmbeddings: an answer may hold more numbers than a request may hold values.
func TestLargeEmbeddings(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), "")
	vector := "[" + strings.Repeat("0,", jsonraw.MaxNodes) + "1]"
	out, err := host.Response(&abi.ResponseInput{
		Endpoint: abi.EndpointEmbeddings, Dialect: abi.DialectOpenAI, Status: 200, Body: []byte(`{"model":"m","embeddings":[` + vector + `]}`),
	})
	if err != nil || !strings.Contains(string(out.Body), vector) {
		t.Errorf("got %d bytes, %v", len(out.Body), err)
	}
}

func TestRefusedRequests(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), "")
	for name, change := range map[string]func(*abi.RequestInput){
		"dialect":    func(in *abi.RequestInput) { in.Dialect = abi.DialectAnthropic },
		"completion": func(in *abi.RequestInput) { in.Endpoint = abi.EndpointCompletions },
	} {
		in := sdktest.Input(`{"messages":[{"role":"user","content":"x"}]}`)
		change(in)
		_, err := host.Request(in)
		if ref, ok := errors.AsType[*abi.Refusal](err); !ok || ref.Status != 400 || ref.Class != abi.ClassOther {
			t.Errorf("%s: %v", name, err)
		}
	}
	for body, param := range map[string]string{
		`{"input":null}`:                      "input",
		`{"input":[]}`:                        "input",
		`{"input":[[1]]}`:                     "input",
		`{"input":["a",null]}`:                "input[1]",
		`{"input":{}}`:                        "input",
		`{"input":"a","dimensions":0}`:        "dimensions",
		`{"input":"a","encoding_format":"x"}`: "encoding_format",
		`{"messages":[{"role":"user","content":"x"}],"logprobs":1}`:                                    "logprobs",
		`{"messages":[{"role":"user","content":"x"}],"top_logprobs":21}`:                               "top_logprobs",
		`{"messages":[{"role":"user","content":"x"}],"top_k":"1"}`:                                     "top_k",
		`{"messages":[{"role":"user","content":"x"}],"max_tokens":-1}`:                                 "max_tokens",
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,"}}]}]}`: "messages[0].content[0].image_url.url",
		`{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}`:            "messages[0].content[0]",
	} {
		_, err := host.Request(sdktest.Input(body))
		if ref, ok := errors.AsType[*abi.Refusal](err); !ok || ref.Status != 400 || ref.Param != param {
			t.Errorf("%s: %+v", body, err)
		}
	}
}
