// Package canary compares two ways to route that share one stream of requests: import it to learn when the one on trial is
// clearly worse.
package canary

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// Comparison tells how a canary does beside the rest of its tenant's requests. It is safe for concurrent use.
//
// A canary is clearly worse when one of these holds:
//
//   - It has at least minShares requests, so has the rest, and of its requests a larger share fails, or is rejected: the
//     Wilson intervals of the two shares at z = 3.3 do not overlap, and the shares are at least two percentage points apart.
//   - It has at least minMeans answers, so has the rest, and they take longer, or cost more: by half at least, in the
//     geometric mean, with Welch's t on the logarithms above 4. A canary that trades one for the other, being better
//     by the same measure, is not worse.
//
// The bounds are that wide because the test is made after each request: what happens once in a thousand looks would
// happen to every canary in the end.
type Comparison struct {
	since time.Time

	mu           sync.Mutex // guards the rest
	canary, rest sample
	faults       int
	verdict      string
}

// Faults is how many faults a canary is taken out for.
const Faults = 3

const (
	minShares = 50
	shareZ    = 3.3
	shareGap  = 0.02

	minMeans  = 100
	meanT     = 4
	meanRatio = 1.5
)

// New returns a comparison without requests.
func New(since time.Time) *Comparison { return &Comparison{since: since} }

// Outcome is how one request ended.
type Outcome uint8

// The outcomes. A request whose client left has none of them.
const (
	Answered Outcome = iota
	Failed           // for another reason than a rejection
	Rejected         // a strategy refused it, or left no deployment for it
)

// Observe adds a request and returns why the canary is to be taken out, "" if it is not.
func (c *Comparison) Observe(canary bool, o Outcome, latency time.Duration, cost float64) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if canary {
		c.canary.add(o, latency, cost)
	} else {
		c.rest.add(o, latency, cost)
	}
	return c.judge()
}

// Fault counts a fault of the canary's and returns why it is to be taken out, "" if it is not.
func (c *Comparison) Fault(message string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults++; c.faults < Faults {
		return ""
	}
	return fmt.Sprintf("%d faults as canary, the last: %s", c.faults, message)
}

// judge returns what the figures say against the canary.
func (c *Comparison) judge() string {
	a, b := &c.canary, &c.rest
	if a.requests >= minShares && b.requests >= minShares {
		for _, kind := range []struct {
			what string
			a, b uint64
		}{{"failed", a.errors, b.errors}, {"were rejected", a.rejections, b.rejections}} {
			if worse(kind.a, a.requests, kind.b, b.requests) {
				return fmt.Sprintf("of the canary's %d requests %s %s, of the other %d requests %s",
					a.requests, percent(kind.a, a.requests), kind.what, b.requests, percent(kind.b, b.requests))
			}
		}
	}
	slower, dearer := a.latency.compare(&b.latency), a.cost.compare(&b.cost)
	switch {
	case slower > 0 && dearer >= 0:
		return fmt.Sprintf("the canary's %d answers took %s on average, the other %d took %s",
			a.latency.n, a.meanLatency().Round(time.Millisecond), b.latency.n, b.meanLatency().Round(time.Millisecond))
	case dearer > 0 && slower >= 0:
		return fmt.Sprintf("the canary's %d answers cost $%.6g on average, the other %d cost $%.6g", a.cost.n, a.cost.mean, b.cost.n, b.cost.mean)
	}
	return ""
}

// Figures returns what is known.
func (c *Comparison) Figures() *Figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Figures{Since: c.since, Canary: c.canary.figures(), Rest: c.rest.figures(), Verdict: c.verdict}
}

// Conclude notes why the canary was taken out.
func (c *Comparison) Conclude(verdict string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verdict = verdict
}

func percent(part, of uint64) string { return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(of)) }

// worse reports whether the share a of n is clearly larger than the share b of m.
func worse(a, n, b, m uint64) bool {
	low, _ := wilson(a, n)
	_, high := wilson(b, m)
	return low > high && float64(a)/float64(n)-float64(b)/float64(m) >= shareGap
}

// wilson returns the interval in which a share lies, seen k of n times.
func wilson(k, n uint64) (low, high float64) {
	p, size := float64(k)/float64(n), float64(n)
	const z2 = shareZ * shareZ
	center := (p + z2/(2*size)) / (1 + z2/size)
	half := shareZ / (1 + z2/size) * math.Sqrt(p*(1-p)/size+z2/(4*size*size))
	return center - half, center + half
}

// sample is one side.
type sample struct {
	requests, errors, rejections uint64
	latency                      moments // milliseconds
	cost                         moments // USD
	slow                         [latencyBuckets]uint32
}

func (s *sample) add(o Outcome, latency time.Duration, cost float64) {
	s.requests++
	switch o {
	case Failed:
		s.errors++
		return
	case Rejected:
		s.rejections++
		return
	}
	ms := max(float64(latency)/float64(time.Millisecond), 1e-3)
	s.latency.add(ms)
	s.slow[latencyBucket(ms)]++
	if cost > 0 { // an unknown price is NaN, and free ones have no ratio
		s.cost.add(cost)
	}
}

func (s *sample) meanLatency() time.Duration {
	return time.Duration(s.latency.mean * float64(time.Millisecond))
}

func (s *sample) figures() Sample {
	out := Sample{
		Requests: s.requests, Errors: s.errors, Rejections: s.rejections, MeanLatency: s.meanLatency(), MeanCost: s.cost.mean,
	}
	seen := uint64(0)
	for b, n := range s.slow {
		if seen += uint64(n); n > 0 && float64(seen) >= 0.95*float64(s.latency.n) {
			out.P95Latency = time.Duration(math.Pow(latencyStep, float64(b)+0.5) * float64(time.Millisecond))
			break
		}
	}
	return out
}

// Latencies are sorted into buckets, each a tenth wider than the one before. The first ends at one step above 1 ms.
const (
	latencyStep    = 1.1
	latencyBuckets = 160 // beyond an hour
)

func latencyBucket(ms float64) int {
	return int(min(max(math.Log(ms)/math.Log(latencyStep), 0), latencyBuckets-1))
}

// moments are of positive numbers: their mean, and mean and variance of their logarithms, by Welford.
type moments struct {
	n         uint64
	mean      float64
	log, sumd float64
}

func (m *moments) add(x float64) {
	m.n++
	m.mean += (x - m.mean) / float64(m.n)
	log := math.Log(x)
	d := log - m.log
	m.log += d / float64(m.n)
	m.sumd += d * (log - m.log)
}

// compare returns 1 when m is clearly more than other, -1 when clearly less, else 0.
func (m *moments) compare(other *moments) int {
	if m.n < minMeans || other.n < minMeans {
		return 0
	}
	d := m.log - other.log
	if math.Abs(d) < math.Log(meanRatio) {
		return 0
	}
	deviation := math.Sqrt(m.sumd/float64(m.n-1)/float64(m.n) + other.sumd/float64(other.n-1)/float64(other.n))
	if math.Abs(d) <= meanT*deviation {
		return 0
	}
	return int(math.Copysign(1, d))
}

// Figures are what a comparison has seen.
type Figures struct {
	Since   time.Time
	Canary  Sample
	Rest    Sample
	Verdict string // why the canary was taken out, empty: it was not
}

// Sample is one side of a comparison.
type Sample struct {
	Requests    uint64
	Errors      uint64        // requests that failed for other reasons than the client's leaving or a rejection
	Rejections  uint64        // requests that a strategy refused, or left no deployment for
	MeanLatency time.Duration // of answered requests
	P95Latency  time.Duration // to within a twentieth
	MeanCost    float64       // USD, of answered requests with a price above 0
}
