package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// steady is requests at a fixed rate, each timed from the moment at which it was due, so that a pause of the router
// shows in all requests that it kept waiting.
type steady struct {
	url, key string
	groups   []string
	rate     int // requests a second

	stopping chan struct{}
	wg       sync.WaitGroup

	mu     sync.Mutex
	took   []time.Duration // in the order of their ends
	failed int
	errs   []error // the first few
}

// begin starts the requests. They go on until end, or the end of the test.
func (l *steady) begin(t testing.TB) {
	l.stopping = make(chan struct{})
	ctx := context.WithoutCancel(t.Context()) // what has begun is to end by itself
	l.wg.Go(func() { l.pace(ctx) })
	t.Cleanup(func() {
		select {
		case <-l.stopping:
		default:
			close(l.stopping)
			l.wg.Wait()
		}
	})
}

func (l *steady) pace(ctx context.Context) {
	period := time.Second / time.Duration(l.rate)
	tick := time.NewTicker(period)
	defer tick.Stop()
	due := time.Now()
	for n := 0; ; {
		select {
		case <-tick.C:
		case <-l.stopping:
			return
		}
		for ; !due.After(time.Now()); n++ {
			number, at := n, due
			l.wg.Go(func() { l.request(ctx, number, at) })
			due = due.Add(period)
		}
	}
}

func (l *steady) request(ctx context.Context, n int, due time.Time) {
	marker, group := fmt.Sprintf("R%d", n), l.groups[n%len(l.groups)]
	a, err := send(ctx, http.MethodPost, l.url+"/v1/chat/completions", ask(group, "tokens:5 marker:"+marker), "Authorization", "Bearer "+l.key)
	took := time.Since(due)
	switch {
	case err == nil && a.status != http.StatusOK:
		err = fmt.Errorf("%+v", a)
	case err == nil:
		err = marked(a.json("choices.0.message.content"), marker, 5)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, took)
	if err != nil {
		if l.failed++; len(l.errs) < 5 {
			l.errs = append(l.errs, fmt.Errorf("%s: %w", group, err))
		}
	}
}

// lap returns how long the requests took that ended since the last lap.
func (l *steady) lap() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := l.took
	l.took = nil
	return took
}

// err is what has gone wrong so far.
func (l *steady) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d requests failed, the first: %w", l.failed, errors.Join(l.errs...))
}

func (l *steady) end(t testing.TB) {
	t.Helper()
	close(l.stopping)
	l.wg.Wait()
	if err := l.err(); err != nil {
		t.Error(err)
	}
}
