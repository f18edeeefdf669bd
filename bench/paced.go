package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/load"
)

// paced measures latency at a rate that is far from what saturates the machine, counted from when requests were due.
func paced(ctx context.Context, b *bench) error {
	return b.open(ctx, "paced", "delay=0s", []string{"direct", "nginx", "fasthttp", "echo", "switchyard", "translated", "policy"}, load.Options{
		Connections: 64, Rate: 3000, Warmup: time.Second, Window: 5 * time.Second, Grace: 10 * time.Second,
	})
}

const vendorTime = 1500 * time.Millisecond

// slow measures 750 requests in flight that wait for the vendor.
func slow(ctx context.Context, b *bench) error {
	names := []string{"direct", "echo", "switchyard", "nginx", "translated"}
	if b.quick {
		names = names[:3]
	}
	return b.open(ctx, "slow", "delay="+vendorTime.String(), names, load.Options{
		Connections: 1000, Rate: 500, Less: vendorTime, Warmup: vendorTime + time.Second, Window: 4 * time.Second, Grace: 20 * time.Second,
	})
}

func (b *bench) open(ctx context.Context, section, profile string, names []string, o load.Options) error {
	if err := b.profile(ctx, profile); err != nil {
		return err
	}
	if err := b.renew(ctx); err != nil {
		return err
	}
	defer b.prefer()()
	if b.quick {
		o.Window = 2 * time.Second
	}
	for round := range min(b.rounds, 3) {
		for _, r := range b.turn(func(r *contender.Running) bool { return slices.Contains(names, r.Name) }) {
			o.Body = r.Body(500, false)
			m, err := b.measure(ctx, r, o, 2)
			if err != nil {
				return err
			}
			b.addAnswers(section, fmt.Sprintf("%.0f req/s", o.Rate), m)
		}
		fmt.Fprintf(b.log, "round %d\n", round+1)
	}
	return nil
}
