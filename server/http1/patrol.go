package http1

import (
	"sync"
	"sync/atomic"
	"time"
)

// patrol begins the watches of one server. A timer for each request would have to be set and stopped again, and each change
// of the earliest timer of a process that is otherwise idle may wake a thread up; here there is one, which runs while there
// are requests. It is safe for concurrent use.
type patrol struct {
	posts   [16]posts
	running atomic.Bool
}

// posts are requests that may have to be watched, by the round since which they are known.
type posts struct {
	mu         sync.Mutex
	young, old []post
	_          [64]byte // the next one's line of the processor's cache is not this one's
}

// post is a request, which may have been answered meanwhile.
type post struct {
	watch *watch
	turn  uint64
}

// enlist takes a request, whose watch begins after one round to two, unless it is disarmed before.
func (p *patrol) enlist(at post) {
	s := &p.posts[at.watch.beat%uint(len(p.posts))]
	s.mu.Lock()
	s.young = append(s.young, at)
	s.mu.Unlock()
	if !p.running.Load() && p.running.CompareAndSwap(false, true) {
		p.next()
	}
}

// next waits for the next round.
func (p *patrol) next() { time.AfterFunc(watchAfter/2, p.round) }

// round begins the watches that are due, and ends the patrol when there is nothing to come back for.
func (p *patrol) round() {
	if p.visit() {
		p.next()
		return
	}
	p.running.Store(false)
	// What was enlisted before that relied on this round being followed by another.
	if p.waiting() && p.running.CompareAndSwap(false, true) {
		p.next()
	}
}

// visit reports whether some are not due yet.
func (p *patrol) visit() (more bool) {
	for i := range p.posts {
		s := &p.posts[i]
		s.mu.Lock()
		for _, at := range s.old {
			at.watch.begin(at.turn)
		}
		clear(s.old) // connections that have ended are not held on to
		s.young, s.old = s.old[:0], s.young
		more = more || len(s.old) > 0
		s.mu.Unlock()
	}
	return more
}

func (p *patrol) waiting() bool {
	for i := range p.posts {
		s := &p.posts[i]
		s.mu.Lock()
		some := len(s.young) > 0
		s.mu.Unlock()
		if some {
			return true
		}
	}
	return false
}
