package main

import "github.com/switchyard-gateway/switchyard/sdk/abi"

// subject is what conditions look at: the request, and, where deployments are selected, one of the candidates.
type subject struct {
	in        abi.View
	utcOffset int64
	uses      uses
	c         *candidate

	candidates []candidate
	identified bool     // their hashes are there
	hashes     []uint64 // of the candidates' tags
}

// candidate is what is read of a deployment once for all rules. Texts are compared by their hashes: a guest pays dearly for
// every call, and the same few texts are compared again and again.
type candidate struct {
	abi.CandidateView
	hashes         [slots]uint64
	firstTag, tags int // in the subject's hashes

	numbers [memos]float64
	known   [memos]bool
}

// memos are the numbers that are worth computing once.
const (
	memoCost = iota
	memoLatency
	memoLimit
	memos
)

// remember returns a number of the candidate in hand.
func (s *subject) remember(memo int, compute func(*subject) float64) float64 {
	if !s.c.known[memo] {
		s.c.numbers[memo], s.c.known[memo] = compute(s), true
	}
	return s.c.numbers[memo]
}

// slots of a candidate's hashes.
const (
	slotID = iota
	slotProvider
	slotModel
	slots
)

// begin takes a decision's input.
func (s *subject) begin(in abi.View) {
	s.in, s.identified = in, false
	n := in.Len()
	if cap(s.candidates) < n {
		s.candidates = make([]candidate, n)
	}
	s.candidates = s.candidates[:n]
	for i := range s.candidates {
		c := &s.candidates[i]
		c.CandidateView, c.known = in.Candidate(i), [memos]bool{}
	}
}

// identify reads what conditions on deployments compare. The first of a decision calls for it.
func (s *subject) identify() {
	if s.identified {
		return
	}
	s.identified, s.hashes = true, s.hashes[:0]
	for i := range s.candidates {
		c := &s.candidates[i]
		if s.uses.tags {
			s.readTags(c)
		}
		if s.uses.texts {
			c.hashes = [slots]uint64{c.IDHash(), abi.Hash(c.Provider()), abi.Hash(c.Model())}
		}
	}
}

func (s *subject) readTags(c *candidate) {
	c.firstTag = len(s.hashes)
	for tags := c.Tags(); len(tags) > 0; {
		var tag []byte
		tag, tags = cutLine(tags)
		s.hashes = append(s.hashes, abi.Hash(tag))
	}
	c.tags = len(s.hashes)
}

// uses says what conditions on deployments look at, so that nothing else is read.
type uses struct{ texts, tags bool }
