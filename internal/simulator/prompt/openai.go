package prompt

import (
	"fmt"
	"math"
	"strings"

	"github.com/tidwall/gjson"
)

// Invalid is OpenAI's refusal of a request. Empty Param and Code are null.
type Invalid struct{ Message, Param, Code string }

func invalid(message, param, code string) Invalid { return Invalid{message, param, code} }

// openai reads requests in OpenAI's dialect, or as Ollama understands it, which ignores more and refuses less.
type openai struct{ ollama bool }

// OpenAI reads a chat request and refuses what the vendor refuses.
func OpenAI(root gjson.Result, ollama bool) (Prompt, *Invalid) {
	return openai{ollama}.chat(root)
}

// OpenAICompletion reads a legacy completion request. Several prompts are answered as one.
func OpenAICompletion(root gjson.Result, ollama bool) (Prompt, *Invalid) {
	p := newPrompt()
	if e := (openai{ollama}).common(root, &p); e != nil {
		return p, e
	}
	v := root.Get("prompt")
	switch {
	case v.IsArray():
		for _, s := range v.Array() {
			p.message("user", s.String())
		}
	case v.Type == gjson.String:
		p.message("user", v.Str)
	default:
		e := invalid("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
		return p, &e
	}
	return p, nil
}

func (d openai) chat(root gjson.Result) (Prompt, *Invalid) {
	p := newPrompt()
	refuse := func(message, param, code string) (Prompt, *Invalid) {
		e := invalid(message, param, code)
		return p, &e
	}
	messages := root.Get("messages")
	switch {
	case !messages.Exists():
		return refuse("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
	case !messages.IsArray():
		return refuse("Invalid type for 'messages': expected an array of objects.", "messages", "invalid_type")
	case !messages.Get("0").Exists():
		return refuse("Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "messages", "empty_array")
	}
	if e := d.common(root, &p); e != nil {
		return p, e
	}
	mentionsJSON := false
	open := map[string]bool{} // ids of calls without an answer yet
	for i, m := range messages.Array() {
		at := fmt.Sprintf("messages.[%d]", i)
		role := m.Get("role").Str
		switch role {
		case "tool":
			if id := m.Get("tool_call_id").Str; !open[id] {
				return refuse("messages with role 'tool' must be a response to a preceding message with 'tool_calls'.", at+".role", "")
			} else {
				delete(open, id)
			}
		case "system", "developer", "user", "assistant", "function":
			if len(open) > 0 {
				return refuse("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.", at+".role", "")
			}
		default:
			return refuse(fmt.Sprintf("Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", role),
				fmt.Sprintf("messages[%d].role", i), "invalid_value")
		}
		for _, c := range m.Get("tool_calls").Array() {
			if args := c.Get("function.arguments"); args.Exists() && args.Type != gjson.String {
				return refuse(fmt.Sprintf("Invalid type for 'messages[%d].tool_calls[0].function.arguments': expected a string, but got an object instead.", i),
					fmt.Sprintf("messages[%d].tool_calls[0].function.arguments", i), "invalid_type")
			}
			open[c.Get("id").Str] = true
		}
		content := m.Get("content")
		if role == "user" && content.Type == gjson.Null {
			return refuse(fmt.Sprintf("Invalid value for 'content': expected a string, got null. (messages[%d])", i), at+".content", "")
		}
		text := content.Str
		if content.IsArray() {
			text = d.parts(content, &p)
		}
		mentionsJSON = mentionsJSON || strings.Contains(strings.ToLower(text), "json")
		if role == "developer" {
			role = "system"
		}
		p.message(role, text)
	}
	if len(open) > 0 {
		return refuse("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
			fmt.Sprintf("messages.[%d].role", len(messages.Array())), "")
	}
	switch format := root.Get("response_format"); format.Get("type").Str {
	case "json_object":
		if p.JSON = true; !mentionsJSON && !d.ollama {
			return refuse("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "messages", "")
		}
	case "json_schema":
		if p.JSON, p.Schema = true, format.Get("json_schema.schema"); !p.Schema.IsObject() {
			return refuse("Missing required parameter: 'response_format.json_schema.schema'.", "response_format.json_schema.schema", "missing_required_parameter")
		}
	}
	return p, d.tools(root, &p)
}

func (openai) parts(content gjson.Result, p *Prompt) string {
	var b strings.Builder
	content.ForEach(func(_, part gjson.Result) bool {
		switch part.Get("type").Str {
		case "text":
			b.WriteString(part.Get("text").Str)
		case "image_url":
			p.Images++
		}
		return true
	})
	return b.String()
}

// common reads the fields that chat and legacy completions share.
func (d openai) common(root gjson.Result, p *Prompt) *Invalid {
	p.Stream = root.Get("stream").Bool()
	options := root.Get("stream_options")
	if options.IsObject() && !p.Stream && !d.ollama {
		e := invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", "")
		return &e
	}
	p.Usage = options.Get("include_usage").Bool()
	if model := root.Get("model").Str; root.Get("max_tokens").Type == gjson.Number && !d.ollama &&
		(strings.HasPrefix(model, "o1") || strings.HasPrefix(model, "o3") || strings.HasPrefix(model, "gpt-5")) {
		e := invalid("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter")
		return &e
	}
	for _, f := range []struct {
		name      string
		low, high float64
	}{
		{"max_tokens", 1, math.MaxInt32}, {"max_completion_tokens", 1, math.MaxInt32}, {"n", 1, 128}, {"temperature", 0, 2}, {"top_p", 0, 1},
		{"frequency_penalty", -2, 2}, {"presence_penalty", -2, 2}, {"top_logprobs", 0, 20},
	} {
		v := root.Get(f.name)
		kind := "integer"
		if f.high <= 2 {
			kind = "decimal"
		}
		var e Invalid
		switch {
		case v.Type == gjson.Null:
			continue
		case v.Type != gjson.Number:
			e = invalid(fmt.Sprintf("Invalid type for '%s': expected %s.", f.name, kind), f.name, "invalid_type")
		case v.Num < f.low:
			e = invalid(fmt.Sprintf("Invalid '%s': %s below minimum value. Expected a value >= %v, but got %s instead.", f.name, kind, f.low, v.Raw), f.name, kind+"_below_min_value")
		case v.Num > f.high:
			e = invalid(fmt.Sprintf("Invalid '%s': %s above maximum value. Expected a value <= %v, but got %s instead.", f.name, kind, f.high, v.Raw), f.name, kind+"_above_max_value")
		default:
			continue
		}
		return &e
	}
	p.MaxTokens = int(root.Get("max_tokens").Int())
	if v := root.Get("max_completion_tokens"); v.Exists() && !d.ollama {
		p.MaxTokens = int(v.Int())
	}
	if n := int(root.Get("n").Int()); n > 1 && !d.ollama {
		p.N = n
	}
	if stop := root.Get("stop"); stop.IsArray() {
		for _, s := range stop.Array() {
			p.Stop = append(p.Stop, s.Str)
		}
	} else if stop.Str != "" {
		p.Stop = []string{stop.Str}
	}
	return nil
}

func (d openai) tools(root gjson.Result, p *Prompt) *Invalid {
	for i, t := range root.Get("tools").Array() {
		name := t.Get("function.name").Str
		if t.Get("type").Str == "function" && name == "" {
			e := invalid(fmt.Sprintf("Missing required parameter: 'tools[%d].function.name'.", i), fmt.Sprintf("tools[%d].function.name", i), "missing_required_parameter")
			return &e
		}
		if t.Get("type").Str == "function" {
			p.Chars += len(t.Raw)
			p.Tools = append(p.Tools, Tool{Name: name, Schema: t.Get("function.parameters")})
		}
	}
	if v := root.Get("parallel_tool_calls"); v.IsBool() && !d.ollama {
		if p.Parallel = v.Bool(); !root.Get("tools").Exists() {
			e := invalid("Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.", "parallel_tool_calls", "")
			return &e
		}
	}
	choice := root.Get("tool_choice")
	if choice.Type == gjson.Null || d.ollama {
		return nil
	}
	if len(p.Tools) == 0 && choice.Str != "none" {
		e := invalid("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", "tool_choice", "")
		return &e
	}
	p.Choice = choice.Str
	if name := choice.Get("function.name").Str; name != "" {
		p.Choice, p.Named = "named", name
		for _, t := range p.Tools {
			if t.Name == name {
				return nil
			}
		}
		e := invalid(fmt.Sprintf("Tool choice '%s' not found in 'tools' parameter.", name), "tool_choice", "")
		return &e
	}
	return nil
}
