// Package chat reads requests in the OpenAI chat dialect, for provider adapters that translate them.
//
// An adapter keeps one [Request] in its plugin struct and uses it again for every call, so that nothing is allocated once
// it has grown:
//
//	if err := p.req.Read(in.Body); err != nil { // validates, one walk over the members
//		return err // a *abi.Refusal with the param's path
//	}
//	for _, turn := range p.req.Turns() { // normalised: merged, results before text, empties gone
//		for _, i := range p.req.In(turn) {
//			m := p.req.Message(i)
//			for part := m.Parts(); part.Next(); { … }
//			for call := m.Calls(); call.Next(); { … }
//		}
//	}
//
// All values are slices of the request's body ([jsonraw.Value]): strings stay escaped and are copied as they
// are into the vendor's body, numbers keep their text. They are valid until the call ends.
//
// Answers go the other way with package answer; what a failure means is in package refusal.
//
// The package uses no reflection, no fmt and no clock.
package chat
