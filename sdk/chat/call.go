package chat

import (
	"errors"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// Calls iterates over the tool calls of an assistant message. When Next returned false, Err tells whether a
// call could not be read.
type Calls struct {
	Index int   // of the current call, as are all methods
	Err   error // a *abi.Refusal

	msg                   Message
	id, name, args, cache int32
	next, end             jsonraw.Node
	legacy                bool // the call is a function_call, or is to be
	n                     int
}

// Calls returns an iterator over m's calls; the deprecated function_call counts as one.
func (m Message) Calls() Calls {
	c := Calls{msg: m}
	switch {
	case m.role != RoleAssistant:
	case m.toolCalls != 0:
		c.next, c.end = m.doc.Elements(jsonraw.Node(m.toolCalls))
	case m.HasCalls():
		c.legacy = true
		c.next, c.end = jsonraw.Node(m.functionCall), jsonraw.Node(m.functionCall)+1
	}
	return c
}

// HasCalls reports whether there is a call in m.
func (m Message) HasCalls() bool {
	if m.role != RoleAssistant {
		return false
	}
	if m.toolCalls != 0 {
		first, end := m.doc.Elements(jsonraw.Node(m.toolCalls))
		return first < end
	}
	return m.functionCall != 0 && m.doc.Kind(jsonraw.Node(m.functionCall)) == jsonraw.Object
}

const (
	keyCallID = 1 + iota
	keyCallFunction
	keyCallName
	keyCallArguments
	keyCallCache
)

var callKeys = jsonraw.NewKeys("id", "function", "name", "arguments", "cache_control")

// Next moves to the next call and reports whether there is one.
func (c *Calls) Next() bool {
	if c.Err != nil || c.next >= c.end {
		return false
	}
	doc := c.msg.doc
	c.Index, c.id, c.name, c.args, c.cache = c.n, 0, 0, 0, 0
	c.n++
	function := c.next
	if !c.legacy {
		function = 0
		for key, end := doc.Members(c.next); key < end; key = doc.After(key + 1) {
			switch doc.Find(key, &callKeys) {
			case keyCallID:
				c.id = int32(key + 1)
			case keyCallFunction:
				function = key + 1
			case keyCallCache:
				c.cache = ofKind(doc, key+1, jsonraw.Object)
			}
		}
	}
	if function != 0 {
		c.function(doc, function)
	}
	if c.legacy {
		c.cache = 0
	}
	c.next = doc.After(c.next)
	return c.check()
}

// function reads the member function.
func (c *Calls) function(doc *jsonraw.Outline, v jsonraw.Node) {
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch doc.Find(key, &callKeys) {
		case keyCallName:
			c.name = int32(key + 1)
		case keyCallArguments:
			c.args = int32(key + 1)
		case keyCallCache:
			c.cache = ofKind(doc, key+1, jsonraw.Object)
		}
	}
}

func (c *Calls) check() bool {
	doc := c.msg.doc
	if !c.legacy && (c.id == 0 || doc.Kind(jsonraw.Node(c.id)) != jsonraw.String) {
		c.Err = refusal.Invalid(c.path(".id"), "a tool call needs an id")
	} else if c.name == 0 || doc.Kind(jsonraw.Node(c.name)) != jsonraw.String {
		c.Err = refusal.Invalid(c.path(".function.name"), "only function calls with a name can be sent")
	}
	return c.Err == nil
}

func (c *Calls) path(rest string) string {
	return c.msg.Path(".tool_calls[" + strconv.Itoa(c.Index) + "]" + rest)
}

// ID is the call's id, a string.
func (c *Calls) ID() jsonraw.Value {
	if c.legacy {
		return functionID(c.msg.Index())
	}
	return value(c.msg.doc, c.id)
}

// Name is the name of the function, a string.
func (c *Calls) Name() jsonraw.Value { return value(c.msg.doc, c.name) }

// CacheControl is the extension cache_control: an object, or nil.
func (c *Calls) CacheControl() jsonraw.Value { return value(c.msg.doc, c.cache) }

// AppendArguments appends the call's arguments as a compact JSON object; blank ones give {}. The error is a
// refusal when they are not the JSON of an object; dst is then returned as it was.
func (c *Calls) AppendArguments(dst []byte) ([]byte, error) {
	arguments := value(c.msg.doc, c.args)
	if arguments.Kind() == jsonraw.Object { // some clients forget to quote
		return jsonraw.Compact(dst, arguments), nil
	}
	mark := len(dst)
	dst, err := jsonraw.AppendUnquoted(dst, arguments)
	if errors.Is(err, jsonraw.ErrBlank) {
		return append(dst, '{', '}'), nil
	}
	if err != nil {
		return dst[:mark], refusal.Invalid(c.path(".function.arguments"), "the arguments are not valid JSON: "+err.Error())
	}
	if dst[mark] != '{' {
		return dst[:mark], refusal.Invalid(c.path(".function.arguments"), "the arguments must be a JSON object")
	}
	return dst, nil
}

// functionID is the id that stands in for the missing one of the function_call in message index.
func functionID(index int) jsonraw.Value { return appendFunctionID(make([]byte, 0, 24), index) }

func appendFunctionID(dst []byte, index int) []byte {
	return append(strconv.AppendInt(append(dst, `"call_message_`...), int64(index), 10), '"')
}
