package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is requests and streams without a pause, each with a marker of its own, so that a lost, cut or mixed answer shows.
type load struct {
	url      string
	groups   []string // of the requests
	streamed []string // of the streams
	rate     int      // requests a second, whatever the answers take
	parallel int      // open streams

	begun    time.Time
	stopping chan struct{}
	wg       sync.WaitGroup
	requests atomic.Int64
	streams  atomic.Int64
	open     atomic.Int64 // streams that have begun and not ended

	mu     sync.Mutex
	failed int
	errs   []error // the first few
}

// begin starts the load. It goes on until end, or the end of the test.
func (l *load) begin(t testing.TB) {
	l.stopping, l.begun = make(chan struct{}), time.Now()
	ctx := context.WithoutCancel(t.Context()) // what has begun is to end by itself
	l.wg.Go(func() { l.pace(ctx) })
	for i := range l.parallel {
		l.wg.Go(func() {
			for n := 0; !l.stopped(); n++ {
				l.note(l.stream(ctx, i, n))
			}
		})
	}
	t.Cleanup(func() {
		if !l.stopped() {
			close(l.stopping)
		}
	})
}

func (l *load) stopped() bool {
	select {
	case <-l.stopping:
		return true
	default:
		return false
	}
}

// pace begins requests at the rate, and catches up when it could not run in time.
func (l *load) pace(ctx context.Context) {
	tick := time.NewTicker(time.Second / time.Duration(l.rate))
	defer tick.Stop()
	for n := 0; ; {
		for due := int(time.Since(l.begun).Seconds() * float64(l.rate)); n < due; n++ {
			number := n // the loop around this one shares n
			l.wg.Go(func() { l.note(l.request(ctx, number)) })
		}
		select {
		case <-tick.C:
		case <-l.stopping:
			return
		}
	}
}

func (l *load) request(ctx context.Context, n int) error {
	marker := fmt.Sprintf("R%d", n)
	group := l.groups[n%len(l.groups)]
	a, err := send(ctx, http.MethodPost, l.url+"/v1/chat/completions", ask(group, "tokens:5 marker:"+marker))
	if err != nil {
		return fmt.Errorf("%s: %w", group, err)
	}
	if a.status != http.StatusOK || a.header.Get("X-Switchyard-Attempts") != "1" {
		return fmt.Errorf("%s: %+v", group, a)
	}
	l.requests.Add(1)
	return marked(a.json("choices.0.message.content"), marker, 5)
}

func (l *load) stream(ctx context.Context, i, n int) error {
	marker, tokens := fmt.Sprintf("S%d-%d", i, n), 20+(i*7+n*13)%50
	group := l.streamed[(i+n)%len(l.streamed)]
	s, err := open(ctx, l.url+"/v1/chat/completions", ask(group, fmt.Sprintf("tokens:%d marker:%s", tokens, marker), streamed))
	if err != nil {
		return fmt.Errorf("%s: %w", group, err)
	}
	l.open.Add(1)
	defer l.open.Add(-1)
	events, err := s.rest()
	text, bad := whole(events)
	if err = errors.Join(err, bad, marked(text, marker, tokens)); err != nil {
		return fmt.Errorf("%s: stream: %w", group, err)
	}
	l.streams.Add(1)
	return nil
}

func (l *load) note(err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed++; len(l.errs) < 5 {
		l.errs = append(l.errs, err)
	}
}

// more waits for so many requests more. The router collects its garbage at the pace at which they make it.
func (l *load) more(t testing.TB, requests int64) {
	t.Helper()
	from := l.requests.Load()
	eventually(t, settling, "more requests", func() error {
		if n := l.requests.Load() - from; n < requests {
			return fmt.Errorf("%d of %d", n, requests)
		}
		return nil
	})
}

// err is what has gone wrong so far.
func (l *load) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d requests or streams failed, the first: %w", l.failed, errors.Join(l.errs...))
}

// end lets the load run out and reports the rate of answered requests.
func (l *load) end(t testing.TB) (perSecond float64) {
	t.Helper()
	close(l.stopping)
	perSecond = float64(l.requests.Load()) / time.Since(l.begun).Seconds()
	l.wg.Wait()
	if err := l.err(); err != nil {
		t.Error(err)
	}
	return perSecond
}
