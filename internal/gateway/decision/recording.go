package decision

import "sync"

// Pick is a decision on record, with its exact input, so that it can be explained and made again.
type Pick struct {
	Input
	Outcome  Outcome
	Scores   []float64 // as in Decision
	Filtered []bool    // as in Decision
	Calls    []Call
	By       string
	Reason   string
	Try      int // index of the attempt that it led to, -1: none
}

// Picks are the decisions of one request. Their memory is used again after Free. One goroutine uses
// them at a time.
type Picks struct{ list []Pick }

// mostKept is how many candidates may have been in the memory that is kept for other requests.
const mostKept = 1 << 10

var pool = sync.Pool{New: func() any { return &Picks{} }}

// NewPicks returns an empty recording.
func NewPicks() *Picks { return pool.Get().(*Picks) }

// Add takes down a decision that was just made. It keeps neither of the two.
func (p *Picks) Add(in *Input, d *Decision) {
	n := len(p.list)
	if n < cap(p.list) {
		p.list = p.list[:n+1]
	} else {
		p.list = append(p.list, Pick{})
	}
	k := &p.list[n]
	*k = Pick{
		Input:   Input{Header: in.Header, Candidates: append(k.Candidates[:0], in.Candidates...)},
		Outcome: d.Outcome, Scores: append(k.Scores[:0], d.Scores...), Filtered: append(k.Filtered[:0], d.Filtered...),
		Calls: append(k.Calls[:0], d.Calls...), By: d.By, Reason: d.Reason, Try: -1,
	}
}

// Follow says which attempt the decision that was added last has led to.
func (p *Picks) Follow(attempt int) { p.list[len(p.list)-1].Try = attempt }

// List returns the decisions in turn. They are valid until Free.
func (p *Picks) List() []Pick { return p.list }

// Free gives the memory back. Nothing of p may be used afterwards.
func (p *Picks) Free() {
	kept := 0
	for i := range p.list {
		kept += cap(p.list[i].Candidates)
		clear(p.list[i].Calls) // they hold errors, and what these hold
	}
	if p.list = p.list[:0]; kept <= mostKept {
		pool.Put(p)
	}
}
