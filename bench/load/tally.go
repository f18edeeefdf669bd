package load

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally gathers what all connections see. Spreads are under locks that are held for a few nanoseconds: a histogram per
// connection would take 200 KB for each of 5,000.
type tally struct {
	counting atomic.Bool // inside the window
	answers  atomic.Int64
	streams  atomic.Int64
	tokens   atomic.Int64
	broken   atomic.Int64
	open     atomic.Int64 // streams open now

	complain atomic.Pointer[string]

	latency, first, transit, late spread
}

func newTally() *tally {
	t := new(tally)
	for _, s := range []*spread{&t.latency, &t.first, &t.transit, &t.late} {
		s.h = hdrhistogram.New(1, int64(2*time.Minute/time.Nanosecond)/100, 3)
	}
	return t
}

// broke counts an answer that is not as it must be.
func (t *tally) broke(err error) {
	t.broken.Add(1)
	text := err.Error()
	t.complain.CompareAndSwap(nil, &text)
}

// spread is a distribution in tenths of microseconds.
type spread struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram
}

const unit = 100 * time.Nanosecond

func (s *spread) add(d time.Duration) {
	s.mu.Lock()
	_ = s.h.RecordValue(max(0, min(int64(d/unit), s.h.HighestTrackableValue()))) // it is in range
	s.mu.Unlock()
}

func (s *spread) result() Spread {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := func(q float64) float64 { return float64(s.h.ValueAtQuantile(q)) / 10 }
	return Spread{
		N: s.h.TotalCount(), Mean: s.h.Mean() / 10, Max: float64(s.h.Max()) / 10,
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
	}
}
