package health

import (
	"math"
	"sync/atomic"
	"time"
)

// Time constants of the decaying averages: a plain one forgets within a minute or so, a peak is
// believed at once and let go of slowly.
const (
	averageTau = time.Minute
	peakTau    = 15 * time.Second
	// settled is how many samples an average needs before time alone weighs them: before, it is
	// the plain mean.
	settled = 10
)

// average is a time-decaying mean with its peak-sensitive sibling.
type average struct {
	mean, peak float64
	n          uint32 // stops at its largest value
	last       time.Time
}

func (a *average) add(at time.Time, x float64) {
	if a.n == 0 {
		*a = average{mean: x, peak: x, n: 1, last: at}
		return
	}
	age := max(at.Sub(a.last), 0).Seconds() // attempts may end in another order than they report
	if at.After(a.last) {
		a.last = at
	}
	if a.n < math.MaxUint32 {
		a.n++
	}
	w := 1 / float64(a.n)
	if a.n > settled {
		// However close together the samples come, each weighs at least this much.
		w = max(1-math.Exp(-age/averageTau.Seconds()), 1/float64(min(a.n, 10*settled)))
	}
	a.mean += (x - a.mean) * w
	a.peak += (x - a.peak) * max(1-math.Exp(-age/peakTau.Seconds()), 0.02)
	a.peak = max(a.peak, a.mean, x)
}

func (a *average) value() float64 {
	if a.n == 0 {
		return math.NaN()
	}
	return a.mean
}

func (a *average) peakValue() float64 {
	if a.n == 0 {
		return math.NaN()
	}
	return a.peak
}

// sketch is a histogram of durations with buckets that grow by a sixth: quantiles within 8 %.
// It halves its counts now and then, so that old times fade.
type sketch struct {
	counts [sketchBuckets]float32
	total  float32
}

const (
	sketchBuckets = 96
	sketchGrowth  = 1.16
	sketchLimit   = 1000 // samples before the counts are halved
)

var sketchScale = 1 / math.Log(sketchGrowth)

func (s *sketch) add(ms float64) {
	i := 0
	if ms > 1 {
		i = int(min(math.Log(ms)*sketchScale, sketchBuckets-1))
	}
	s.counts[i]++
	s.total++
	if s.total >= sketchLimit {
		s.total = 0
		for i := range s.counts {
			s.counts[i] /= 2
			s.total += s.counts[i]
		}
	}
}

// quantiles returns the median and the 95th percentile in milliseconds, NaN when empty.
func (s *sketch) quantiles() (p50, p95 float64) {
	p50, p95 = math.NaN(), math.NaN()
	if s.total == 0 {
		return p50, p95
	}
	var sum float32
	for i, c := range s.counts {
		sum += c
		if math.IsNaN(p50) && sum >= s.total*0.5 {
			p50 = bucketMiddle(i)
		}
		if sum >= s.total*0.95 {
			return p50, bucketMiddle(i)
		}
	}
	return p50, bucketMiddle(sketchBuckets - 1)
}

func bucketMiddle(i int) float64 { return math.Pow(sketchGrowth, float64(i)+0.5) }

// minute counts over a sliding minute in steps of five seconds.
type minute struct {
	slots [minuteSlots]minuteSlot
}

type minuteSlot struct {
	step               int64
	requests, failures uint32
	tokens             uint64
}

const (
	minuteStep  = 5 * time.Second
	minuteSlots = int(time.Minute / minuteStep)
)

func (m *minute) slot(at time.Time) *minuteSlot {
	step := at.UnixNano() / int64(minuteStep)
	s := &m.slots[step%int64(minuteSlots)]
	if s.step != step {
		*s = minuteSlot{step: step}
	}
	return s
}

func (m *minute) sum(at time.Time) (requests, failures uint32, tokens uint64) {
	oldest := at.UnixNano()/int64(minuteStep) - int64(minuteSlots) + 1
	for i := range m.slots {
		if s := &m.slots[i]; s.step >= oldest {
			requests += s.requests
			failures += s.failures
			tokens += s.tokens
		}
	}
	return requests, failures, tokens
}

// Expectation is how many output tokens a group's answers have, as a decaying mean. Its methods are
// safe for concurrent use.
type Expectation struct{ bits atomic.Uint64 }

const (
	expectedAtFirst = 256
	// mostTokens is what one answer can count for: a vendor's absurd figure must not steer a group.
	mostTokens = 1 << 20
)

// Value is the mean, or a guess before the first answer.
func (e *Expectation) Value() float64 {
	if v := math.Float64frombits(e.bits.Load()); v > 0 {
		return v
	}
	return expectedAtFirst
}

// Add takes an answer into account.
func (e *Expectation) Add(tokens uint64) {
	// A lost update under contention costs one sample of many.
	v := e.Value()
	e.bits.Store(math.Float64bits(v + (float64(min(max(tokens, 1), mostTokens))-v)*0.05))
}

// Inherit takes over what another has learnt.
func (e *Expectation) Inherit(from *Expectation) { e.bits.Store(from.bits.Load()) }
