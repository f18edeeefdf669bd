package chat

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

// Completion is a whole answer to be written. Values are raw JSON of the vendor's answer, so nothing is
// unescaped on the way. Call Reset before each use.
type Completion struct {
	ID      jsonraw.Value // a string; see AppendID
	Model   jsonraw.Value // a string
	Created uint64        // Unix seconds
	Choices []Choice
	Usage   abi.Usage // written when Present
}

// Choice is one choice of a Completion.
type Choice struct {
	Content    []jsonraw.Value // strings, joined without anything between them
	HasContent bool            // with no Content: "" rather than null
	Reasoning  []jsonraw.Value // strings, joined into reasoning_content
	Refusal    jsonraw.Value   // a string, or missing
	Calls      []OutCall
	Extra      []Extra       // further members of the message
	Logprobs   jsonraw.Value // an object, or missing
	Finish     string
}

// OutCall is a tool call of an answer. Arguments is a JSON value, which is put into a string, compact; or a
// string, which is taken for JSON text already; {} when missing.
type OutCall struct {
	ID, Name, Arguments jsonraw.Value
}

// Extra is a member with an extension's name.
type Extra struct {
	Name  string
	Value jsonraw.Value
}

// Reset empties c and keeps its capacity.
func (c *Completion) Reset() { *c = Completion{Choices: c.Choices[:0]} }

// Add appends an empty choice and returns it; it is valid until the next Add.
func (c *Completion) Add() *Choice {
	n := len(c.Choices)
	if n < cap(c.Choices) {
		c.Choices = c.Choices[:n+1]
	} else {
		c.Choices = append(c.Choices, Choice{})
	}
	ch := &c.Choices[n]
	*ch = Choice{Content: ch.Content[:0], Reasoning: ch.Reasoning[:0], Calls: ch.Calls[:0], Extra: ch.Extra[:0]}
	return ch
}

// Append writes the chat.completion object.
func (c *Completion) Append(dst []byte) []byte {
	w := jsonraw.Writer{Buf: dst}
	w.Object()
	w.Member("id", c.ID)
	w.Key("object")
	w.String("chat.completion")
	w.Key("created")
	w.Int(int64(c.Created))
	w.Member("model", c.Model)
	w.Key("choices")
	w.Array()
	for i := range c.Choices {
		c.Choices[i].append(&w, i)
	}
	w.End()
	if c.Usage.Present {
		w.Key("usage")
		w.Buf = AppendUsage(w.Buf, &c.Usage) // the last member: the writer need not know of the value
	}
	w.End()
	return w.Buf
}

func (c *Choice) append(w *jsonraw.Writer, index int) {
	w.Object()
	w.Key("index")
	w.Int(int64(index))
	w.Key("message")
	w.Object()
	w.Key("role")
	w.String("assistant")
	w.Key("content")
	if len(c.Content) == 0 && !c.HasContent {
		w.Null()
	} else {
		w.Joined("", c.Content...)
	}
	w.Key("refusal")
	if c.Refusal.Absent() {
		w.Null()
	} else {
		w.Raw(c.Refusal)
	}
	if len(c.Reasoning) > 0 {
		w.Key("reasoning_content")
		w.Joined("", c.Reasoning...)
	}
	for _, e := range c.Extra {
		w.Member(e.Name, e.Value)
	}
	if len(c.Calls) > 0 {
		w.Key("tool_calls")
		w.Array()
		for i := range c.Calls {
			c.Calls[i].append(w)
		}
		w.End()
	}
	w.End()
	w.Key("logprobs")
	if c.Logprobs.Absent() {
		w.Null()
	} else {
		w.Raw(c.Logprobs)
	}
	w.Key("finish_reason")
	w.String(c.Finish)
	w.End()
}

func (c *OutCall) append(w *jsonraw.Writer) {
	w.Object()
	w.Member("id", c.ID)
	w.Key("type")
	w.String("function")
	w.Key("function")
	w.Object()
	w.Member("name", c.Name)
	w.Key("arguments")
	switch c.Arguments.Kind() {
	case jsonraw.Missing, jsonraw.Null:
		w.String("{}")
	case jsonraw.String:
		w.Raw(c.Arguments)
	default:
		w.Quoted(c.Arguments)
	}
	w.End()
	w.End()
}
