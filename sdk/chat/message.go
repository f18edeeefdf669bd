package chat

import (
	"errors"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Role is who speaks in a message.
type Role uint8

// Roles. developer is read as RoleSystem, the deprecated function as RoleTool.
const (
	RoleSystem Role = iota
	RoleUser
	RoleAssistant
	RoleTool
)

// Message is one message of the request.
type Message struct {
	Role    Role
	Index   int           // in the client's messages, for the paths in refusals
	Content jsonraw.Value // string, array of parts, or nil; read it with Parts
	Name    jsonraw.Value

	// Of assistant messages; read the calls with Calls.
	Refusal        jsonraw.Value // a string
	Reasoning      jsonraw.Value // the extension reasoning_content, a string
	ThinkingBlocks jsonraw.Value // the extension thinking_blocks, an array

	// Of tool messages. A message of the deprecated role function gets the id of the last function_call of its
	// name.
	ToolCallID jsonraw.Value

	CacheControl jsonraw.Value // the extension cache_control, an object

	doc          *jsonraw.Outline
	content      jsonraw.Node // an array, else 0
	toolCalls    jsonraw.Node // an array, else 0
	functionCall jsonraw.Value
	rank         int // among what one turn of the user's answers; set while turns are built
}

// Path returns the param path of something in the message: m.Path(".content") gives "messages[2].content".
func (m *Message) Path(rest string) string {
	return "messages[" + strconv.Itoa(m.Index) + "]" + rest
}

func (r *Request) readMessages(v jsonraw.Node) error {
	doc := &r.doc
	if v == 0 {
		return Invalid("messages", "messages is required")
	}
	if doc.Kind(v) != jsonraw.Array {
		return wrongType("messages", "array", doc.Kind(v))
	}
	for e, end := doc.Elements(v); e < end; e = doc.After(e) {
		n := len(r.Messages)
		if n < cap(r.Messages) {
			r.Messages = r.Messages[:n+1]
		} else {
			r.Messages = append(r.Messages, Message{})
		}
		m := &r.Messages[n]
		m.reset(n, doc)
		if kind := doc.Kind(e); kind != jsonraw.Object {
			return wrongType(m.Path(""), "object", kind)
		}
		if err := m.read(e); err != nil {
			return err
		}
		if m.Role == RoleTool && m.ToolCallID.Kind() != jsonraw.String {
			if m.Name.Kind() != jsonraw.String {
				return Invalid(m.Path(".tool_call_id"), "a tool message needs the tool_call_id of the call that it answers")
			}
			m.ToolCallID = r.functionCallID(m.Name)
		}
	}
	if len(r.Messages) == 0 {
		return Invalid("messages", "messages must not be empty")
	}
	return nil
}

// reset makes m an empty message. It goes field by field because a guest clears a struct of this size many times more
// slowly.
func (m *Message) reset(index int, doc *jsonraw.Outline) {
	m.Role, m.Index, m.rank = 0, index, 0
	m.Content, m.Name = nil, nil
	m.Refusal, m.Reasoning, m.ThinkingBlocks = nil, nil, nil
	m.ToolCallID, m.CacheControl, m.functionCall = nil, nil, nil
	m.doc, m.content, m.toolCalls = doc, 0, 0
}

func (m *Message) read(v jsonraw.Node) error {
	doc := m.doc
	var role, content jsonraw.Node
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		n := key + 1
		if doc.Absent(n) {
			continue
		}
		switch string(doc.Name(key)) {
		case "role":
			role = n
		case "content":
			content = n
		case "name":
			m.Name = doc.Value(n)
		case "tool_calls":
			m.toolCalls = n
		case "tool_call_id":
			m.ToolCallID = doc.Value(n)
		case "function_call":
			m.functionCall = doc.Value(n)
		case "refusal":
			m.Refusal = ofKind(doc, n, jsonraw.String)
		case "reasoning_content":
			m.Reasoning = ofKind(doc, n, jsonraw.String)
		case "thinking_blocks":
			m.ThinkingBlocks = nil
			if first, end := doc.Elements(n); first < end {
				m.ThinkingBlocks = doc.Value(n)
			}
		case "cache_control":
			m.CacheControl = ofKind(doc, n, jsonraw.Object)
		}
	}
	switch string(doc.Inner(role)) { // the message itself, which is no string, where there is none
	case "user":
		m.Role = RoleUser
	case "assistant":
		m.Role = RoleAssistant
	case "system", "developer":
		m.Role = RoleSystem
	case "tool", "function":
		m.Role = RoleTool
	default:
		return Invalid(m.Path(".role"), "role must be system, developer, user, assistant or tool")
	}
	switch {
	case content != 0:
		m.Content = doc.Value(content)
		switch kind := doc.Kind(content); kind {
		case jsonraw.String:
		case jsonraw.Array:
			m.content = content
		default:
			return wrongType(m.Path(".content"), "string or array of parts", kind)
		}
	case m.Role != RoleAssistant:
		return Invalid(m.Path(".content"), "content is required")
	}
	if m.toolCalls != 0 && doc.Kind(m.toolCalls) != jsonraw.Array {
		return wrongType(m.Path(".tool_calls"), "array", doc.Kind(m.toolCalls))
	}
	return nil
}

// ofKind returns the value n if it is of the kind.
func ofKind(doc *jsonraw.Outline, n jsonraw.Node, kind jsonraw.Kind) jsonraw.Value {
	if doc.Kind(n) != kind {
		return nil
	}
	return doc.Value(n)
}

// ToolCall is a call in an assistant message. Arguments is the JSON text in a string, as clients send it.
type ToolCall struct {
	Index        int
	ID           jsonraw.Value // a string
	Name         jsonraw.Value // a string
	Arguments    jsonraw.Value
	CacheControl jsonraw.Value // the extension cache_control, an object
}

// Calls iterates over the tool calls of an assistant message. When Next returned false, Err tells whether a
// call could not be read.
type Calls struct {
	ToolCall
	Err error // a *abi.Refusal

	msg       *Message
	next, end jsonraw.Node
	legacy    bool
	n         int
}

// Calls returns an iterator over m's calls; the deprecated function_call counts as one.
func (m *Message) Calls() Calls {
	c := Calls{msg: m}
	switch {
	case m.Role != RoleAssistant:
	case m.toolCalls != 0:
		c.next, c.end = m.doc.Elements(m.toolCalls)
	default:
		c.legacy = m.functionCall.Kind() == jsonraw.Object
	}
	return c
}

// HasCalls reports whether there is a call in m.
func (m *Message) HasCalls() bool {
	if m.Role != RoleAssistant {
		return false
	}
	if m.toolCalls != 0 {
		first, end := m.doc.Elements(m.toolCalls)
		return first < end
	}
	return m.functionCall.Kind() == jsonraw.Object
}

// Next moves to the next call and reports whether there is one.
func (c *Calls) Next() bool {
	if c.legacy {
		c.legacy = false
		c.ToolCall = ToolCall{ID: functionID(c.msg.Index), Name: c.msg.functionCall.Get("name"), Arguments: c.msg.functionCall.Get("arguments")}
		return c.check()
	}
	if c.Err != nil || c.next >= c.end {
		return false
	}
	doc := c.msg.doc
	c.Index, c.ID, c.Name, c.Arguments, c.CacheControl = c.n, nil, nil, nil, nil
	c.n++
	for key, end := doc.Members(c.next); key < end; key = doc.After(key + 1) {
		switch string(doc.Name(key)) {
		case "id":
			c.ID = doc.Value(key + 1)
		case "function":
			for f, end := doc.Members(key + 1); f < end; f = doc.After(f + 1) {
				switch string(doc.Name(f)) {
				case "name":
					c.Name = doc.Value(f + 1)
				case "arguments":
					c.Arguments = doc.Value(f + 1)
				case "cache_control":
					c.CacheControl = ofKind(doc, f+1, jsonraw.Object)
				}
			}
		case "cache_control":
			c.CacheControl = ofKind(doc, key+1, jsonraw.Object)
		}
	}
	c.next = doc.After(c.next)
	return c.check()
}

func (c *Calls) check() bool {
	if c.ID.Kind() != jsonraw.String {
		c.Err = Invalid(c.path(".id"), "a tool call needs an id")
	} else if c.Name.Kind() != jsonraw.String {
		c.Err = Invalid(c.path(".function.name"), "only function calls with a name can be sent")
	}
	return c.Err == nil
}

func (c *Calls) path(rest string) string {
	return c.msg.Path(".tool_calls[" + strconv.Itoa(c.Index) + "]" + rest)
}

// AppendArguments appends the call's arguments as a compact JSON object; blank ones give {}. The error is a
// refusal when they are not the JSON of an object; dst is then returned as it was.
func (c *Calls) AppendArguments(dst []byte) ([]byte, error) {
	if k := c.Arguments.Kind(); k == jsonraw.Object { // some clients forget to quote
		return jsonraw.Compact(dst, c.Arguments), nil
	}
	mark := len(dst)
	dst, err := jsonraw.AppendUnquoted(dst, c.Arguments)
	if errors.Is(err, jsonraw.ErrBlank) {
		return append(dst, '{', '}'), nil
	}
	if err != nil {
		return dst[:mark], Invalid(c.path(".function.arguments"), "the arguments are not valid JSON: "+err.Error())
	}
	if dst[mark] != '{' {
		return dst[:mark], Invalid(c.path(".function.arguments"), "the arguments must be a JSON object")
	}
	return dst, nil
}

type knownCall struct{ id, name jsonraw.Value }

// indexCalls collects the ids of all calls in the order of the conversation.
func (r *Request) indexCalls() {
	if r.indexed {
		return
	}
	r.indexed = true
	for i := range r.Messages {
		for c := r.Messages[i].Calls(); c.Next(); {
			r.calls = append(r.calls, knownCall{id: c.ID, name: c.Name})
		}
	}
}

// position finds the last call with the id, -1 when there is none. Results stand close to their calls, so the
// search runs backwards.
func (r *Request) position(id jsonraw.Value) int {
	r.indexCalls()
	for i := len(r.calls) - 1; i >= 0; i-- {
		if string(r.calls[i].id) == string(id) {
			return i
		}
	}
	return -1
}

// CallName returns the name of the function that the call with this id called, as a raw string; missing when
// no assistant message has such a call.
func (r *Request) CallName(id jsonraw.Value) jsonraw.Value {
	if i := r.position(id); i >= 0 {
		return r.calls[i].name
	}
	return nil
}

// functionID is the id that stands in for the missing one of the function_call in message index.
func functionID(index int) jsonraw.Value {
	return jsonraw.Value(`"call_message_` + strconv.Itoa(index) + `"`)
}

func (r *Request) functionCallID(name jsonraw.Value) jsonraw.Value {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if string(r.Messages[i].functionCall.Get("name")) == string(name) {
			return functionID(i)
		}
	}
	return functionID(len(r.Messages))
}

func wrongType(param, want string, got jsonraw.Kind) *abi.Refusal {
	return Invalid(param, param+" must be of type "+want+", not "+got.String())
}
