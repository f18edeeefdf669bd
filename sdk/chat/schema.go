package chat

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw"

// EmptySchema is the JSON Schema of a function without arguments.
const EmptySchema = `{"type":"object","properties":{}}`

// Schema is a JSON Schema in a request, an object, valid until the request is read anew. It may be missing.
type Schema struct {
	doc  *jsonraw.Outline
	node jsonraw.Node
}

// Missing reports whether the client gave none.
func (s Schema) Missing() bool { return s.node == 0 }

// Value returns the schema's text, EmptySchema if it is missing.
func (s Schema) Value() jsonraw.Value {
	if s.node == 0 {
		return jsonraw.Value(EmptySchema)
	}
	return s.doc.Value(s.node)
}

// Outline returns the request's outline and the schema's node in it, for adapters that look at all of it: with
// Value's iterators, what is deep inside is gone over once for each level. It must not be missing.
func (s Schema) Outline() (*jsonraw.Outline, jsonraw.Node) { return s.doc, s.node }

// Typed reports whether the schema has a type.
func (s Schema) Typed() bool {
	if s.node == 0 {
		return true
	}
	found := lastMember(s.doc, s.node, "type")
	return found != 0 && !s.doc.Absent(found)
}
