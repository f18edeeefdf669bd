package prompt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

var (
	messagesFields = []string{
		"model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature", "top_p", "top_k", "tools", "tool_choice",
		"thinking", "service_tier", "container", "context_management", "mcp_servers", "output_config", "inference_geo", "cache_control",
	}
	toolFields  = []string{"name", "description", "input_schema", "cache_control", "type", "strict", "defer_loading", "eager_input_streaming", "input_examples", "allowed_callers"}
	imageTypes  = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	blockTypes  = []string{"text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "search_result", "server_tool_use", "web_search_tool_result"}
	toolUseID   = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	toolNameFit = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
)

// extra finds the first member of an object that is not in the list.
func extra(object gjson.Result, allowed []string, at string) (err error) {
	object.ForEach(func(name, _ gjson.Result) bool {
		if !slices.Contains(allowed, name.Str) {
			err = fmt.Errorf("%s%s: Extra inputs are not permitted", at, name.Str)
		}
		return err == nil
	})
	return err
}

// Anthropic reads a Messages request. Its errors are the vendor's messages. It is as strict as the vendor has ever been:
// roles must alternate, although recent versions merge neighbours.
func Anthropic(root gjson.Result) (Prompt, error) {
	p := newPrompt()
	if err := extra(root, messagesFields, ""); err != nil {
		return p, err
	}
	for _, name := range []string{"model", "messages", "max_tokens"} {
		if !root.Get(name).Exists() {
			return p, fmt.Errorf("%s: Field required", name)
		}
	}
	limit, messages := root.Get("max_tokens"), root.Get("messages")
	switch {
	case root.Get("model").Type != gjson.String || root.Get("model").Str == "":
		return p, fmt.Errorf("model: String should have at least 1 character")
	case limit.Type != gjson.Number || strings.Contains(limit.Raw, "."):
		return p, fmt.Errorf("max_tokens: Input should be a valid integer")
	case limit.Num < 1:
		return p, fmt.Errorf("max_tokens: must be greater than or equal to 1")
	case !messages.IsArray():
		return p, fmt.Errorf("messages: Input should be a valid list")
	case !messages.Get("0").Exists():
		return p, fmt.Errorf("messages: at least one message is required")
	}
	p.MaxTokens = int(limit.Int())
	p.Stream = root.Get("stream").Bool()
	p.Cache = strings.Contains(root.Raw, `"cache_control"`)
	if system := root.Get("system"); system.IsArray() {
		for i, block := range system.Array() {
			if block.Get("text").Str == "" {
				return p, fmt.Errorf("system.%d: text content blocks must be non-empty", i)
			}
			p.message("system", block.Get("text").Str)
		}
	} else {
		p.message("system", system.Str)
	}
	for _, s := range root.Get("stop_sequences").Array() {
		if strings.TrimSpace(s.Str) == "" {
			return p, fmt.Errorf("stop_sequences: each stop sequence must contain non-whitespace")
		}
		p.Stop = append(p.Stop, s.Str)
	}
	if err := p.toolsOf(root); err != nil {
		return p, err
	}
	if err := p.thinkingOf(root); err != nil {
		return p, err
	}
	if format := root.Get("output_config.format"); format.Get("type").Str == "json_schema" {
		p.JSON, p.Schema = true, format.Get("schema")
	}
	return p, p.conversation(messages.Array())
}

func (p *Prompt) toolsOf(root gjson.Result) error {
	for i, t := range root.Get("tools").Array() {
		if kind := t.Get("type").Str; kind != "" && kind != "custom" {
			continue // a tool that the vendor runs itself
		}
		at, schema := fmt.Sprintf("tools.%d.custom.", i), t.Get("input_schema")
		if err := extra(t, toolFields, at); err != nil {
			return err
		}
		switch {
		case !toolNameFit.MatchString(t.Get("name").Str):
			return fmt.Errorf("%sname: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", at)
		case !schema.Exists():
			return fmt.Errorf("%sinput_schema: Field required", at)
		case !schema.Get("type").Exists():
			return fmt.Errorf("%sinput_schema.type: Field required", at)
		case schema.Get("type").Str != "object":
			return fmt.Errorf("%sinput_schema.type: Input should be 'object'", at)
		}
		p.Chars += len(t.Raw)
		p.Tools = append(p.Tools, Tool{Name: t.Get("name").Str, Schema: schema})
	}
	choice := root.Get("tool_choice")
	if !choice.Exists() {
		return nil
	}
	kind := choice.Get("type").Str
	fields := []string{"type", "disable_parallel_tool_use"}
	switch kind {
	case "auto":
	case "any":
		p.Choice = "required"
	case "none":
		p.Choice, fields = "none", fields[:1]
	case "tool":
		p.Choice, p.Named, fields = "named", choice.Get("name").Str, append(fields, "name")
		if !slices.ContainsFunc(p.Tools, func(t Tool) bool { return t.Name == p.Named }) {
			return fmt.Errorf("Tool '%s' not found in provided tools", p.Named)
		}
	default:
		return fmt.Errorf("tool_choice: Input tag '%s' found using 'type' does not match any of the expected tags: 'any', 'auto', 'none', 'tool'", kind)
	}
	if !root.Get("tools.0").Exists() && kind != "none" {
		return fmt.Errorf("tool_choice: may only be specified while providing tools")
	}
	p.Parallel = !choice.Get("disable_parallel_tool_use").Bool()
	return extra(choice, fields, "tool_choice."+kind+".")
}

func (p *Prompt) thinkingOf(root gjson.Result) error {
	temperature := root.Get("temperature")
	if temperature.Type == gjson.Number && (temperature.Num < 0 || temperature.Num > 1) {
		return fmt.Errorf("temperature: range: 0..1")
	}
	thinking := root.Get("thinking")
	kind := thinking.Get("type").Str
	switch {
	case !thinking.Exists() || kind == "disabled":
		return nil
	case kind != "enabled" && kind != "adaptive":
		return fmt.Errorf("thinking: Input tag '%s' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'", kind)
	case kind == "enabled" && !thinking.Get("budget_tokens").Exists():
		return fmt.Errorf("thinking.enabled.budget_tokens: Field required")
	case kind == "enabled" && thinking.Get("budget_tokens").Num < 1024:
		return fmt.Errorf("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
	case kind == "enabled" && thinking.Get("budget_tokens").Int() >= int64(p.MaxTokens):
		return fmt.Errorf("`max_tokens` must be greater than `thinking.budget_tokens`")
	case temperature.Exists() && temperature.Num != 1:
		return fmt.Errorf("`temperature` may only be set to 1 when thinking is enabled")
	case root.Get("top_k").Exists():
		return fmt.Errorf("`top_k` must be unset when thinking is enabled")
	case p.Choice == "required" || p.Choice == "named":
		return fmt.Errorf("Thinking may not be enabled when tool_choice forces tool use.")
	}
	p.Thinking = true
	return nil
}

func (p *Prompt) conversation(messages []gjson.Result) error {
	var open []string // calls of the last assistant message
	last := ""
	for i, m := range messages {
		at := fmt.Sprintf("messages.%d", i)
		if err := extra(m, []string{"role", "content"}, at+"."); err != nil {
			return err
		}
		role, content := m.Get("role").Str, m.Get("content")
		switch {
		case role != "user" && role != "assistant":
			return fmt.Errorf("%s.role: Input should be 'user' or 'assistant'", at)
		case i == 0 && role != "user":
			return fmt.Errorf("messages: first message must use the \"user\" role")
		case role == last:
			return fmt.Errorf("messages: roles must alternate between \"user\" and \"assistant\", but found multiple %q roles in a row", role)
		case !content.Exists():
			return fmt.Errorf("%s.content: Field required", at)
		case content.Type == gjson.String && content.Str == "" && (i < len(messages)-1 || role == "user"):
			return fmt.Errorf("%s: all messages must have non-empty content except for the optional final assistant message", at)
		}
		last = role
		blocks := content.Array()
		if content.Type == gjson.String {
			blocks = []gjson.Result{gjson.Parse(`{"type":"text","text":` + content.Raw + `}`)}
		} else if len(blocks) == 0 && (i < len(messages)-1 || role == "user") {
			return fmt.Errorf("%s: all messages must have non-empty content except for the optional final assistant message", at)
		}
		calls, err := p.blocks(at, role, blocks, &open)
		if err != nil {
			return err
		}
		if len(open) > 0 {
			return fmt.Errorf("%s: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
				fmt.Sprintf("messages.%d", i-1), strings.Join(open, ", "))
		}
		open = calls
		if i == len(messages)-1 && role == "assistant" && len(blocks) > 0 {
			if text := blocks[len(blocks)-1].Get("text").Str; text != strings.TrimRight(text, " \t\r\n") {
				return fmt.Errorf("messages: final assistant content cannot end with trailing whitespace")
			}
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s.", len(messages)-1, strings.Join(open, ", "))
	}
	return nil
}

// blocks checks the blocks of one message and notes them. It returns the ids of the calls in it, and takes the ids of the
// calls that it answers out of open.
func (p *Prompt) blocks(at, role string, blocks []gjson.Result, open *[]string) (calls []string, err error) {
	var text, results strings.Builder
	hasText := false
	for i, b := range blocks {
		at := fmt.Sprintf("%s.content.%d", at, i)
		kind := b.Get("type").Str
		switch kind {
		case "text":
			if s := b.Get("text").Str; strings.TrimSpace(s) == "" {
				return nil, fmt.Errorf("messages: text content blocks must be non-empty and contain non-whitespace text")
			}
			hasText = true
			text.WriteString(b.Get("text").Str)
			err = extra(b, []string{"type", "text", "cache_control", "citations"}, at+".text.")
		case "image":
			p.Images++
			if src := b.Get("source"); src.Get("type").Str == "base64" && !slices.Contains(imageTypes, src.Get("media_type").Str) {
				err = fmt.Errorf("%s.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'", at)
			}
		case "tool_use":
			switch {
			case role != "assistant":
				err = fmt.Errorf("%s: `tool_use` blocks can only be in `assistant` messages", at)
			case !toolUseID.MatchString(b.Get("id").Str):
				err = fmt.Errorf("%s.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", at)
			case !b.Get("input").IsObject():
				err = fmt.Errorf("%s.tool_use.input: Input should be a valid dictionary", at)
			}
			calls = append(calls, b.Get("id").Str)
		case "tool_result":
			id := b.Get("tool_use_id").Str
			n := slices.Index(*open, id)
			switch {
			case role != "user":
				err = fmt.Errorf("%s: `tool_result` blocks can only be in `user` messages", at)
			case n < 0:
				err = fmt.Errorf("%s: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", at, id)
			case hasText:
				err = fmt.Errorf("%s: `tool_result` blocks must come before other content", at)
			default:
				*open = slices.Delete(*open, n, n+1)
				if results.Len() > 0 {
					results.WriteString("; ")
				}
				results.WriteString(p.resultText(b.Get("content")))
			}
		default:
			if !slices.Contains(blockTypes, kind) {
				err = fmt.Errorf("%s: Input tag '%s' found using 'type' does not match any of the expected tags: '%s'", at, kind, strings.Join(blockTypes, "', '"))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if results.Len() > 0 || role == "user" && !hasText && slices.ContainsFunc(blocks, func(b gjson.Result) bool { return b.Get("type").Str == "tool_result" }) {
		p.message("tool", results.String())
		if !hasText {
			return calls, nil
		}
	}
	p.message(role, text.String())
	return calls, nil
}

// resultText is the text of a tool result, which is a string or a list of blocks.
func (p *Prompt) resultText(content gjson.Result) string {
	if !content.IsArray() {
		return content.Str
	}
	var b strings.Builder
	for _, block := range content.Array() {
		b.WriteString(block.Get("text").Str)
		if block.Get("type").Str == "image" {
			p.Images++
		}
	}
	return b.String()
}
