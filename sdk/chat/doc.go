// Package chat reads and writes the OpenAI chat dialect for provider adapters that translate it.
//
// An adapter keeps one [Request], one [Completion] and one [Stream] in its plugin struct and uses them again
// for every call, so that nothing is allocated once they have grown:
//
//	if err := p.req.Read(in.Body); err != nil { // validates, one walk over the members
//		return err // a *abi.Refusal with the param's path
//	}
//	for _, turn := range p.req.Turns() { // normalised: merged, results before text, empties gone
//		for _, i := range turn.Messages {
//			m := &p.req.Messages[i]
//			for part := m.Parts(); part.Next(); { … }
//			for call := m.Calls(); call.Next(); { … }
//		}
//	}
//
// All values are slices of the request's body ([jsonraw.Value]): strings stay escaped and are copied as they
// are into the vendor's body, numbers keep their text. They are valid until the call ends.
//
// Answers go the other way: fill a Completion, or let a Stream append chunks, whose shared head an adapter
// keeps in the stream's state. What a failure means is in refusal.go and upstream.go: one constructor per
// situation, so that every vendor's errors reach clients with the same status, type and code.
//
// The package uses no reflection, no fmt and no clock.
package chat
