package chat

import (
	"cmp"
	"math"
	"slices"
)

// Turn is a run of messages of one side, as vendors with strictly alternating roles want them. Tool messages
// belong to the user's side.
type Turn struct {
	Assistant bool
	Messages  []int // indices into Request.Messages
}

// Turns returns the conversation as alternating turns: system messages left out (collect them with System),
// empty messages dropped, neighbours of one side merged, and in each turn of the user's the tool results
// first, in the order of the calls that they answer.
//
// A conversation of system messages alone becomes one turn of the user's, because such vendors need one; the
// messages' roles are changed for that, so call Turns before System. It is empty when nothing has any content.
func (r *Request) Turns() []Turn {
	if r.buildTurns(); len(r.turns) > 0 {
		return r.turns
	}
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Role == RoleSystem {
			m.Role = RoleUser
		}
	}
	r.buildTurns()
	return r.turns
}

func (r *Request) buildTurns() {
	r.turns, r.order = r.turns[:0], slices.Grow(r.order[:0], len(r.Messages)) // no later growth: turns alias it
	start := 0
	flush := func(assistant bool) {
		if start < len(r.order) {
			t := Turn{Assistant: assistant, Messages: r.order[start:len(r.order):len(r.order)]}
			if !assistant {
				r.sortResults(t.Messages)
			}
			r.turns = append(r.turns, t)
		}
		start = len(r.order)
	}
	side := false
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Role == RoleSystem || m.Empty() {
			continue
		}
		if assistant := m.Role == RoleAssistant; assistant != side {
			flush(side)
			side = assistant
		}
		r.order = append(r.order, i)
	}
	flush(side)
}

// sortResults moves the tool messages among the indices to the front, in the order of their calls; the others,
// and results without a call, keep their order.
func (r *Request) sortResults(indices []int) {
	results := 0
	for _, i := range indices {
		if r.Messages[i].Role == RoleTool {
			results++
		}
	}
	if results == 0 || len(indices) == 1 {
		return
	}
	const unknown, notResult = math.MaxInt - 1, math.MaxInt
	sorted, previous := true, 0
	for _, i := range indices {
		m := &r.Messages[i]
		m.rank = notResult
		if m.Role == RoleTool {
			m.rank = 0
			if results > 1 { // a single one need not be looked up
				if m.rank = r.position(m.ToolCallID); m.rank < 0 {
					m.rank = unknown
				}
			}
		}
		sorted, previous = sorted && m.rank >= previous, m.rank
	}
	if !sorted {
		slices.SortStableFunc(indices, func(a, b int) int { return cmp.Compare(r.Messages[a].rank, r.Messages[b].rank) })
	}
}

// System yields the indices of the system and developer messages that have content, in order.
func (r *Request) System(yield func(i int) bool) {
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Role == RoleSystem && !m.Empty() && !yield(i) {
			return
		}
	}
}
