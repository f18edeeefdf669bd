package main

import (
	"context"
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/load"
)

// pace is how streams come.
type pace struct {
	open     int // at once
	tokens   int
	interval time.Duration // 0 is as fast as the gateway takes them
	thorough bool          // left out of quick runs
}

func (p pace) String() string {
	if p.interval == 0 {
		return fmt.Sprintf("%d at full speed", p.open)
	}
	return fmt.Sprintf("%d open", p.open)
}

var paces = []pace{
	{open: 32, tokens: 400}, {open: 100, tokens: 40, interval: 100 * time.Millisecond, thorough: true},
	{open: 1000, tokens: 40, interval: 100 * time.Millisecond}, {open: 5000, tokens: 40, interval: 100 * time.Millisecond, thorough: true},
}

// streams measures open streams, whose tokens come on a schedule or as fast as they are taken. Each stream that ends is
// followed by another at once.
func streams(ctx context.Context, b *bench) error {
	for round := range min(b.rounds, 2) {
		if err := b.renew(ctx); err != nil {
			return err
		}
		for _, p := range paces {
			if b.quick && p.thorough {
				continue
			}
			if err := b.streamsAt(ctx, p); err != nil {
				return err
			}
		}
		fmt.Fprintf(b.log, "round %d\n", round+1)
	}
	return nil
}

func (b *bench) streamsAt(ctx context.Context, p pace) error {
	if err := b.profile(ctx, fmt.Sprintf("tokens=%d&interval=%s", p.tokens, p.interval)); err != nil {
		return err
	}
	// Streams begin evenly over the time that one lasts, so that later ones do too.
	window, ramp := 4*time.Second, time.Duration(p.tokens)*p.interval
	if b.quick {
		window, ramp = 2*time.Second, ramp/2
	}
	fits := func(r *contender.Running) bool {
		return r.Streams && r.Name != "policy" && r.Name != "quiet" && (p.open <= 100 || !r.Slow)
	}
	for _, r := range b.turn(fits) {
		m, err := b.measure(ctx, r, load.Options{
			Body: r.Body(500, true), Stream: true, Tokens: p.tokens, Connections: p.open,
			Ramp: ramp, Warmup: time.Second / 2, Window: window, Grace: 20 * time.Second,
		}, 1)
		if err != nil {
			return err
		}
		b.addStreams(p.String(), m)
	}
	return nil
}

func (b *bench) addStreams(shape string, m *measurement) {
	add := b.adder("streams", shape, m)
	got := float64(max(1, m.Tokens))
	add("tokens_per_s", got/m.Seconds)
	add("least_open", float64(m.Open))
	if m.of.Process != nil {
		add("cpu_us", m.Processor["gateway"]/got*1e6)
	}
	add("vendor_cpu_us", m.Processor["vendor"]/got*1e6)
	add("load_cpu_us", m.Processor["load"]/got*1e6)
	spread(add, "first_", m.First)
	spread(add, "transit_", m.Transit)
}
