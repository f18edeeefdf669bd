package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run makes the requests. It returns an error when nothing could be measured; answers that are wrong are counted.
func Run(ctx context.Context, o *Options) (*Result, error) {
	if o.Connections < 1 || o.Window <= 0 {
		return nil, fmt.Errorf("%d connections for %s: there is nothing to measure", o.Connections, o.Window)
	}
	t := newTally()
	if o.Rate > 0 {
		return paced(ctx, o, t)
	}
	return closed(ctx, o, t)
}

func closed(ctx context.Context, o *Options, t *tally) (*Result, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	request := render(o)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range o.Connections {
		c := &client{opt: o, request: request, tally: t}
		due := begin.Add(o.Ramp * time.Duration(i) / time.Duration(o.Connections))
		wg.Go(func() {
			sleep(running, time.Until(due))
			defer c.close()
			for running.Err() == nil {
				if err := c.exchange(running); err != nil && !errors.Is(err, context.Canceled) {
					t.broke(err)
					sleep(running, 10*time.Millisecond) // a contender that is down is not hammered
				}
			}
		})
	}
	sleep(ctx, time.Until(begin.Add(o.Ramp+o.Warmup)))
	res, err := window(ctx, o, t)
	if err != nil {
		return nil, err
	}
	stop()
	if err := finish(ctx, &wg, o.Grace, t); err != nil {
		return nil, err
	}
	return collect(res, t), nil
}

// window counts for as long as the window is, and reads the processors' clocks at both ends of it.
func window(ctx context.Context, o *Options, t *tally) (*Result, error) {
	before, err := readClocks(o.Watch)
	if err != nil {
		return nil, err
	}
	t.counting.Store(true)
	from := time.Now()
	res := &Result{Open: t.open.Load()}
	for end := from.Add(o.Window); time.Now().Before(end) && ctx.Err() == nil; {
		sleep(ctx, min(100*time.Millisecond, time.Until(end)))
		res.Open = min(res.Open, t.open.Load())
	}
	t.counting.Store(false)
	res.Seconds = time.Since(from).Seconds()
	after, err := readClocks(o.Watch)
	if err != nil {
		return nil, err
	}
	res.Processor = after.since(before, o.Watch)
	return res, ctx.Err()
}

// finish waits for what is under way.
func finish(ctx context.Context, wg *sync.WaitGroup, grace time.Duration, t *tally) error {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		t.broke(fmt.Errorf("some answers were not there %s after the last request", grace))
	}
	return nil
}

func collect(res *Result, t *tally) *Result {
	res.Answers, res.Streams, res.Tokens, res.Broken = t.answers.Load(), t.streams.Load(), t.tokens.Load(), t.broken.Load()
	if p := t.complain.Load(); p != nil {
		res.Complain = *p
	}
	res.Latency, res.First, res.Transit, res.Late = t.latency.result(), t.first.result(), t.transit.result(), t.late.result()
	return res
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
