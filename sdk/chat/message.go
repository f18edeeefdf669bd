package chat

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
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

// Message is one message of a request, valid until the request is read anew. It is a handle, to be passed by value.
type Message struct {
	*record
	doc *jsonraw.Outline
}

// record is what is kept of a message: what it has, as nodes of the outline, which are 0 for what it does not have.
// There may be very many, so they hold no pointers: a guest's collector would have to follow each, and while it is at
// work, writing one costs thousands of instructions.
type record struct {
	index   int32
	content int32
	name    int32

	// Of assistant messages.
	refusal      int32
	reasoning    int32
	thinking     int32
	toolCalls    int32
	functionCall int32

	// Of tool messages.
	callID   int32
	answered int32 // 1 + the index of the message whose function_call it answers, if it has no id

	cache int32
	role  Role
	parts bool // content is an array
}

// Len returns how many messages there are, never none; see Turns for the normalised form.
func (r *Request) Len() int { return len(r.records) }

// Message returns message i.
func (r *Request) Message(i int) Message { return Message{&r.records[i], &r.doc} }

// value returns the text of a node, nil for 0.
func value(doc *jsonraw.Outline, n int32) jsonraw.Value {
	if n == 0 {
		return nil
	}
	return valueOf(doc, n)
}

// valueOf is out of line because most of what might be there is not.
//
//go:noinline
func valueOf(doc *jsonraw.Outline, n int32) jsonraw.Value { return doc.Value(jsonraw.Node(n)) }

// Role tells who speaks.
func (m Message) Role() Role { return m.role }

// Index is the message's place among the client's, as in the paths of refusals.
func (m Message) Index() int { return int(m.index) }

// Content is a string, an array of parts, or nil; read it with Text or Parts.
func (m Message) Content() jsonraw.Value { return value(m.doc, m.content) }

// Name is the member name, of any kind.
func (m Message) Name() jsonraw.Value { return value(m.doc, m.name) }

// Refusal is what an assistant refused with: a string, or nil.
func (m Message) Refusal() jsonraw.Value { return value(m.doc, m.refusal) }

// Reasoning is the extension reasoning_content: a string, or nil.
func (m Message) Reasoning() jsonraw.Value { return value(m.doc, m.reasoning) }

// CacheControl is the extension cache_control: an object, or nil.
func (m Message) CacheControl() jsonraw.Value { return value(m.doc, m.cache) }

// ToolCallID is a string in tool messages. A message of the deprecated role function has the id of the last
// function_call of its name.
func (m Message) ToolCallID() jsonraw.Value {
	if m.answered > 0 {
		return functionID(int(m.answered) - 1)
	}
	return value(m.doc, m.callID)
}

// Path returns the param path of something in the message: m.Path(".content") gives "messages[2].content".
func (m Message) Path(rest string) string {
	return "messages[" + strconv.Itoa(int(m.index)) + "]" + rest
}

func (r *Request) readMessages(v jsonraw.Node) error {
	doc := &r.doc
	if v == 0 {
		return refusal.Invalid("messages", "messages is required")
	}
	if doc.Kind(v) != jsonraw.Array {
		return wrongType("messages", "array", doc.Kind(v))
	}
	first, end := doc.Elements(v)
	if first == end {
		return refusal.Invalid("messages", "messages must not be empty")
	}
	n := count(doc, first, end)
	r.records = reserve(r.records, n)[:n]
	legacy := false
	for e := first; e < end; e = doc.After(e) {
		m := &r.records[len(r.records)-n]
		*m = record{index: int32(len(r.records) - n)}
		n--
		if err := r.readMessage(m, e); err != nil {
			return err
		}
		legacy = legacy || m.answered > 0
	}
	if legacy {
		r.answerFunctions()
	}
	return nil
}

// count returns how many elements there are.
func count(doc *jsonraw.Outline, first, end jsonraw.Node) (n int) {
	for e := first; e < end; e = doc.After(e) {
		n++
	}
	return n
}

// reserve empties s and makes room for exactly n elements: where there are many, growing would cost more than counting
// them first.
func reserve[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:0]
	}
	return make([]T, 0, n)
}

const (
	keyRole = 1 + iota
	keyContent
	keyName
	keyToolCalls
	keyToolCallID
	keyFunctionCall
	keyRefusal
	keyReasoning
	keyThinkingBlocks
	keyCacheControl
)

var messageKeys = jsonraw.NewKeys("role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal",
	"reasoning_content", "thinking_blocks", "cache_control")

var roles = jsonraw.NewKeys("user", "assistant", "system", "developer", "tool", "function")

var roleOf = [...]Role{0, RoleUser, RoleAssistant, RoleSystem, RoleSystem, RoleTool, RoleTool}

func (r *Request) readMessage(m *record, v jsonraw.Node) error {
	doc := &r.doc
	if kind := doc.Kind(v); kind != jsonraw.Object {
		return wrongType(Message{m, doc}.Path(""), "object", kind)
	}
	role := jsonraw.Node(0)
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		n := key + 1
		if doc.Absent(n) {
			continue
		}
		switch k := doc.Find(key, &messageKeys); k {
		case 0:
		case keyRole:
			role = n
		case keyContent:
			m.content = int32(n)
		default:
			m.member(doc, k, n)
		}
	}
	which := 0
	if role != 0 && doc.Kind(role) == jsonraw.String {
		which = doc.Find(role, &roles)
	}
	if m.role = roleOf[which]; which == 0 {
		return refusal.Invalid(Message{m, doc}.Path(".role"), "role must be system, developer, user, assistant or tool")
	}
	if m.content != 0 && doc.Kind(jsonraw.Node(m.content)) == jsonraw.String && m.toolCalls == 0 && m.role != RoleTool {
		return nil // as nearly all are
	}
	return m.check(doc)
}

// member takes over a member that few messages have.
func (m *record) member(doc *jsonraw.Outline, key int, n jsonraw.Node) {
	switch key {
	case keyName:
		m.name = int32(n)
	case keyToolCalls:
		m.toolCalls = int32(n)
	case keyToolCallID:
		m.callID = int32(n)
	case keyFunctionCall:
		m.functionCall = int32(n)
	case keyRefusal:
		m.refusal = ofKind(doc, n, jsonraw.String)
	case keyReasoning:
		m.reasoning = ofKind(doc, n, jsonraw.String)
	case keyThinkingBlocks:
		m.thinking = 0
		if first, end := doc.Elements(n); first < end {
			m.thinking = int32(n)
		}
	case keyCacheControl:
		m.cache = ofKind(doc, n, jsonraw.Object)
	}
}

// check refuses members of a wrong type.
func (m *record) check(doc *jsonraw.Outline) error {
	h := Message{m, doc}
	switch kind := doc.Kind(jsonraw.Node(m.content)); { // that of the whole body if there is none: an object
	case m.content == 0 && m.role != RoleAssistant:
		return refusal.Invalid(h.Path(".content"), "content is required")
	case kind == jsonraw.Array:
		m.parts = true
	case m.content != 0 && kind != jsonraw.String:
		return wrongType(h.Path(".content"), "string or array of parts", kind)
	}
	if n := jsonraw.Node(m.toolCalls); n != 0 && doc.Kind(n) != jsonraw.Array {
		return wrongType(h.Path(".tool_calls"), "array", doc.Kind(n))
	}
	if m.role == RoleTool && (m.callID == 0 || doc.Kind(jsonraw.Node(m.callID)) != jsonraw.String) {
		if m.name == 0 || doc.Kind(jsonraw.Node(m.name)) != jsonraw.String {
			return refusal.Invalid(h.Path(".tool_call_id"), "a tool message needs the tool_call_id of the call that it answers")
		}
		m.answered = m.index + 1 // that of a call is found later
	}
	return nil
}

// ofKind returns the node n if it is of the kind, else 0.
func ofKind(doc *jsonraw.Outline, n jsonraw.Node, kind jsonraw.Kind) int32 {
	if doc.Kind(n) != kind {
		return 0
	}
	return int32(n)
}

// Empty reports whether there is nothing to send in m: no calls, no thinking, and only blank text.
func (m Message) Empty() bool {
	if m.parts || m.role == RoleTool || m.thinking|m.toolCalls|m.functionCall|m.refusal != 0 {
		return m.hollow()
	}
	return m.content == 0 || Blank(m.doc.Value(jsonraw.Node(m.content)))
}

// hollow is Empty for messages that have more than a text.
func (m Message) hollow() bool {
	switch m.role {
	case RoleTool:
		return false
	case RoleAssistant: // whose these are; a user's mean nothing
		if m.thinking != 0 || m.HasCalls() || m.refusal != 0 && !Blank(m.Refusal()) {
			return false
		}
	}
	for p := m.Parts(); p.Next(); {
		if (p.Kind != PartText && p.Kind != PartRefusal) || !Blank(p.Text()) {
			return false
		}
	}
	return true
}

func wrongType(param, want string, got jsonraw.Kind) *abi.Refusal {
	return refusal.Invalid(param, param+" must be of type "+want+", not "+got.String())
}
