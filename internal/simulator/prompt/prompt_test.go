package prompt

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

const user = `{"role":"user","content":"hello"}`

func TestOpenAIRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{ // want is param and code
		`{"model":"m"}`:                              "messages missing_required_parameter",
		`{"model":"m","messages":"x"}`:               "messages invalid_type",
		`{"model":"m","messages":[]}`:                "messages empty_array",
		`{"messages":[{"role":"me","content":"x"}]}`: "messages[0].role invalid_value",
		`{"messages":[{"role":"user"}]}`:             "messages.[0].content ",
		`{"messages":[` + user + `,{"role":"tool","tool_call_id":"a","content":"x"}]}`:                                                                "messages.[1].role ",
		`{"messages":[` + user + `,{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}]}`:                         "messages.[2].role ",
		`{"messages":[` + user + `,{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},` + user + `]}`:            "messages.[2].role ",
		`{"messages":[` + user + `,{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{}}}]}]}`:                           "messages[1].tool_calls[0].function.arguments invalid_type",
		`{"messages":[` + user + `],"stream_options":{"include_usage":true}}`:                                                                         "stream_options ",
		`{"messages":[` + user + `],"max_tokens":0}`:                                                                                                  "max_tokens integer_below_min_value",
		`{"messages":[` + user + `],"temperature":3}`:                                                                                                 "temperature decimal_above_max_value",
		`{"messages":[` + user + `],"temperature":"hot"}`:                                                                                             "temperature invalid_type",
		`{"model":"gpt-5-mini","messages":[` + user + `],"max_tokens":5}`:                                                                             "max_tokens unsupported_parameter",
		`{"messages":[` + user + `],"parallel_tool_calls":true}`:                                                                                      "parallel_tool_calls ",
		`{"messages":[` + user + `],"tool_choice":"auto"}`:                                                                                            "tool_choice ",
		`{"messages":[` + user + `],"tools":[{"type":"function","function":{}}]}`:                                                                     "tools[0].function.name missing_required_parameter",
		`{"messages":[` + user + `],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}}`: "tool_choice ",
		`{"messages":[` + user + `],"response_format":{"type":"json_object"}}`:                                                                        "messages ",
		`{"messages":[` + user + `],"response_format":{"type":"json_schema"}}`:                                                                        "response_format.json_schema.schema missing_required_parameter",
	} {
		_, e := OpenAI(gjson.Parse(body), false)
		if e == nil || e.Param+" "+e.Code != want || e.Message == "" {
			t.Errorf("%s: %+v, want %q", body, e, want)
		}
	}
}

func TestAnthropicRefusals(t *testing.T) {
	t.Parallel()
	with := func(members string) string {
		return `{"model":"m","max_tokens":9,"messages":[` + user + `]` + members + `}`
	}
	conversation := func(messages string) string { return `{"model":"m","max_tokens":9,"messages":[` + messages + `]}` }
	const called = user + `,{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}`
	for body, want := range map[string]string{
		`{"model":"m","messages":[` + user + `]}`:                "max_tokens: Field required",
		`{"max_tokens":1,"messages":[]}`:                         "model: Field required",
		`{"model":"m","max_tokens":0,"messages":[` + user + `]}`: "max_tokens: must be greater",
		conversation(""):                                                        "messages: at least one message",
		with(`,"stream_options":{}`):                                            "stream_options: Extra inputs are not permitted",
		with(`,"temperature":1.5`):                                              "temperature: range: 0..1",
		with(`,"stop_sequences":[" "]`):                                         "stop_sequences: each stop sequence",
		with(`,"tools":[{"name":"f"}]`):                                         "tools.0.custom.input_schema: Field required",
		with(`,"tools":[{"name":"f","input_schema":{"properties":{}}}]`):        "tools.0.custom.input_schema.type: Field required",
		with(`,"tools":[{"name":"f.g","input_schema":{"type":"object"}}]`):      "tools.0.custom.name: String should match",
		with(`,"tools":[{"type":"custom","function":{},"name":"f"}]`):           "tools.0.custom.function: Extra inputs",
		with(`,"tool_choice":{"type":"auto"}`):                                  "tool_choice: may only be specified",
		with(`,"tool_choice":"auto"`):                                           "tool_choice: Input tag",
		with(`,"tool_choice":{"type":"tool","name":"g"}`):                       "Tool 'g' not found",
		with(`,"tool_choice":{"type":"none","disable_parallel_tool_use":true}`): "tool_choice.none.disable_parallel_tool_use: Extra inputs",
		with(`,"thinking":{"type":"enabled","budget_tokens":1000}`):             "thinking.enabled.budget_tokens: Input should be greater",
		with(`,"thinking":{"type":"enabled","budget_tokens":1024}`):             "`max_tokens` must be greater",
		with(`,"thinking":{"type":"adaptive"},"temperature":0.5`):               "`temperature` may only be set to 1",
		with(`,"thinking":{"type":"adaptive"},"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}`): "Thinking may not be enabled",
		conversation(user + `,` + user):                                                                                  "messages: roles must alternate",
		conversation(`{"role":"system","content":"x"}`):                                                                  "messages.0.role: Input should be",
		conversation(`{"role":"assistant","content":"x"}`):                                                               "messages: first message must use",
		conversation(`{"role":"user","content":""}`):                                                                     "messages.0: all messages must have non-empty content",
		conversation(`{"role":"user","content":"x","name":"bob"}`):                                                       "messages.0.name: Extra inputs",
		conversation(`{"role":"user","content":[{"type":"text","text":""}]}`):                                            "messages: text content blocks must be non-empty",
		conversation(`{"role":"user","content":[{"type":"image_url"}]}`):                                                 "messages.0.content.0: Input tag 'image_url'",
		conversation(`{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpg"}}]}`): "messages.0.content.0.image.source.base64.media_type",
		conversation(user + `,{"role":"assistant","content":"x "}`):                                                      "messages: final assistant content cannot end",
		conversation(called):              "messages.1: `tool_use` ids were found without",
		conversation(called + `,` + user): "messages.1: `tool_use` ids were found without",
		conversation(called + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t2"}]}`):                            "messages.2.content.0: unexpected `tool_use_id`",
		conversation(called + `,{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"t1"}]}`): "messages.2.content.1: `tool_result` blocks must come",
		conversation(strings.Replace(called, `"t1"`, `"t.1"`, 1)):                                                                  "messages.1.content.0.tool_use.id: String should match",
		conversation(strings.Replace(called, `{}}]`, `"{}"}]`, 1)):                                                                 "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
	} {
		_, err := Anthropic(gjson.Parse(body))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestOllamaRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"messages":[{"role":"developer","content":"x"}]}`:                                             "invalid role",
		`{"messages":[{"role":"user","content":[]}]}`:                                                   "json: cannot unmarshal array",
		`{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]}`: "json: cannot unmarshal string",
		`{"messages":[{"role":"user","content":"x","images":["data:image/png;base64,AA=="]}]}`:          "illegal base64",
		`{"messages":[` + user + `],"options":{"stop":"x"}}`:                                            "option \"stop\"",
		`{"messages":[` + user + `],"format":"xml"}`:                                                    "invalid format",
	} {
		_, err := Ollama(gjson.Parse(body))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// TestSameConversation: the three dialects say the same, and mean the same.
func TestSameConversation(t *testing.T) {
	t.Parallel()
	openai, e := OpenAI(gjson.Parse(`{"max_tokens":7,"stop":["a"],"stream":true,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[
		{"role":"system","content":"s"},{"role":"user","content":"use f"},
		{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"a","content":"one"},{"role":"tool","tool_call_id":"b","content":"two"}]}`), false)
	if e != nil {
		t.Fatal(e.Message)
	}
	anthropic, err := Anthropic(gjson.Parse(`{"model":"m","max_tokens":7,"stop_sequences":["a"],"stream":true,"tools":[{"name":"f","input_schema":{"type":"object"}}],"system":"s","messages":[
		{"role":"user","content":"use f"},
		{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"one"},{"type":"tool_result","tool_use_id":"b","content":"two"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	ollama, err := Ollama(gjson.Parse(`{"options":{"num_predict":7,"stop":["a"]},"tools":[{"type":"function","function":{"name":"f"}}],"messages":[
		{"role":"system","content":"s"},{"role":"user","content":"use f"},
		{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{}}},{"function":{"name":"f","arguments":{}}}]},
		{"role":"tool","content":"one"},{"role":"tool","content":"two"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]Prompt{"openai": openai, "anthropic": anthropic, "ollama": ollama} {
		if p.LastUser != "use f" || p.ToolResults != "one; two" || !p.Ended || !p.FollowUp || p.MaxTokens != 7 || !p.Stream ||
			len(p.Stop) != 1 || len(p.Tools) != 1 || len(p.Called()) != 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestCalled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, choice, named string
		parallel            bool
		want                string
	}{
		{"nothing", "auto", "", true, ""},
		{"use get", "auto", "", true, "get"},
		{"use get_all, then get", "auto", "", true, "get get_all"},
		{"use get_all, then get", "auto", "", false, "get"},
		{"getting", "auto", "", true, ""},
		{"use get", "none", "", true, ""},
		{"nothing", "required", "", true, "get"},
		{"get_all", "required", "", true, "get_all"},
		{"get", "named", "get_all", true, "get_all"},
	} {
		p := Prompt{LastUser: tc.text, Choice: tc.choice, Named: tc.named, Parallel: tc.parallel, Tools: []Tool{{Name: "get"}, {Name: "get_all"}}}
		var got []string
		for _, tool := range p.Called() {
			got = append(got, tool.Name)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%q with choice %s %s: %v, want %s", tc.text, tc.choice, tc.named, got, tc.want)
		}
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add(`{"model":"m","max_tokens":9,"messages":[` + user + `]}`)
	f.Add(`{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if !gjson.Valid(body) {
			return
		}
		root := gjson.Parse(body)
		p, e := OpenAI(root, false)
		if e == nil && !root.Get("messages").IsArray() {
			t.Errorf("accepted without messages: %+v", p)
		}
		if p, err := Anthropic(root); err == nil && p.MaxTokens < 1 && root.Get("max_tokens").Num < 1 {
			t.Errorf("accepted without max_tokens: %+v", p)
		}
		_, _ = Ollama(root)
		_, _ = OpenAICompletion(root, true)
	})
}
