package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/load"
	"github.com/switchyard-gateway/switchyard/bench/report"
)

// measurement is what the load generator saw of one contender, and the most memory that the contender had.
type measurement struct {
	*load.Result
	of     *contender.Running
	memory int64
	first  bool // the load generator goes before all else
}

// measure runs the load generator, on so many processors, against a contender.
func (b *bench) measure(ctx context.Context, r *contender.Running, o load.Options, processors int) (*measurement, error) {
	o.Address, o.Path, o.Headers = r.Address, contender.Path, r.Headers
	o.Watch = map[string][]int{"vendor": b.vendor.PIDs()}
	if r.Process != nil {
		o.Watch["gateway"] = r.PIDs()
		if err := r.Forget(); err != nil {
			return nil, err
		}
	}
	in, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.setup.Bench, "load")
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", processors))
	cmd.Stdin = bytes.NewReader(in)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	m := &measurement{Result: new(load.Result), of: r, first: o.Rate > 0}
	if err := m.whileRunning(cmd); err != nil {
		return nil, fmt.Errorf("generating load for %s: %w: %s", r.Name, err, bytes.TrimSpace(said.Bytes()))
	}
	if err := json.Unmarshal(out.Bytes(), m.Result); err != nil {
		return nil, fmt.Errorf("reading the load generator's result: %w", err)
	}
	return m, nil
}

// whileRunning runs a command and keeps looking at the contender's memory meanwhile.
func (m *measurement) whileRunning(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return err
	}
	if m.first {
		if err := contender.Prefer(cmd.Process.Pid, true); err != nil {
			return err
		}
	}
	go func() { done <- cmd.Wait() }()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for {
		if m.of.Process != nil {
			m.memory = max(m.memory, m.of.Memory())
		}
		select {
		case err := <-done:
			return err
		case <-look.C:
		}
	}
}

// adder adds figures of one measurement, and notes what went wrong in it.
func (b *bench) adder(section, shape string, m *measurement) func(string, float64) {
	if m.Broken > 0 {
		b.report.Note("%s %s: %s had %d wrong answers, such as: %s", section, shape, m.of.Name, m.Broken, m.Complain)
	}
	add := func(metric string, value float64) {
		b.report.Add(report.Of{Section: section, Shape: shape, Contender: m.of.Name, Metric: metric}, value)
	}
	add("broken", float64(m.Broken))
	if m.of.Process != nil {
		add("memory_mb", float64(m.memory)/1e6)
		add("gateway_cpus", m.Processor["gateway"]/m.Seconds)
	}
	add("vendor_cpus", m.Processor["vendor"]/m.Seconds)
	add("load_cpus", m.Processor["load"]/m.Seconds)
	add("other_cpus", m.Processor["others"]/m.Seconds)
	return add
}

// addAnswers adds the figures of unstreamed answers.
func (b *bench) addAnswers(section, shape string, m *measurement) {
	add := b.adder(section, shape, m)
	answers := float64(max(1, m.Answers))
	add("rps", float64(m.Answers)/m.Seconds)
	if m.of.Process != nil {
		add("cpu_us", m.Processor["gateway"]/answers*1e6)
	}
	add("vendor_cpu_us", m.Processor["vendor"]/answers*1e6)
	add("load_cpu_us", m.Processor["load"]/answers*1e6)
	spread(add, "", m.Latency)
	if m.Late.N > 0 {
		spread(add, "late_", m.Late)
	}
}

func spread(add func(string, float64), prefix string, s load.Spread) {
	add(prefix+"p50_us", s.P50)
	add(prefix+"p99_us", s.P99)
	add(prefix+"p999_us", s.P999)
	add(prefix+"max_us", s.Max)
}

// prefer lets the vendor go before all else until the function that it returns is called.
func (b *bench) prefer() (end func()) {
	set := func(on bool) {
		for _, pid := range b.vendor.PIDs() {
			if err := contender.Prefer(pid, on); err != nil {
				b.report.Note("the vendor does not go before others: %v", err)
			}
		}
	}
	set(true)
	return func() { set(false) }
}
