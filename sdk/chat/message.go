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
	ToolCalls      jsonraw.Value
	Refusal        jsonraw.Value // a string
	Reasoning      jsonraw.Value // the extension reasoning_content, a string
	ThinkingBlocks jsonraw.Value // the extension thinking_blocks, an array

	// Of tool messages. A message of the deprecated role function gets the id of the last function_call of its
	// name.
	ToolCallID jsonraw.Value

	CacheControl jsonraw.Value // the extension cache_control, an object

	functionCall jsonraw.Value
	rank         int // among what one turn of the user's answers; set while turns are built
}

// Path returns the param path of something in the message: m.Path(".content") gives "messages[2].content".
func (m *Message) Path(rest string) string {
	return "messages[" + strconv.Itoa(m.Index) + "]" + rest
}

func (r *Request) readMessages(v jsonraw.Value) error {
	if v.Kind() != jsonraw.Array {
		if v.Absent() {
			return Invalid("messages", "messages is required")
		}
		return wrongType("messages", "array", v)
	}
	for e := v.Elements(); e.Next(); {
		n := len(r.Messages)
		r.Messages = append(r.Messages, Message{Index: n})
		m := &r.Messages[n]
		if e.Value.Kind() != jsonraw.Object {
			return wrongType(m.Path(""), "object", e.Value)
		}
		if err := m.read(e.Value); err != nil {
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

func (m *Message) read(v jsonraw.Value) error {
	var role jsonraw.Value
	for f := v.Members(); f.Next(); {
		if f.Value.Absent() {
			continue
		}
		switch string(f.Name()) {
		case "role":
			role = f.Value
		case "content":
			m.Content = f.Value
		case "name":
			m.Name = f.Value
		case "tool_calls":
			m.ToolCalls = f.Value
		case "tool_call_id":
			m.ToolCallID = f.Value
		case "function_call":
			m.functionCall = f.Value
		case "refusal":
			m.Refusal = f.Value
		case "reasoning_content":
			m.Reasoning = f.Value
		case "thinking_blocks":
			m.ThinkingBlocks = f.Value
		case "cache_control":
			m.CacheControl = f.Value
		}
	}
	switch string(role.Inner()) {
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
	if k := m.Content.Kind(); k != jsonraw.Missing && k != jsonraw.String && k != jsonraw.Array {
		return wrongType(m.Path(".content"), "string or array of parts", m.Content)
	}
	if m.Content == nil && m.Role != RoleAssistant {
		return Invalid(m.Path(".content"), "content is required")
	}
	if m.ToolCalls != nil && m.ToolCalls.Kind() != jsonraw.Array {
		return wrongType(m.Path(".tool_calls"), "array", m.ToolCalls)
	}
	if m.CacheControl.Kind() != jsonraw.Object {
		m.CacheControl = nil
	}
	if m.Refusal.Kind() != jsonraw.String {
		m.Refusal = nil
	}
	if m.Reasoning.Kind() != jsonraw.String {
		m.Reasoning = nil
	}
	if !hasElements(m.ThinkingBlocks) {
		m.ThinkingBlocks = nil
	}
	return nil
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

	msg    *Message
	elems  jsonraw.Elements
	legacy bool
	n      int
}

// Calls returns an iterator over m's calls; the deprecated function_call counts as one.
func (m *Message) Calls() Calls {
	if m.Role != RoleAssistant {
		return Calls{}
	}
	c := Calls{msg: m, elems: m.ToolCalls.Elements()}
	c.legacy = m.functionCall.Kind() == jsonraw.Object && m.ToolCalls == nil
	return c
}

// HasCalls reports whether there is a call in m.
func (m *Message) HasCalls() bool {
	return m.Role == RoleAssistant && (hasElements(m.ToolCalls) || m.ToolCalls == nil && m.functionCall.Kind() == jsonraw.Object)
}

// hasElements reports whether v is an array that is not empty, without walking over anything.
func hasElements(v jsonraw.Value) bool {
	if v.Kind() != jsonraw.Array {
		return false
	}
	for _, c := range v[1:] {
		if c > ' ' {
			return c != ']'
		}
	}
	return false
}

// Next moves to the next call and reports whether there is one.
func (c *Calls) Next() bool {
	if c.legacy {
		c.legacy = false
		c.ToolCall = ToolCall{ID: functionID(c.msg.Index), Name: c.msg.functionCall.Get("name"), Arguments: c.msg.functionCall.Get("arguments")}
		return c.check()
	}
	if c.Err != nil || !c.elems.Next() {
		return false
	}
	c.ToolCall = ToolCall{Index: c.n}
	c.n++
	for m := c.elems.Value.Members(); m.Next(); {
		switch string(m.Name()) {
		case "id":
			c.ID = m.Value
		case "function":
			for f := m.Value.Members(); f.Next(); {
				switch string(f.Name()) {
				case "name":
					c.Name = f.Value
				case "arguments":
					c.Arguments = f.Value
				case "cache_control":
					c.CacheControl = f.Value
				}
			}
		case "cache_control":
			c.CacheControl = m.Value
		}
	}
	if c.CacheControl.Kind() != jsonraw.Object {
		c.CacheControl = nil
	}
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

func wrongType(param, want string, got jsonraw.Value) *abi.Refusal {
	return Invalid(param, param+" must be of type "+want+", not "+got.Kind().String())
}
