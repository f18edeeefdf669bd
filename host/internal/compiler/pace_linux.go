package compiler

import "time"

const (
	beatEvery = 200 * time.Microsecond
	// A beat costs a child some 20 µs. While nobody else is there, beats are rare.
	aloneEvery = time.Millisecond
	// It is alone when it was for so long; after it was wrong, for longer.
	aloneAfter = 20 * time.Millisecond
	// Others came if a child was without a processor of its own for longer between two beats.
	absence = 20 * time.Microsecond
	// Nobody is there if threads take turns less often than that: a request makes a dozen.
	turnEvery = time.Millisecond
	// Each time after so long, a child that had less than half of its processor goes to the next: another may be free.
	moveAfter = 10 * time.Millisecond
)

// pace decides for a child beside requests how often its drummer beats, and where it runs: on one processor, and on all that
// it can use for as long as nobody else wants any.
type pace struct {
	processors int          // that the child can keep busy, at least one
	turns      func() int64 // how often any of the machine's processors went from one thread to another; 0 when unknown

	alone    bool
	patience time.Duration // how long it waits before it believes to be alone
	quiet    time.Duration // since others came to its processor, or it saw that they came to another

	looked time.Duration // since it counted turns, while there was quiet
	beats  int64         // likewise
	taken  int64         // turns until then; 0 when it did not look

	since, had time.Duration // on the clock and of the processor, since it looked last whether to move
}

// step is where a child is to run from now on.
type step byte

const (
	stay   step = iota
	widen       // on all processors
	narrow      // on one again
	move        // on the next one
)

// beat takes what passed since the last one on the clock, and of the child's processor time.
func (p *pace) beat(passed, used time.Duration) (rest time.Duration, to step) {
	own := 1
	if p.alone {
		own = p.processors
	}
	others := time.Duration(own)*(passed-absence) > used
	p.since, p.had = p.since+passed, p.had+used
	p.quiet, p.looked, p.beats = p.quiet+passed, p.looked+passed, p.beats+1
	p.patience = max(p.patience, aloneAfter)
	switch {
	case others:
		if p.alone { // or the child itself does one thing at a time: no use in trying again soon
			if p.alone, to = false, narrow; p.quiet < aloneAfter {
				p.patience *= 2
			} else {
				p.patience = aloneAfter
			}
		}
		p.quiet, p.taken = 0, 0
	case p.alone || p.quiet < p.patience/2:
	case p.taken == 0:
		p.looked, p.beats, p.taken = 0, 0, p.turns()
	case p.quiet >= p.patience:
		if others := p.turns() - p.taken - 2*p.beats; others < int64(p.looked/turnEvery) {
			p.alone, to = true, widen
		}
		p.quiet, p.taken = 0, 0
	}
	if !p.alone && p.since >= moveAfter && p.had < p.since/2 && to == stay {
		to = move
	}
	if to != stay || p.since >= moveAfter {
		p.since, p.had = 0, 0
	}
	if p.alone {
		return aloneEvery, to
	}
	return beatEvery, to
}
