// Package prompt reads the requests of several vendors into one form, and refuses what the vendors refuse, in their words.
package prompt

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Prompt is what an answer depends on, in no vendor's terms. The dialects' decoders fill it.
type Prompt struct {
	LastUser    string // text of the last user message
	ToolResults string // texts of the tool results that end the conversation
	Ended       bool   // the conversation ends with tool results
	Images      int
	Chars       int  // length of all texts
	FollowUp    bool // the assistant has spoken before

	MaxTokens int // 0 = no limit
	Stop      []string
	N         int // answers wanted, at least 1
	Stream    bool
	Usage     bool // a usage chunk is wanted
	Thinking  bool
	Cache     bool // the prompt has cache breakpoints
	JSON      bool // the answer must be JSON
	Schema    gjson.Result

	Tools    []Tool
	Choice   string // auto, none, required, or named: the tool Named
	Named    string
	Parallel bool
}

// Tool is a function that the model may call.
type Tool struct {
	Name   string
	Schema gjson.Result
}

func newPrompt() Prompt { return Prompt{N: 1, Choice: "auto", Parallel: true} }

// InputTokens is an estimate: four characters a token, 85 tokens an image.
func (p *Prompt) InputTokens() int { return p.Chars/4 + 85*p.Images + 1 }

// message notes one message of the conversation, in order. Role is user, assistant, system or tool.
func (p *Prompt) message(role, text string) {
	p.Chars += len(text)
	switch role {
	case "user":
		p.LastUser, p.ToolResults, p.Ended = text, "", false
	case "assistant":
		p.ToolResults, p.Ended, p.FollowUp = "", false, true
	case "tool":
		if p.Ended {
			p.ToolResults += "; "
		}
		p.ToolResults, p.Ended = p.ToolResults+text, true
	}
}

// Directive returns the word behind "name:" in the last user message: letters, digits, - and _.
func (p *Prompt) Directive(name string) string {
	_, rest, found := strings.Cut(p.LastUser, name+":")
	if !found {
		return ""
	}
	end := 0
	for end < len(rest) && (isWordByte(rest[end]) || rest[end] == '-' || rest[end] == '_') {
		end++
	}
	return rest[:end]
}

// maxLength bounds what a prompt may ask for.
const maxLength = 100_000

// Length is the number of tokens that an answer would like to have, natural being the profile's own (0 = 40).
func (p *Prompt) Length(natural int) int {
	if n, err := strconv.Atoi(p.Directive("tokens")); err == nil && n > 0 {
		return min(n, maxLength)
	}
	if natural > 0 {
		return natural
	}
	return 40
}

// Called returns the tools that this prompt makes the model call.
func (p *Prompt) Called() []Tool {
	if len(p.Tools) == 0 || p.Choice == "none" || p.Ended {
		return nil
	}
	var out []Tool
	for _, t := range p.Tools {
		if p.Choice == "named" && t.Name == p.Named || p.Choice != "named" && mentions(p.LastUser, t.Name) {
			out = append(out, t)
		}
	}
	if len(out) == 0 && p.Choice == "required" {
		out = p.Tools[:1]
	}
	if len(out) > 1 && !p.Parallel {
		out = out[:1]
	}
	return out
}

// mentions tells whether text contains name as a whole word.
func mentions(text, name string) bool {
	partOfName := func(c byte) bool { return isWordByte(c) || c == '-' || c == '_' }
	for from := 0; name != ""; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(name)
		if (i == 0 || !partOfName(text[i-1])) && (end == len(text) || !partOfName(text[end])) {
			return true
		}
		from = end
	}
	return false
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
