package chat

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

const hello = `"messages":[{"role":"user","content":"hi"}]`

func read(t testing.TB, body string) *Request {
	t.Helper()
	r := new(Request)
	if err := r.Read([]byte(body)); err != nil {
		t.Fatalf("Read(%s): %v", body, err)
	}
	return r
}

func TestReadScalars(t *testing.T) {
	r := read(t, `{"model":"m","temperature":0.50,"top_p":null,"max_tokens":10,"max_completion_tokens":2e1,"stop":"x",
		"safety_identifier":"s","reasoning_effort":"xhigh","parallel_tool_calls":false,"seed":12345678901234567890,`+hello+`}`)
	if string(r.Temperature) != "0.50" || r.TopP != nil || r.MaxTokens != 20 || r.N != 1 || r.Effort != EffortXHigh {
		t.Errorf("got temperature %s, top_p %s, max %d, n %d, effort %v", r.Temperature, r.TopP, r.MaxTokens, r.N, r.Effort)
	}
	if stop := slices.Collect(r.Stop); len(stop) != 1 || !stop[0].TextIs("x") || !r.HasStop() || !r.User.TextIs("s") || string(r.Parallel) != "false" || string(r.Seed) != "12345678901234567890" {
		t.Errorf("got stop %s, user %s, parallel %s, seed %s", stop, r.User, r.Parallel, r.Seed)
	}
}

func TestReadFormat(t *testing.T) {
	r := read(t, `{"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object"}}},`+hello+`}`)
	if f := r.Format; f.Kind != FormatSchema || !f.Name.TextIs("a") || !f.Strict || string(f.Schema.Value()) != `{"type":"object"}` {
		t.Errorf("got %+v", f)
	}
	r = read(t, `{"response_format":{"type":"json_schema","json_schema":{"name":"a"}},`+hello+`}`)
	if string(r.Format.Schema.Value()) != EmptySchema || !r.Format.Schema.Missing() {
		t.Errorf("a missing schema is %s", r.Format.Schema.Value())
	}
}

func TestReadTools(t *testing.T) {
	const tools = `"tools":[{"type":"function","function":{"name":"a","description":"","parameters":{"type":"object"}}},
		{"type":"function","function":{"name":"b","parameters":null,"strict":true},"cache_control":{"type":"ephemeral"}}],`
	r := read(t, `{`+tools+`"tool_choice":{"type":"function","function":{"name":"b"}},`+hello+`}`)
	if r.Tools() != 2 {
		t.Fatalf("%d tools", r.Tools())
	}
	if a, b := r.Tool(0), r.Tool(1); a.Description() != nil || !a.Parameters().Typed() || !b.Parameters().Missing() || !b.Strict() || b.CacheControl() == nil {
		t.Errorf("got %+v and %+v", a, b)
	}
	if r.Choice.Mode != ChoiceNamed || !r.Choice.Name.TextIs("b") {
		t.Errorf("got %+v", r.Choice)
	}
	r = read(t, `{`+tools+`"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"b"}}]}},`+hello+`}`)
	if r.Choice.Mode != ChoiceRequired || r.Tools() != 1 || !r.Tool(0).Name().TextIs("b") {
		t.Errorf("allowed_tools: got %+v of %d tools", r.Choice, r.Tools())
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tc := range []struct{ body, param, code string }{
		{`{`, "", refusal.CodeInvalidValue},
		{`[]`, "", refusal.CodeInvalidValue},
		{`{}`, "messages", refusal.CodeInvalidValue},
		{`{"messages":{}}`, "messages", refusal.CodeInvalidValue},
		{`{"messages":[]}`, "messages", refusal.CodeInvalidValue},
		{`{"messages":[1]}`, "messages[0]", refusal.CodeInvalidValue},
		{`{"messages":[{"role":"user","content":"a"},{"role":"boss","content":"b"}]}`, "messages[1].role", refusal.CodeInvalidValue},
		{`{"messages":[{"role":"user"}]}`, "messages[0].content", refusal.CodeInvalidValue},
		{`{"messages":[{"role":"user","content":{}}]}`, "messages[0].content", refusal.CodeInvalidValue},
		{`{"messages":[{"role":"tool","content":"a"}]}`, "messages[0].tool_call_id", refusal.CodeInvalidValue},
		{`{"messages":[{"role":"assistant","tool_calls":{}}]}`, "messages[0].tool_calls", refusal.CodeInvalidValue},
		{`{"max_tokens":0,` + hello + `}`, "max_tokens", refusal.CodeInvalidValue},
		{`{"max_completion_tokens":-1,` + hello + `}`, "max_completion_tokens", refusal.CodeInvalidValue},
		{`{"max_tokens":"9",` + hello + `}`, "max_tokens", refusal.CodeInvalidValue},
		{`{"n":0,` + hello + `}`, "n", refusal.CodeInvalidValue},
		{`{"temperature":"hot",` + hello + `}`, "temperature", refusal.CodeInvalidValue},
		{`{"stop":[1],` + hello + `}`, "stop[0]", refusal.CodeInvalidValue},
		{`{"stop":1,` + hello + `}`, "stop", refusal.CodeInvalidValue},
		{`{"response_format":"json",` + hello + `}`, "response_format", refusal.CodeInvalidValue},
		{`{"response_format":{"type":"xml"},` + hello + `}`, "response_format.type", refusal.CodeInvalidValue},
		{`{"response_format":{"type":"json_schema"},` + hello + `}`, "response_format.json_schema.name", refusal.CodeInvalidValue},
		{`{"reasoning_effort":"huge",` + hello + `}`, "reasoning_effort", refusal.CodeInvalidValue},
		{`{"tools":[{"type":"custom","custom":{"name":"x"}}],` + hello + `}`, "tools[0].type", refusal.CodeUnsupportedParameter},
		{`{"tools":[{"type":"function","function":{}}],` + hello + `}`, "tools[0].function.name", refusal.CodeInvalidValue},
		{`{"tools":[{"type":"function","function":{"name":"a","parameters":[]}}],` + hello + `}`, "tools[0].function.parameters", refusal.CodeInvalidValue},
		{`{"tool_choice":"required",` + hello + `}`, "tool_choice", refusal.CodeInvalidValue},
		{`{"tool_choice":"maybe",` + hello + `}`, "tool_choice", refusal.CodeInvalidValue},
		{`{"tool_choice":{"type":"custom"},` + hello + `}`, "tool_choice.type", refusal.CodeUnsupportedParameter},
		{`{"functions":[],` + hello + `}`, "functions", refusal.CodeUnsupportedParameter},
	} {
		err := new(Request).Read([]byte(tc.body))
		ref, ok := errors.AsType[*abi.Refusal](err)
		if !ok {
			t.Errorf("Read(%s): %v, want a refusal", tc.body, err)
			continue
		}
		if ref.Status != 400 || ref.Type != refusal.TypeInvalidRequest || ref.Param != tc.param || ref.Code != tc.code || ref.Message == "" {
			t.Errorf("Read(%s): %+v, want param %q, code %q", tc.body, ref, tc.param, tc.code)
		}
		if other := tc.code == refusal.CodeUnsupportedParameter; other != (ref.Class == abi.ClassOther) {
			t.Errorf("Read(%s): class %d", tc.body, ref.Class)
		}
	}
}

func TestDropped(t *testing.T) {
	r := read(t, `{"model":"m","stream":true,"stream_options":{},"num_retries":1,"tags":[],"metadata":{"tags":["a"]},"n":1,
		"logprobs":false,"frequency_penalty":0.0,"presence_penalty":1,"logit_bias":{},"seed":1,"user":null,"top_k":4,
		"response_format":{"type":"text"},"tool_choice":"auto","store":true,`+hello+`}`)
	var got []string
	for name := range r.Dropped(nil, func(name []byte) bool { return string(name) == "top_k" }).All {
		got = append(got, string(name))
	}
	if want := []string{"presence_penalty", "seed", "store"}; !slices.Equal(got, want) {
		t.Errorf("dropped %q, want %q", got, want)
	}
}

func TestParts(t *testing.T) {
	r := read(t, `{"messages":[{"role":"user","content":["plain",{"type":"text","text":"t","cache_control":{"type":"ephemeral"}},
		{"type":"image_url","image_url":{"url":"u","detail":"low"}},{"type":"image_url","image_url":"v"},
		{"type":"input_audio","input_audio":{"data":"d","format":"wav"}},{"type":"file","file":{"file_id":"f"}},
		{"type":"thinking","thinking":"th","signature":"s"},{"type":"redacted_thinking","data":"r"},
		{"type":"text","text":1},{"type":"video"},{"type":"text"}]}]}`)
	m := r.Message(0)
	want := []PartKind{PartText, PartText, PartImage, PartImage, PartAudio, PartFile, PartThinking, PartRedacted, PartOther, PartOther, PartOther}
	i := 0
	for p := m.Parts(); p.Next(); i++ {
		if i >= len(want) || p.Kind != want[i] || p.Index != i {
			t.Fatalf("part %d: kind %d, index %d", i, p.Kind, p.Index)
		}
		if i == 3 && !p.URL().TextIs("v") || i == 6 && !p.Signature().TextIs("s") {
			t.Errorf("part %d: %+v", i, p.Part)
		}
		if i == 4 {
			if ref := m.RefusePart(&p.Part, "V"); ref.Param != "messages[0].content[4]" || ref.Class != abi.ClassOther {
				t.Errorf("RefusePart: %+v", ref)
			}
		}
	}
	if i != len(want) {
		t.Errorf("%d parts, want %d", i, len(want))
	}
}

func TestArguments(t *testing.T) {
	for _, tc := range []struct{ arguments, want, param string }{
		{`"{ \"a\" : [1, 2] }"`, `{"a":[1,2]}`, ""},
		{`""`, `{}`, ""},
		{`" \n"`, `{}`, ""},
		{`null`, `{}`, ""},
		{`{"a": 1}`, `{"a":1}`, ""},
		{`"{"`, ``, "messages[0].tool_calls[0].function.arguments"},
		{`"[1]"`, ``, "messages[0].tool_calls[0].function.arguments"},
		{`7`, ``, "messages[0].tool_calls[0].function.arguments"},
	} {
		r := read(t, `{"messages":[{"role":"assistant","tool_calls":[{"id":"i","function":{"name":"f","arguments":`+tc.arguments+`}}]}]}`)
		calls := r.Message(0).Calls()
		if !calls.Next() {
			t.Fatal("no call")
		}
		got, err := calls.AppendArguments([]byte("x"))
		if string(got) != "x"+tc.want {
			t.Errorf("AppendArguments(%s) = %s", tc.arguments, got)
		}
		if ref, _ := errors.AsType[*abi.Refusal](err); (tc.param != "") != (ref != nil) || ref != nil && ref.Param != tc.param {
			t.Errorf("AppendArguments(%s): %v", tc.arguments, err)
		}
	}
}

func TestCallsRefuse(t *testing.T) {
	r := read(t, `{"messages":[{"role":"assistant","tool_calls":[{"id":"i","function":{"name":"f"}},{"id":"j","type":"custom"}]}]}`)
	calls := r.Message(0).Calls()
	for calls.Next() {
	}
	if ref, _ := errors.AsType[*abi.Refusal](calls.Err); ref == nil || ref.Param != "messages[0].tool_calls[1].function.name" {
		t.Errorf("got %v", calls.Err)
	}
}

// TestTurns writes a conversation's turns as "role:indices" and compares.
func TestTurns(t *testing.T) {
	const (
		system = `{"role":"system","content":"s"}`
		user   = `{"role":"user","content":"u"}`
		blank  = `{"role":"user","content":[{"type":"text","text":" \n"}]}`
		said   = `{"role":"assistant","content":"a"}`
		nil_   = `{"role":"assistant","content":null}`
		calls  = `{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f"}},{"id":"y","function":{"name":"g"}}]}`
		notHis = `{"role":"user","content":" ","refusal":"r","thinking_blocks":[{"type":"thinking","thinking":"t"}],` +
			`"tool_calls":[{"id":"x","function":{"name":"f"}}]}`
		refuses = `{"role":"assistant","content":"","refusal":"r"}`
		resX    = `{"role":"tool","tool_call_id":"x","content":"1"}`
		resY    = `{"role":"tool","tool_call_id":"y","content":""}`
		resZ    = `{"role":"tool","tool_call_id":"z","content":"?"}`
	)
	for _, tc := range []struct{ messages, want string }{
		{user, "u0"},
		{system + "," + user + "," + system, "u1"},
		{user + "," + user + "," + said, "u01 a2"},
		{user + "," + blank + "," + nil_ + "," + said, "u0 a3"},
		{user + "," + nil_ + "," + user, "u02"},
		{user + "," + calls + "," + resY + "," + user + "," + resX, "u0 a1 u423"},
		{user + "," + calls + "," + resZ + "," + resX, "u0 a1 u32"},
		{said + "," + system + "," + user, "a0 u2"},
		{system + "," + system, "u01"},
		{blank, ""},
		{user + "," + refuses + "," + notHis, "u0 a1"},
	} {
		r := read(t, `{"messages":[`+tc.messages+`]}`)
		var got []string
		for _, turn := range r.Turns() {
			s := "u"
			if turn.Assistant {
				s = "a"
			}
			for _, i := range r.In(turn) {
				s += string(rune('0' + i))
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("turns of %s: %q, want %q", tc.messages, s, tc.want)
		}
	}
}

func TestCallName(t *testing.T) {
	r := read(t, `{"messages":[
		{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"old"}}]},{"role":"tool","tool_call_id":"x","content":"1"},
		{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"new"}}]},
		{"role":"assistant","function_call":{"name":"legacy","arguments":"{}"}},{"role":"function","name":"legacy","content":"2"}]}`)
	if name := r.CallName(jsonraw.Value(`"x"`)); !name.TextIs("new") {
		t.Errorf("x is %s", name)
	}
	if name := r.CallName(r.Message(4).ToolCallID()); !name.TextIs("legacy") {
		t.Errorf("the function message answers %s, called %s", r.Message(4).ToolCallID(), name)
	}
	if name := r.CallName(jsonraw.Value(`"none"`)); name != nil {
		t.Errorf("an unknown id is called %s", name)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"model":"m",` + hello + `}`))
	f.Add([]byte(`{"messages":[{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"x","content":[{"type":"image_url","image_url":{"url":"data:;base64,AA%3D"}}]}],"stop":["a"],"n":2}`))
	r, buf := new(Request), []byte(nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := r.Read(body); err != nil {
			if ref, ok := errors.AsType[*abi.Refusal](err); !ok || ref.Message == "" {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("accepted what is not JSON")
		}
		for _, turn := range r.Turns() {
			for _, i := range r.In(turn) {
				m := r.Message(i)
				for p := m.Parts(); p.Next(); {
					if d, ok := ParseDataURL(p.URL()); ok && !json.Valid(append(append([]byte{'"'}, d.Base64...), '"')) {
						t.Fatalf("%q can't stand in a string", d.Base64)
					}
				}
				for c := m.Calls(); c.Next(); {
					if buf, _ = c.AppendArguments(buf[:0]); len(buf) > 0 && !json.Valid(buf) {
						t.Fatalf("arguments %s", buf)
					}
				}
			}
		}
	})
}

// benchBody is a request of about 2 KB with system prompt, history, calls and tools.
var benchBody = []byte(`{"model":"m","temperature":0.7,"max_tokens":512,"messages":[{"role":"system","content":"` + strings.Repeat("Be brief. ", 20) + `"},` +
	strings.Repeat(`{"role":"user","content":"What is the weather like in Rome today?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"sunny"},`, 4) +
	`{"role":"user","content":"And tomorrow?"}],"tools":[{"type":"function","function":{"name":"weather","description":"Weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]}`)

func BenchmarkRead(b *testing.B) {
	r := new(Request)
	b.SetBytes(int64(len(benchBody)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Read(benchBody); err != nil {
			b.Fatal(err)
		}
		r.Turns()
	}
}
