package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/providers/openai/internal/settings"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestConfigRefusals(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{`[]`, "must be an object, not array"},
		{`{`, "unexpected end"},
		{`{"no_such_key":1}`, `unknown setting "no_such_key"`},
		{`{"vendor":1}`, "vendor must be a string, not number"},
		{`{"vendor":"acme"}`, `vendor "acme" is unknown; known are openai, azure, `},
		{`{"api_version":"2024-10-21"}`, "api_version is for vendor azure, not openai"},
		{`{"vendor":"groq","title":"a"}`, "referer and title are for vendor openrouter, not groq"},
		{`{"vendor":"openrouter","title":"Aufzüge"}`, `title "Aufzüge" is sent as a header`},
		{`{"vendor":"openrouter","referer":"https://a\r\nb"}`, `referer "https://a\r\nb" is sent as a header`},
		{`{"vendor":"openrouter","title":" a"}`, `title " a" is sent as a header, which may not begin or end with a space`},
		{`{"organization":"a\u007f"}`, `organization "a\x7f" is sent as a header`},
		{`{"project":"\t"}`, `project "\t" is sent as a header`},
		{`{"path_prefix":"v1"}`, `path_prefix "v1" must be empty`},
		{`{"path_prefix":"/v1/"}`, `path_prefix "/v1/" must be empty`},
		{`{"max_tokens_field":"limit"}`, "max_tokens_field must be"},
		{`{"drop":"user"}`, "drop must be an array of strings, not string"},
		{`{"drop":[1]}`, "each element of drop must be a string, not number"},
		{`{"drop":["model"]}`, `drop: "model" is needed by the router`},
		{`{"drop":["a.b.c"]}`, `drop: "a.b.c" is not a member name`},
		{`{"drop":["user","user"]}`, "collides"},
		{`{"rename":["a"]}`, "rename must be an object of strings, not array"},
		{`{"rename":{"a":1}}`, "rename.a must be a string, not number"},
		{`{"rename":{"a.b":"c"}}`, `"a.b" is nested`},
		{`{"rename":{"a":"stream"}}`, `rename: "stream" is needed by the router`},
		{`{"rename":{"a":"c","b":"c"}}`, "collides"},
		{`{"rename":{"a":"a"}}`, "renamed to its own name"},
	} {
		err := sdktest.ConfigureError(newPlugin(), c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.config, err, c.want)
		}
	}
}

// TestVendors checks each row that the schema lists: it configures, and serves what it says.
func TestVendors(t *testing.T) {
	var schema struct {
		Properties map[string]struct{ Enum []string }
	}
	if err := json.Unmarshal([]byte(newPlugin().Describe().ConfigSchema), &schema); err != nil {
		t.Fatal(err)
	}
	names := schema.Properties["vendor"].Enum
	if len(names) < 10 {
		t.Fatalf("the schema lists %q", names)
	}
	for _, name := range names {
		v := settings.Named(name)
		if v == nil || v.Name != name {
			t.Fatalf("the schema lists %q, which is %+v", name, v)
		}
		host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"`+name+`"}`)
		for e := abi.EndpointChat; e <= abi.EndpointCompletions; e++ {
			in := sdktest.Input(`{}`)
			in.Endpoint, in.Flags = e, abi.FlagStream|abi.FlagBodyWithheld
			out, err := host.Request(in)
			if v.Has(e) != (err == nil) {
				t.Errorf("%s, %s: %v", name, e, err)
			}
			if err == nil && (out.ResponseMode == abi.ModeTranslate) != (v.Repair && e == abi.EndpointChat) {
				t.Errorf("%s, %s: response mode %d", name, e, out.ResponseMode)
			}
		}
	}
}

func TestOtherDialectRefused(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), "")
	in := sdktest.Input(`{}`)
	in.Dialect = abi.DialectAnthropic
	_, err := host.Request(in)
	if ref, ok := errors.AsType[*abi.Refusal](err); !ok || ref.Class != abi.ClassOther || ref.Status != 400 {
		t.Errorf("got %v", err)
	}
}

// TestDroppedWithheld: without the body every name is listed, for the host to pick from.
func TestDroppedWithheld(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), `{"vendor":"groq","drop":["a.b"]}`)
	in := sdktest.Input(``)
	in.Flags = abi.FlagBodyWithheld
	out, err := host.Request(in)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range out.Dropped.All {
		names = append(names, string(n))
	}
	if got := strings.Join(names, " "); got != "a.b logprobs top_logprobs logit_bias" {
		t.Errorf("dropped %q", got)
	}
}
