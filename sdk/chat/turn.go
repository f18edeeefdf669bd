package chat

import (
	"math"
	"slices"
)

// Turn is a run of messages of one side, as vendors with strictly alternating roles want them. Tool messages
// belong to the user's side.
type Turn struct {
	Assistant bool

	from, to int32 // in Request.order
}

// Turns returns the conversation as alternating turns: system messages left out,
// empty messages dropped, neighbours of one side merged, and in each turn of the user's the tool results
// first, in the order of the calls that they answer.
//
// A conversation of system messages alone becomes one turn of the user's, because such vendors need one; the
// messages' roles are changed for that, so look for system messages after it. It is empty when nothing has any content.
func (r *Request) Turns() []Turn {
	if r.buildTurns(); len(r.turns) > 0 {
		return r.turns
	}
	for i := range r.records {
		if m := &r.records[i]; m.role == RoleSystem {
			m.role = RoleUser
		}
	}
	r.buildTurns()
	return r.turns
}

// In returns the indices of a turn's messages.
func (r *Request) In(t Turn) []int { return r.order[t.from:t.to] }

func (r *Request) buildTurns() {
	r.turns, r.order = r.turns[:0], reserve(r.order, len(r.records))
	var t Turn
	results := 0 // in t
	for i := range r.records {
		m := r.Message(i)
		if m.role == RoleSystem || m.Empty() {
			continue
		}
		if assistant := m.role == RoleAssistant; assistant != t.Assistant {
			r.endTurn(t, results)
			t, results = Turn{Assistant: assistant, from: int32(len(r.order))}, 0
		}
		if m.role == RoleTool {
			results++
		}
		r.order = append(r.order, i)
	}
	r.endTurn(t, results)
}

// endTurn adds a turn that ends here, unless it is empty.
func (r *Request) endTurn(t Turn, results int) {
	if t.to = int32(len(r.order)); t.from == t.to {
		return
	}
	if results > 0 {
		r.sortResults(r.In(t), results)
	}
	r.turns = append(r.turns, t)
}

// sortResults moves the tool messages among the indices to the front, in the order of their calls; the others,
// and results without a call, keep their order.
func (r *Request) sortResults(indices []int, results int) {
	if len(indices) == 1 {
		return
	}
	const unknown, notResult = math.MaxInt32 - 1, math.MaxInt32
	// A key is a message's rank and, below it, its index.
	keys := reserve(r.keys, len(indices))
	sorted, previous := true, uint64(0)
	for _, i := range indices {
		m := r.Message(i)
		rank := notResult
		if m.role == RoleTool {
			rank = 0
			if results > 1 { // a single one need not be looked up
				if rank = r.position(m.ToolCallID()); rank < 0 {
					rank = unknown
				}
			}
		}
		key := uint64(rank)<<32 | uint64(i)
		sorted, previous = sorted && key >= previous, key
		keys = append(keys, key)
	}
	r.keys = keys
	if sorted {
		return
	}
	slices.Sort(keys)
	for n, key := range keys {
		indices[n] = int(uint32(key))
	}
}
