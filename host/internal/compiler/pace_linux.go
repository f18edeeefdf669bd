package compiler

import "time"

const (
	beatEvery = 200 * time.Microsecond
	// A beat costs a child some 20 µs. While nobody else is there, beats are rare.
	aloneEvery = time.Millisecond
	// It is alone when it was for so long; after it was wrong, for longer.
	aloneAfter = 10 * time.Millisecond
	// Others came to its processor if it was without for longer between two beats. One that is alone does not mind what a
	// system does now and then.
	absence      = 20 * time.Microsecond
	aloneAbsence = 100 * time.Microsecond
	// Nobody is there if threads take turns less often than that: a request makes a dozen.
	turnEvery = time.Millisecond
	// Each time after so long, a child that had less than half of its processor goes to the next: another may be free.
	moveAfter = 10 * time.Millisecond
)

// pace decides for a child beside requests how often its drummer beats, and where it runs: on one processor, and on all that
// it can use for as long as nobody else wants any.
type pace struct {
	processors int          // that the child keeps busy if it can, at least one
	turns      func() int64 // how often the machine's processors went from one thread of others to another; 0 when unknown

	alone    bool
	quiet    time.Duration // since that changed, or others came
	patience time.Duration // how long it waits before it believes to be alone

	looked time.Duration // since it counted turns
	beats  int64         // likewise
	taken  int64         // turns until then; 0 when it did not count since others came

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

// beat is pace's, for a child whose threads want to know.
func (d *drummer) beat(p *pace, passed, used time.Duration) (rest time.Duration, to step) {
	rest, to = p.beat(passed, used)
	d.alone.Store(p.alone)
	p.processors = max(1, int(d.workers.Load()))
	return rest, to
}

// beat takes what passed since the last one on the clock, and of the child's processor time.
func (p *pace) beat(passed, used time.Duration) (rest time.Duration, to step) {
	p.since, p.had = p.since+passed, p.had+used
	p.quiet, p.looked, p.beats = p.quiet+passed, p.looked+passed, p.beats+1
	p.patience = max(p.patience, aloneAfter)
	switch {
	case p.alone && p.disturbed(passed, used), p.alone && p.looked >= aloneAfter && p.crowd():
		// No use in trying again soon, neither when it was soon disturbed, nor when it was stopped as a whole: a container that may
		// use so much and no more has used it up, and what serves was stopped, too.
		if p.quiet < aloneAfter || used < passed/2 {
			p.patience *= 2
		} else {
			p.patience = aloneAfter
		}
		p.alone, p.quiet, p.taken, to = false, 0, 0, narrow
	case p.alone:
	case passed-absence > used:
		p.quiet, p.taken = 0, 0
	case p.quiet < p.patience/2:
	case p.taken == 0:
		if p.count(); p.taken == 0 { // unknown
			p.quiet = 0
		}
	case p.quiet >= p.patience:
		if p.quiet = 0; !p.crowd() {
			p.alone, to = true, widen
		}
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

// disturbed reports whether a child that was alone has lost part of a processor. One that had just one does one thing at a
// time, or somebody else has the others for good.
func (p *pace) disturbed(passed, used time.Duration) bool {
	one := passed-absence <= used && used <= passed+aloneAbsence // the drummer itself is a little more
	return time.Duration(p.processors)*(passed-aloneAbsence) > used && !one
}

// crowd reports whether others took turns since count or crowd was called last. A drummer that wakes up on a processor where
// nobody was, which there may be once the child runs on all of them, takes one from nobody.
func (p *pace) crowd() bool {
	since, beats, before := p.looked, p.beats, p.taken
	p.count()
	if !p.alone {
		beats = 0
	}
	return p.taken-before-beats >= int64(since/turnEvery)
}

func (p *pace) count() { p.looked, p.beats, p.taken = 0, 0, p.turns() }
