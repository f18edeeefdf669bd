package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/load"
)

// shape is how much is asked at once, and how long requests are.
type shape struct {
	connections, size int
	thorough          bool // left out of quick runs
	peers             bool // also for those that are slow
}

func (s shape) String() string {
	if s.size < 1000 {
		return fmt.Sprintf("%dx0.5KB", s.connections)
	}
	return fmt.Sprintf("%dx%dKB", s.connections, s.size/1000)
}

var shapes = []shape{
	{connections: 1, size: 500, peers: true}, {connections: 32, size: 500, peers: true}, {connections: 256, size: 500},
	{connections: 32, size: 10_000},
	{connections: 1, size: 200_000, thorough: true}, {connections: 32, size: 200_000, thorough: true},
}

func (b *bench) wanted(s shape) bool {
	if len(b.shapes) == 0 {
		return !b.quick || !s.thorough
	}
	for _, text := range b.shapes {
		if strings.Contains(s.String(), text) {
			return true
		}
	}
	return false
}

// closedLoop measures throughput, processor time and latency of unstreamed answers that the vendor has at once.
func closedLoop(ctx context.Context, b *bench) error {
	if err := b.profile(ctx, "delay=0s"); err != nil {
		return err
	}
	for round := range b.rounds {
		for _, s := range shapes {
			if !b.wanted(s) {
				continue
			}
			for _, r := range b.turn(func(r *contender.Running) bool { return !r.Slow || s.peers }) {
				o := load.Options{
					Body: r.Body(s.size, false), Connections: s.connections,
					Warmup: b.window / 4, Window: b.window, Grace: 20 * time.Second,
				}
				// One processor for the generator, so that it cannot crowd out what it measures.
				res, err := b.measure(ctx, r, o, 1)
				if err != nil {
					return err
				}
				b.addAnswers("closed", s.String(), res)
			}
		}
		fmt.Fprintf(b.log, "round %d of %d\n", round+1, b.rounds)
	}
	return nil
}
