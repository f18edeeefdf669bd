package main

import (
	"math"
	"slices"
	"strings"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy/draw"
)

// Purposes of chance, so that no two draws of one request are the same.
const (
	purposeSplit   = 0x73706c6974 // "split"
	purposeExplore = 0x74727931   // "try1"
)

// exploreShare is how many requests try a deployment that had none in the last minute, where times or the like rank:
// what was slow once would be so for ever.
const exploreShare = 0.03

// ranking is how the candidates of one request stand to each other. It is kept for its room.
type ranking struct {
	levels []uint64 // by candidate: lower comes first
	places []place
	order  []int
	sorted []uint64
	kept   int // candidates that are not removed

	arrivals []float64 // of a split's shares
	explore  bool      // this request measures what had no requests of late
}

// removed is the level of a candidate that may not serve.
const removed = math.MaxUint64

func (r *ranking) begin(n int) {
	r.levels = append(r.levels[:0], make([]uint64, n)...)
	r.kept = n
}

// apply puts candidates on levels as the rule says. What earlier rules have said comes first: it tells candidates apart
// only where those did not. It returns what to tell the client if the rule leaves nothing.
func (rule *rule) apply(s *subject, r *ranking) *refusal {
	s.identify()
	if rule.only != nil {
		r.keep(s, rule.only)
		// Later attempts are offered other deployments while one that may serve, but has failed, is held back.
		if r.kept == 0 && rule.otherwise != nil && s.in.Attempt() == 0 {
			return rule.otherwise
		}
	}
	if rule.avoid != nil {
		r.avoid(s, rule.avoid)
	}
	if rule.prefer != nil {
		r.prefer(s, rule.prefer)
	}
	if rule.split != nil {
		rule.draw(s, r)
	}
	return nil
}

func (r *ranking) keep(s *subject, c condition) {
	for i, level := range r.levels {
		if level == removed {
			continue
		}
		if s.c = &s.candidates[i]; !c.holds(s) {
			r.levels[i] = removed
			r.kept--
		}
	}
}

func (r *ranking) avoid(s *subject, c condition) {
	r.refine(2)
	for i := range r.levels {
		if s.c = &s.candidates[i]; c.holds(s) {
			r.lower(i, 1)
		}
	}
}

func (r *ranking) prefer(s *subject, list []condition) {
	r.refine(len(list) + 1)
	for i := range r.levels {
		s.c = &s.candidates[i]
		r.lower(i, firstHolding(s, list))
	}
}

func firstHolding(s *subject, list []condition) int {
	for i, c := range list {
		if c.holds(s) {
			return i
		}
	}
	return len(list)
}

// draw puts the shares of a split into an order that is random by weight, so that the next best is drawn by weight, too.
func (rule *rule) draw(s *subject, r *ranking) {
	shares := len(rule.split)
	seed := draw.Mix(s.in.Seed(), purposeSplit^abi.Hash(rule.label))
	if session := s.in.SessionHash(); rule.sticky && session != 0 {
		seed = draw.Mix(session, purposeSplit)
	}
	r.arrivals = r.arrivals[:0]
	for i := range rule.split {
		r.arrivals = append(r.arrivals, draw.Race(seed, uint64(i), rule.split[i].weight))
	}
	r.refine(shares + 1)
	for i := range s.candidates {
		s.c = &s.candidates[i]
		mine := 0
		for mine < shares && !rule.split[mine].to.holds(s) {
			mine++
		}
		if mine == shares {
			r.lower(i, shares)
			continue
		}
		before := 0
		for _, at := range r.arrivals {
			if at < r.arrivals[mine] {
				before++
			}
		}
		r.lower(i, before)
	}
}

// refine makes room for so many levels in the place of each.
func (r *ranking) refine(levels int) {
	const most = 1 << 40
	highest := uint64(0)
	for _, l := range r.levels {
		if l != removed {
			highest = max(highest, l)
		}
	}
	if highest >= most {
		r.compact()
	}
	for i, l := range r.levels {
		if l != removed {
			r.levels[i] = l * uint64(levels)
		}
	}
}

// lower moves a candidate down.
func (r *ranking) lower(i, by int) {
	if r.levels[i] != removed {
		r.levels[i] += uint64(by)
	}
}

// compact renumbers the levels from 0 without gaps.
func (r *ranking) compact() {
	r.sorted = append(r.sorted[:0], r.levels...)
	slices.Sort(r.sorted)
	r.sorted = slices.Compact(r.sorted)
	for i, l := range r.levels {
		if l != removed {
			at, _ := slices.BinarySearch(r.sorted, l)
			r.levels[i] = uint64(at)
		}
	}
}

// place is how one candidate stands: the first field that differs decides.
type place struct {
	standing uint8
	class    uint8 // of what by says
	level    uint64
	value    float64
}

// Classes of candidates on one level.
const (
	classTried = iota // this request explores it
	classKnown
	classTroubled // its times don't count: it fails too often
	classUnknown
)

func (r *ranking) compare(i, j int) int {
	a, b := &r.places[i], &r.places[j]
	switch {
	case a.standing != b.standing:
		return int(a.standing) - int(b.standing)
	case a.level < b.level:
		return -1
	case a.level > b.level:
		return 1
	case a.class != b.class:
		return int(a.class) - int(b.class)
	case a.value < b.value:
		return -1
	case a.value > b.value:
		return 1
	}
	return 0
}

// settle turns levels, and within each what by says, into scores: 0 for the first, NaN for what is removed.
func (r *ranking) settle(s *subject, by *field, scores []float64) {
	r.explore = by != nil && by.measured && s.in.Attempt() == 0 && draw.Unit(draw.Mix(s.in.Seed(), purposeExplore), 0) < exploreShare
	r.places, r.order = r.places[:0], r.order[:0]
	for i, level := range r.levels {
		if level == removed {
			r.places = append(r.places, place{})
			continue
		}
		s.c = &s.candidates[i]
		r.places, r.order = append(r.places, r.place(s, by, level)), append(r.order, i)
	}
	r.sort()
	for i := range scores {
		scores[i] = math.NaN()
	}
	score := 0.0
	for at, i := range r.order {
		if at > 0 && r.compare(r.order[at-1], i) < 0 {
			score++
		}
		scores[i] = score
	}
}

func (r *ranking) place(s *subject, by *field, level uint64) place {
	p := place{standing: ladder.Standing(s.c.Flags()), level: level}
	if by != nil {
		p.class, p.value = by.classify(s, r.explore)
	}
	return p
}

// sort puts the candidates that are left into order. Mostly they are few.
func (r *ranking) sort() {
	const few = 32
	if len(r.order) > few {
		slices.SortFunc(r.order, r.compare)
		return
	}
	for at, i := range r.order {
		for ; at > 0 && r.compare(r.order[at-1], i) > 0; at-- {
			r.order[at] = r.order[at-1]
		}
		r.order[at] = i
	}
}

// classify says how a candidate stands by the field, lower being better.
func (f *field) classify(s *subject, explore bool) (class uint8, value float64) {
	const (
		manyErrors = 0.1
		streak     = 3
	)
	value = f.number(s)
	switch {
	case explore && s.c.ReqMinute() == 0:
		return classTried, 0
	case value != value:
		return classUnknown, 0
	case f.measured && (s.c.ErrorRate() >= manyErrors || s.c.Consecutive() >= streak):
		class = classTroubled
	default:
		class = classKnown
	}
	if f.rank == rankHigh {
		value = -value
	}
	return class, value
}

// write adds the value by which a candidate was ranked.
func (f *field) write(l *note.Line, value float64) {
	l.Text(f.name).Text(" ")
	if f.rank == rankHigh {
		value = -value
	}
	if value < 0 {
		l.Text("-")
		value = -value
	}
	switch {
	case f.name == "cost_usd":
		l.USD(value)
	case strings.HasSuffix(f.name, "_ms"):
		l.Millis(value)
	default:
		l.Number(value)
	}
}

// explain adds to the rules that had a say what came of them.
func (r *ranking) explain(s *subject, by *field, scores []float64, l *note.Line) string {
	n := len(scores)
	if r.kept == 0 {
		return l.Text(": none of ").Int(n).Text(" deployments may serve").String()
	}
	first, _ := ladder.Front(scores)
	l.Text(": ").Name(s.in.Candidate(first).ID())
	switch p := r.places[first]; {
	case by == nil:
	case p.class == classTried:
		l.Text(" to measure ").Text(by.name).Text(" again")
	case p.class == classUnknown:
		l.Text(", ").Text(by.name).Text(" not known")
	default:
		by.write(l.Text(", "), p.value)
	}
	if r.kept < n {
		l.Text("; ").Int(r.kept).Text(" of ").Int(n).Text(" may serve")
	}
	return l.String()
}
