package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	const chat = abi.EndpointChat
	for _, tc := range []struct {
		body string
		want Facts // what is compared: everything exported but Body, Dialect, Endpoint, PromptTokens
	}{
		{`{"model":"fast"}`, Facts{Model: "fast"}},
		{` {"model":"\u0066ast"} `, Facts{Model: "fast"}},
		{`{"mod\u0065l":"a","model":"b"}`, Facts{Model: "b"}},
		{`{"model":"m","stream":true,"stream_options":{"include_usage":true}}`, Facts{Model: "m", Stream: true, IncludeUsage: true, Features: abi.FeatureStream}},
		{`{"model":"m","stream":true,"stream":false}`, Facts{Model: "m"}},
		{`{"model":"m","stream":null,"tools":null,"n":null,"user":null,"tags":null,"num_retries":null,"fallbacks":null}`, Facts{Model: "m"}},
		{`{"model":"m","messages":[{},{"role":"user","content":"x"}]}`, Facts{Model: "m", Messages: 2}},
		{`{"model":"m","messages":[{}],"messages":[]}`, Facts{Model: "m"}},
		{`{"model":"m","max_tokens":7}`, Facts{Model: "m", MaxOutput: 7}},
		{`{"model":"m","max_completion_tokens":9,"max_tokens":7}`, Facts{Model: "m", MaxOutput: 9}},
		{`{"model":"m","max_completion_tokens":null,"max_tokens":7.0}`, Facts{Model: "m", MaxOutput: 7}},
		{`{"model":"m","max_tokens":-1}`, Facts{Model: "m"}},
		{`{"model":"m","max_tokens":1e15}`, Facts{Model: "m", MaxOutput: 1<<31 - 1}},
		{`{"model":"m","tools":[]}`, Facts{Model: "m"}},
		{`{"model":"m","tools":[{}],"response_format":{"type":"json_schema"},"reasoning_effort":"high","logprobs":true,"n":2}`, Facts{Model: "m",
			Features: abi.FeatureTools | abi.FeatureJSONSchema | abi.FeatureReasoning | abi.FeatureLogprobs | abi.FeatureMultiChoice}},
		{`{"model":"m","functions":[{}],"response_format":{"type":"json_object"},"reasoning_effort":"none","logprobs":false,"n":1}`, Facts{Model: "m",
			Features: abi.FeatureTools | abi.FeatureJSONMode}},
		{`{"model":"m","messages":[{"content":[{"type":"image_url","image_url":{"url":"data:"}}]}]}`, Facts{Model: "m", Messages: 1, Features: abi.FeatureImages}},
		{`{"model":"m","messages":[{"content":"image_url"},{"content":"\"image_url\""},{"content":[{"type":"text","text":"file"}]}]}`, Facts{Model: "m", Messages: 3}},
		{`{"model":"m","messages":[{"content":[{"type":"input_audio"},{"type":"file"}]}]}`, Facts{Model: "m", Messages: 1, Features: abi.FeatureAudio | abi.FeatureFiles}},
		{`{"model":"m","user":"u1"}`, Facts{Model: "m", Session: "u1"}},
		{`{"model":"m","tags":["a","b"],"metadata":{"tags":["c"],"x":1}}`, Facts{Model: "m", Tags: []string{"a", "b", "c"}}},
		{`{"model":"m","tags":["a"],"tags":["b"]}`, Facts{Model: "m", Tags: []string{"b"}}},
		{`{"model":"m","num_retries":0,"timeout":1.5,"stream_timeout":"2s"}`, Facts{Model: "m", NumRetries: new(0), Timeout: 1500 * time.Millisecond, StreamTimeout: new(2 * time.Second)}},
		{`{"model":"m","timeout":1e-9}`, Facts{Model: "m", Timeout: time.Millisecond}},
		{`{"model":"m","fallbacks":[],"context_window_fallbacks":["a"],"content_policy_fallbacks":[{"model":"b","x":1}],"disable_fallbacks":true,"strict_params":true}`, Facts{Model: "m",
			Fallbacks: []string{}, ContextWindowFallbacks: []string{"a"}, ContentPolicyFallbacks: []string{"b"}, DisableFallbacks: true, StrictParams: true}},
	} {
		var got Facts
		if err := got.Decode(chat, []byte(tc.body)); err != nil {
			t.Errorf("%s: %v", tc.body, err)
			continue
		}
		if string(got.Body) != strings.TrimSpace(tc.body) || got.Dialect != abi.DialectOpenAI || got.Endpoint != chat {
			t.Errorf("%s: body %s", tc.body, got.Body)
		}
		got.Body, got.Dialect, got.Endpoint, got.PromptTokens, got.PrefixHash, got.own = nil, 0, 0, 0, 0, 0
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.body, got, tc.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ body, code, param string }{
		{``, "invalid_json", ""}, {`{`, "invalid_json", ""}, {`[]`, "invalid_json", ""}, {`"x"`, "invalid_json", ""},
		{`{"model":"m"}x`, "invalid_json", ""},
		{`{}`, "missing_required_parameter", "model"}, {`{"model":""}`, "missing_required_parameter", "model"},
		{`{"model":null}`, "invalid_type", "model"}, {`{"model":7}`, "invalid_type", "model"},
		{`{"model":"m","stream":1}`, "invalid_type", "stream"},
		{`{"model":"m","messages":{}}`, "invalid_type", "messages"}, {`{"model":"m","messages":["x"]}`, "invalid_type", "messages"},
		{`{"model":"m","num_retries":-1}`, "invalid_type", "num_retries"}, {`{"model":"m","num_retries":101}`, "invalid_type", "num_retries"},
		{`{"model":"m","num_retries":1.5}`, "invalid_type", "num_retries"},
		{`{"model":"m","timeout":0}`, "invalid_type", "timeout"}, {`{"model":"m","timeout":"-1s"}`, "invalid_type", "timeout"},
		{`{"model":"m","timeout":1e300}`, "invalid_type", "timeout"}, {`{"model":"m","timeout":true}`, "invalid_type", "timeout"},
		{`{"model":"m","stream_timeout":[]}`, "invalid_type", "stream_timeout"},
		{`{"model":"m","fallbacks":"fast"}`, "invalid_type", "fallbacks"}, {`{"model":"m","fallbacks":[{"fast":["slow"]}]}`, "invalid_type", "fallbacks"},
		{`{"model":"m","tags":"a"}`, "invalid_type", "tags"}, {`{"model":"m","metadata":{"tags":[1]}}`, "invalid_type", "metadata.tags"},
		{`{"model":"m","disable_fallbacks":"yes"}`, "invalid_type", "disable_fallbacks"},
	} {
		err := new(Facts).Decode(abi.EndpointChat, []byte(tc.body))
		if err == nil || err.Code != tc.code || err.Param != tc.param || err.Error() == "" {
			t.Errorf("%s: %+v, want %s of %q", tc.body, err, tc.code, tc.param)
		}
	}
}

func TestPromptTokens(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, messages string
		lo, hi         uint32
	}{
		{"text", `[{"role":"user","content":"` + strings.Repeat("word ", 800) + `"}]`, 950, 1100},
		{"escaped characters", `[{"role":"user","content":"` + strings.Repeat(`\u4e2d`, 1000) + `"}]`, 400, 1100},
		{"an image counts as a thousand", `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("A", 1<<20) + `"}}]}]`, 900, 1100},
		{"a short file too", `[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]`, 900, 1100},
		{"text beside an image counts", `[{"role":"user","content":[{"type":"image_url"},{"type":"text","text":"` + strings.Repeat("word ", 800) + `"}]}]`, 1900, 2200},
	} {
		var r Facts
		err := r.Decode(abi.EndpointChat, []byte(`{"model":"m","messages":`+tc.messages+`}`))
		if err != nil || r.PromptTokens < tc.lo || r.PromptTokens > tc.hi {
			t.Errorf("%s: %v, %+v", tc.name, err, r)
		}
	}
	var r Facts
	err := r.Decode(abi.EndpointEmbeddings, []byte(`{"model":"m","input":"`+strings.Repeat("x", 4000)+`"}`))
	if err != nil || r.PromptTokens < 1000 || r.Features != abi.FeatureEmbeddings {
		t.Errorf("input: %v %+v", err, r)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"30": 30 * time.Second, "0.5": 500 * time.Millisecond, "30s": 30 * time.Second, "1m30s": 90 * time.Second, "1e2": 100 * time.Second,
		"": 0, "0": 0, "-1": 0, "-1s": 0, "soon": 0, "true": 0, "null": 0, "NaN": 0, `"3"`: 0, "30 s": 0, "1e99": 0, "999999h": 0,
	} {
		got, err := Timeout("x-timeout", value)
		if got != want || (err != nil) != (want == 0) || err != nil && err.Param != "x-timeout" {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
}

func TestABodyWithoutOwnFieldsIsNotCopied(t *testing.T) {
	t.Parallel()
	var r Facts
	if m := r.Decode(abi.EndpointChat, []byte(`{"model":"fast","messages":[{"role":"user","content":"hello"}],"seed":1,"logit_bias":{}}`)); m != nil {
		t.Fatal(m)
	}
	got, _, err := r.Stripped()
	if err != nil || &got[0] != &r.Body[0] {
		t.Errorf("copied, %v", err)
	}
}

// checkBig makes sure that a span is that of a member's value, and empty only if none is long.
func checkBig(body []byte, big jsonraw.Span) error {
	for m := jsonraw.Value(body).Members(); m.Next(); {
		if big.End == 0 && len(m.Value) >= bigValue {
			return fmt.Errorf("%s has %d bytes and was not noted", m.Key, len(m.Value))
		}
		if big.End > 0 && &m.Value[0] == &body[big.Start] && len(m.Value) == big.End-big.Start {
			return nil
		}
	}
	if big.End > 0 {
		return fmt.Errorf("no value has bytes %d to %d", big.Start, big.End)
	}
	return nil
}

func TestTheLongestValueIsNoted(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return `["` + strings.Repeat("x", n-4) + `"]` }
	for body, size := range map[string]int{
		`{"model":"m","input":` + long(bigValue) + `}`:                                                             bigValue,
		`{"model":"m","input":` + long(bigValue-1) + `}`:                                                           0,
		` {"timeout":1,"input":` + long(bigValue) + ` , "model":"m"} `:                                             bigValue,
		`{"input":` + long(bigValue) + `,"extra":` + long(2*bigValue) + `,"model":"m","tags":["a"],"timeout":2}`:   2 * bigValue,
		`{"fallbacks":` + long(3*bigValue) + `,"input":` + long(2*bigValue) + `,"model":"m"}`:                      0, // it is taken out
		`{"model":"m","input":1,"extra":` + long(bigValue) + `,"\u0069nput":` + long(2*bigValue) + `,"timeout":1}`: 2 * bigValue,
	} {
		var r Facts
		if m := r.Decode(abi.EndpointEmbeddings, []byte(body)); m != nil {
			t.Fatal(m)
		}
		stripped, big, err := r.Stripped()
		if err != nil || big.End-big.Start != size {
			t.Errorf("%.60s: %+v, %v, want %d bytes", body, big, err, size)
		}
		if err := checkBig(stripped, big); err != nil && size > 0 {
			t.Errorf("%.60s: %v", body, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"model":"m","messages":[{"content":[{"type":"file","x":1}]}],"metadata":{"tags":["a"]},"tags":["b"],"timeout":3}`,
		`{"model":"m","model":"n","stream":true,"stream_options":{"include_usage":true},"max_tokens":4}`, `{"\u006dodel":"x","user":"\ud800"}`, `[]`, `{"model":"","n":2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		var r Facts
		refused := r.Decode(abi.EndpointChat, body)
		if !bytes.Equal(body, before) {
			t.Fatal("the body was changed")
		}
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(body, &doc); err != nil || doc == nil {
			if refused == nil && err != nil {
				t.Fatalf("encoding/json refuses what Decode takes: %v", err)
			}
			return
		}
		if refused != nil {
			return
		}
		var want struct {
			Model  string
			Stream bool
			User   any
			Tags   []string
			N      json.Number
		}
		for name, dst := range map[string]any{"model": &want.Model, "stream": &want.Stream, "user": &want.User, "tags": &want.Tags} {
			if raw, ok := doc[name]; ok {
				if err := json.Unmarshal(raw, dst); err != nil {
					t.Fatalf("%s is not what Decode took it for: %v", name, err)
				}
			}
		}
		user, _ := want.User.(string)
		if r.Model != want.Model || r.Stream != want.Stream || r.Session != user || !slices.Equal(r.Tags[:min(len(want.Tags), len(r.Tags))], want.Tags) {
			t.Fatalf("%+v, encoding/json reads %+v", r, want)
		}
		stripped, big, err := r.Stripped()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkBig(stripped, big); err != nil && big.End > 0 {
			t.Fatal(err)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(stripped, &got); err != nil {
			t.Fatalf("what is left is not an object: %v", err)
		}
		for _, name := range fieldNames[:ownFields] {
			if name != fieldNames[fieldMetadataTags] {
				delete(doc, name)
			}
		}
		same := func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }
		delete(doc, "metadata")
		delete(got, "metadata")
		if !maps.EqualFunc(doc, got, same) {
			t.Fatalf("stripped %s of %s", stripped, body)
		}
	})
}

func TestTagsAreBounded(t *testing.T) {
	t.Parallel()
	tags := func(n, size int) string {
		return strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("x", size)+`",`, n), ",")
	}
	for list, good := range map[string]bool{tags(64, 128): true, tags(65, 1): false, tags(1, 129): false} {
		for _, body := range []string{`{"model":"m","messages":[],"tags":[` + list + `]}`, `{"model":"m","messages":[],"metadata":{"tags":[` + list + `]}}`} {
			var r Facts
			if m := r.Decode(abi.EndpointChat, []byte(body)); (m == nil) != good {
				t.Errorf("%.60s: %v", body, m)
			}
		}
	}
}
