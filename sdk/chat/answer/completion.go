// Package answer writes answers in the OpenAI chat dialect, for provider adapters that translate a vendor's: whole ones with
// [Completion], streamed ones with [Stream]. Requests are read with package chat.
//
// An adapter keeps one Completion and one Stream in its plugin struct and uses them again for every call, so that nothing
// is allocated once they have grown. All values are raw JSON of the vendor's answer ([jsonraw.Value]): strings stay escaped
// and are copied as they are. They need be valid only during the method that takes them, unless it says otherwise.
//
// The package uses no reflection, no fmt and no clock.
package answer

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Finish reasons.
const (
	FinishStop          = "stop"
	FinishLength        = "length"
	FinishToolCalls     = "tool_calls"
	FinishContentFilter = "content_filter"
)

// MaxNodes is the [jsonraw.Outline.Limit] for a vendor's answer. Most of a large one are numbers: embeddings, or the
// logprobs of many tokens.
const MaxNodes = 4 << 20

// Completion is a whole answer to be written. Values are raw JSON of the vendor's answer, so nothing is
// unescaped on the way. Call Reset before each use.
type Completion struct {
	ID      jsonraw.Value // a string; see AppendID
	Model   jsonraw.Value // a string
	Created uint64        // Unix seconds
	Choices []Choice
	Usage   abi.Usage // written when Present
}

// Choice is one choice of a Completion. What it is made of is written at once, by its methods, so that it need not be kept.
type Choice struct {
	HasContent bool          // without any Content: "" rather than null
	Refusal    jsonraw.Value // a string, or missing
	Extra      []Extra       // further members of the message
	Logprobs   jsonraw.Value // an object, or missing
	Finish     string

	content, reasoning, calls jsonraw.Writer
	reasoned                  bool
	called                    int
}

// Extra is a member with an extension's name.
type Extra struct {
	Name  string
	Value jsonraw.Value
}

// Reset empties c and keeps its capacity.
func (c *Completion) Reset() {
	// Field by field: assigning a whole new struct is several times as slow in a guest.
	c.ID, c.Model, c.Created, c.Choices = nil, nil, 0, c.Choices[:0]
	u := &c.Usage
	u.Present, u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning = false, 0, 0, 0, 0, 0
}

// Add appends an empty choice and returns it; it is valid until the next Add.
func (c *Completion) Add() *Choice {
	n := len(c.Choices)
	if n < cap(c.Choices) {
		c.Choices = c.Choices[:n+1]
	} else {
		c.Choices = append(c.Choices, Choice{})
	}
	ch := &c.Choices[n]
	// See Reset. Content and reasoning have the insides of strings alone, so that their writers stay as they were made.
	ch.HasContent, ch.Refusal, ch.Extra, ch.Logprobs, ch.Finish = false, nil, ch.Extra[:0], nil, ""
	ch.content.Buf, ch.reasoning.Buf, ch.reasoned, ch.called = ch.content.Buf[:0], ch.reasoning.Buf[:0], false, 0
	ch.calls = jsonraw.Writer{Buf: ch.calls.Buf[:0]}
	return ch
}

// Content adds the string text to the content.
func (c *Choice) Content(text jsonraw.Value) {
	c.HasContent = true
	c.content.Inner(text)
}

// Reasoning adds the string text to reasoning_content.
func (c *Choice) Reasoning(text jsonraw.Value) {
	c.reasoned = true
	c.reasoning.Inner(text)
}

// Call adds a tool call. arguments is a JSON value, which is put into a string, compact; or a string, which is taken for
// JSON text already; {} when missing.
func (c *Choice) Call(id, name, arguments jsonraw.Value) {
	w := &c.calls
	if c.called > 0 {
		w.Literal(",")
	}
	c.called++
	w.Object()
	w.Member("id", id)
	w.Literal(`"type":"function"`)
	w.Key("function")
	w.Object()
	w.Member("name", name)
	w.Key("arguments")
	switch arguments.Kind() {
	case jsonraw.Missing, jsonraw.Null:
		w.String("{}")
	case jsonraw.String:
		w.Raw(arguments)
	default:
		w.Quoted(arguments)
	}
	w.End()
	w.End()
}

// Calls returns how many calls were added.
func (c *Choice) Calls() int { return c.called }

// Append writes the chat.completion object.
func (c *Completion) Append(dst []byte) []byte {
	w := jsonraw.Writer{Buf: dst}
	if len(c.Choices) == 1 && c.Choices[0].plain() && len(c.ID) > 0 && len(c.Model) > 0 && c.Usage.Present {
		c.appendPlain(&w)
		return w.Buf
	}
	w.Open(`{`)
	if len(c.ID) > 0 {
		w.Around(`"id":`, c.ID, ``)
	}
	w.Literal(`"object":"chat.completion","created":`)
	w.Buf = jsonraw.AppendUint(w.Buf, c.Created)
	if len(c.Model) > 0 {
		w.Around(`"model":`, c.Model, ``)
	}
	w.Open(`"choices":[`)
	for i := range c.Choices {
		c.Choices[i].append(&w, i)
	}
	if !c.Usage.Present {
		w.Close(`]}`)
		return w.Buf
	}
	w.Close(`],"usage":`)
	w.Buf = AppendUsage(w.Buf, &c.Usage)
	w.Close(`}`)
	return w.Buf
}

// plain reports whether there is nothing but a text.
func (c *Choice) plain() bool {
	return c.HasContent && !c.reasoned && c.called == 0 && len(c.Refusal)+len(c.Extra)+len(c.Logprobs) == 0
}

// appendPlain writes what nearly all answers are in the fewest pieces: one choice of nothing but a text.
func (c *Completion) appendPlain(w *jsonraw.Writer) {
	choice := &c.Choices[0]
	w.Around(`{"id":`, c.ID, `,"object":"chat.completion","created":`)
	w.Buf = jsonraw.AppendUint(w.Buf, c.Created)
	w.Around(`,"model":`, c.Model, `,"choices":[{"index":0,"message":{"role":"assistant","content":"`)
	w.Around(``, choice.content.Buf, `","refusal":null},"logprobs":null,"finish_reason":`)
	w.String(choice.Finish)
	w.Literal(`}],"usage":`)
	w.Buf = AppendUsage(w.Buf, &c.Usage)
	w.Literal(`}`)
}

// append writes a choice in few and long pieces: in a guest, the code that a call takes costs more than what it writes.
func (c *Choice) append(w *jsonraw.Writer, index int) {
	w.Open(`{"index":`)
	w.Buf = jsonraw.AppendUint(w.Buf, uint64(index))
	if c.HasContent {
		w.Around(`,"message":{"role":"assistant","content":"`, c.content.Buf, `"`)
	} else {
		w.Literal(`,"message":{"role":"assistant","content":null`)
	}
	if c.Refusal.Absent() {
		w.Literal(`"refusal":null`)
	} else {
		w.Around(`"refusal":`, c.Refusal, ``)
	}
	if c.reasoned {
		w.Around(`"reasoning_content":"`, c.reasoning.Buf, `"`)
	}
	for _, e := range c.Extra {
		w.Member(e.Name, e.Value)
	}
	if c.called > 0 {
		w.Around(`"tool_calls":[`, c.calls.Buf, `]`)
	}
	if c.Logprobs.Absent() {
		w.Close(`},"logprobs":null,"finish_reason":"`)
	} else {
		w.Close(`},"logprobs":`)
		w.Buf = append(append(w.Buf, c.Logprobs...), `,"finish_reason":"`...)
	}
	w.Escape(c.Finish)
	w.CloseString()
	w.Buf = append(w.Buf, '}')
}
