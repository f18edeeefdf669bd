package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/load"
	"github.com/switchyard-gateway/switchyard/bench/report"
)

// five is a router with five plugins in use.
var five = contender.Router{Name: "five", Provider: "openai", Modules: []string{"anthropic", "ollama", "cost"}}

// footprint measures how long the router takes to start, and what memory it takes when nothing is asked of it, and for
// open streams.
func footprint(ctx context.Context, b *bench) error {
	if err := b.profile(ctx, "delay=0s"); err != nil {
		return err
	}
	cold, warm := min(b.rounds, 3), 2*b.rounds
	router := five
	router.Cache = filepath.Join(b.setup.Work, "start-cache")
	config, err := router.Prepare(&b.setup)
	if err != nil {
		return err
	}
	for range cold {
		if err := os.RemoveAll(router.Cache); err != nil {
			return err
		}
		if err := b.startup(ctx, router, config, "cold cache"); err != nil {
			return err
		}
	}
	for range warm {
		if err := b.startup(ctx, router, config, "warm cache"); err != nil {
			return err
		}
	}
	two := contender.Router{Name: "two", Provider: "openai"}
	policy := contender.Router{Name: "two-and-policy", Provider: "openai", Policy: "roomy"}
	translated := contender.Router{Name: "two-translated", Provider: "anthropic"}
	if err := b.profile(ctx, "tokens=8&interval=1s"); err != nil {
		return err
	}
	for i, c := range []struct {
		name string
		contender.Router
	}{{"openai, latency", two}, {"openai, latency, a policy", policy}, {"anthropic, latency", translated}, {"five plugins", five}} {
		if b.quick && i > 0 {
			break
		}
		if err := b.held(ctx, c.name, c.Router); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) startup(ctx context.Context, router contender.Router, config, shape string) error {
	begin := time.Now()
	r, err := router.Launch(ctx, &b.setup, config)
	if err != nil {
		return err
	}
	defer r.Stop()
	if err := r.Ready(ctx, time.Minute); err != nil {
		return err
	}
	b.report.Add(report.Of{Section: "start", Shape: shape, Contender: "five plugins", Metric: "ready_ms"}, time.Since(begin).Seconds()*1000)
	return nil
}

// held measures a fresh router's memory, idle and with streams open.
func (b *bench) held(ctx context.Context, name string, router contender.Router) error {
	r, err := b.launch(ctx, router)
	if err != nil {
		return err
	}
	defer r.Stop()
	pause(ctx, 2*time.Second)
	add := func(metric string, bytes int64) {
		b.report.Add(report.Of{Section: "memory", Shape: "a fresh router", Contender: name, Metric: metric}, float64(bytes)/1e6)
	}
	idle := r.Memory()
	add("idle_mb", idle)
	m, err := b.measure(ctx, r, load.Options{
		Body: r.Body(500, true), Stream: true, Tokens: 8, Connections: 1000,
		Ramp: 2 * time.Second, Warmup: time.Second, Window: 3 * time.Second, Grace: 20 * time.Second,
	}, 1)
	if err != nil {
		return err
	}
	if m.Broken > 0 {
		b.report.Note("memory: %s had %d broken streams, such as: %s", name, m.Broken, m.Complain)
	}
	add("streams_mb", m.memory)
	add("per_1000_streams_mb", m.memory-idle)
	return nil
}
