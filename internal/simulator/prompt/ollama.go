package prompt

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// Ollama reads a chat request; the refusals are those of the vendor's decoder.
func Ollama(root gjson.Result) (Prompt, error) {
	p := newPrompt()
	p.Stream = root.Get("stream").Raw != "false" // streaming is the default
	wrongType := func(got gjson.Result, field, want string) error {
		kind := strings.ToLower(got.Type.String())
		if got.IsArray() {
			kind = "array"
		} else if got.IsObject() {
			kind = "object"
		}
		return fmt.Errorf("json: cannot unmarshal %s into Go struct field ChatRequest.%s of type %s", kind, field, want)
	}
	for _, m := range root.Get("messages").Array() {
		role, content := m.Get("role").Str, m.Get("content")
		switch role {
		case "system", "user", "assistant", "tool":
		default:
			return p, fmt.Errorf("invalid role: %q, must be one of [system, user, assistant, tool]", role)
		}
		if content.Exists() && content.Type != gjson.String && content.Type != gjson.Null {
			return p, wrongType(content, "messages.content", "string")
		}
		for _, c := range m.Get("tool_calls").Array() {
			if args := c.Get("function.arguments"); args.Exists() && !args.IsObject() {
				return p, wrongType(args, "messages.tool_calls.function.arguments", "api.ToolCallFunctionArguments")
			}
		}
		for i, image := range m.Get("images").Array() {
			if strings.Contains(image.Str, ":") {
				return p, fmt.Errorf("illegal base64 data at input byte %d of image %d", strings.IndexByte(image.Str, ':'), i)
			}
			p.Images++
		}
		p.message(role, content.Str)
	}
	for _, t := range root.Get("tools").Array() {
		p.Chars += len(t.Raw)
		p.Tools = append(p.Tools, Tool{Name: t.Get("function.name").Str, Schema: t.Get("function.parameters")})
	}
	options := root.Get("options")
	p.MaxTokens = int(max(options.Get("num_predict").Int(), 0)) // -1 is no limit
	stop := options.Get("stop")
	if stop.Exists() && !stop.IsArray() {
		return p, fmt.Errorf("option %q must be of type array", "stop")
	}
	for _, s := range stop.Array() {
		p.Stop = append(p.Stop, s.Str)
	}
	switch format := root.Get("format"); {
	case format.Str == "json" || format.IsObject():
		p.JSON, p.Schema = true, format
	case format.Exists() && format.Str != "":
		return p, fmt.Errorf("invalid format: %s; expected \"json\" or a valid JSON Schema object", format.Raw)
	}
	think := root.Get("think")
	p.Thinking = think.Bool() || think.Type == gjson.String && think.Str != ""
	return p, nil
}
