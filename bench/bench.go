package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/report"
)

// bench is one run of the benchmark.
type bench struct {
	rounds     int
	quick      bool
	sections   []string // empty is all
	contenders []string // empty is all
	shapes     []string // empty is all
	window     time.Duration
	out        string // JSON
	root       string // of the repository

	setup   contender.Setup
	vendor  *contender.Running // the mock: process and address
	running []*contender.Running
	report  report.Report
	log     io.Writer
	offset  int // whose turn it is to begin a round
}

func parse(args []string, stderr io.Writer) (*bench, error) {
	b := new(bench)
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	list := func(to *[]string) func(string) error {
		return func(s string) error { *to = strings.Split(s, ","); return nil }
	}
	f.IntVar(&b.rounds, "rounds", 5, "how often each contender is measured")
	f.BoolVar(&b.quick, "quick", false, "shorter runs of fewer shapes, to see whether all is well")
	f.Func("sections", "`list` of "+strings.Join(sectionNames(), ","), list(&b.sections))
	f.Func("contenders", "`list` of those to measure", list(&b.contenders))
	f.Func("shapes", "`list` of texts, one of which a shape of the closed loop contains, such as 32x0.5KB", list(&b.shapes))
	f.DurationVar(&b.window, "window", 1500*time.Millisecond, "how long a measurement of the closed loop takes")
	f.StringVar(&b.root, "root", "..", "the repository's `folder`")
	f.StringVar(&b.setup.Router, "router", "", "the router's binary in place of bin/switchyard")
	f.StringVar(&b.setup.Modules, "modules", "", "`folder` of the plugins in place of plugins/dist")
	f.StringVar(&b.setup.Work, "work", ".work", "`folder` for configurations, logs and caches")
	f.StringVar(&b.out, "json", "results/latest.json", "`file` for the figures")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if b.rounds < 1 {
		return nil, fmt.Errorf("%d rounds: at least one is needed", b.rounds)
	}
	for _, s := range b.sections {
		if !slices.Contains(sectionNames(), s) {
			return nil, fmt.Errorf("a section %q is not known: %s", s, strings.Join(sectionNames(), ", "))
		}
	}
	known := map[string]bool{}
	for _, c := range contender.Known() {
		known[c.Name] = true
	}
	for _, name := range b.contenders {
		if !known[name] {
			return nil, fmt.Errorf("a contender %q is not known", name)
		}
	}
	if b.quick {
		b.window = min(b.window, time.Second)
	}
	return b, nil
}

// section is a part of the benchmark.
type section struct {
	name  string
	about string
	run   func(context.Context, *bench) error
}

func sections() []section {
	return []section{
		{"closed", "each connection sends its next request when the last was answered", closedLoop},
		{"streams", "at full speed, and ten tokens a second each", streams},
		{"paced", "3,000 requests a second, whatever becomes of them", paced},
		{"slow", "500 requests a second to a vendor that takes 1.5 s", slow},
		{"swap", "1,000 requests a second while an adapter is replaced", swap},
		{"start", "from the start until a request is answered; memory", footprint},
	}
}

func sectionNames() (names []string) {
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

func (b *bench) run(ctx context.Context, stdout, stderr io.Writer) error {
	b.log = stderr
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer b.stop()
	b.describe(ctx)
	if err := b.start(ctx); err != nil {
		return err
	}
	var problems []error
	for _, s := range sections() {
		if len(b.sections) > 0 && !slices.Contains(b.sections, s.name) {
			continue
		}
		fmt.Fprintf(b.log, "── %s: %s\n", s.name, s.about)
		if err := s.run(ctx, b); err != nil {
			problems = append(problems, fmt.Errorf("section %s: %w", s.name, err))
			if ctx.Err() != nil {
				break
			}
		}
	}
	b.report.Judge()
	b.report.Table(stdout)
	if err := b.save(); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// prepare makes paths absolute, since parts run elsewhere, and starts the vendor.
func (b *bench) prepare(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for this program: %w", err)
	}
	b.setup.Bench = self
	if b.setup.Router == "" {
		b.setup.Router = filepath.Join(b.root, "bin/switchyard")
	}
	if b.setup.Modules == "" {
		b.setup.Modules = filepath.Join(b.root, "plugins/dist")
	}
	b.setup.Peers = filepath.Join(b.root, "bench/.peers")
	for _, path := range []*string{&b.root, &b.setup.Router, &b.setup.Modules, &b.setup.Work, &b.setup.Peers} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	for _, folder := range []string{b.setup.Work, filepath.Join(b.setup.Work, "modules")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	if err := b.buildModule(ctx, "roomy", "./examples/roomy"); err != nil {
		return err
	}
	// One processor is plenty for the vendor, and leaves it no way to take more.
	p, err := contender.Start(b.setup.Work, "mock", []string{"GOMAXPROCS=1"}, self, "mock")
	if err != nil {
		return err
	}
	if b.vendor, err = contender.At(ctx, p, "listening on "); err != nil {
		return err
	}
	b.setup.Vendor = b.vendor.Address
	return nil
}

// buildModule compiles a guest of the repository into the work folder.
func (b *bench) buildModule(ctx context.Context, name, pkg string, flags ...string) error {
	out := filepath.Join(b.setup.Work, "modules", name+".wasm")
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-buildmode=c-shared", "-o", out}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, said)
	}
	return nil
}

// start starts the contenders that take part.
func (b *bench) start(ctx context.Context) error {
	for _, c := range contender.Known() {
		if len(b.contenders) > 0 && !slices.Contains(b.contenders, c.Name) {
			continue
		}
		begin := time.Now()
		r, err := c.Start(ctx, &b.setup)
		if errors.Is(err, contender.ErrMissing) {
			b.report.Note("%s is not installed, so it is not in the tables: bench/peers.sh", c.Name)
			continue
		}
		if err != nil && c.Slow {
			b.report.Note("%s is left out: %v", c.Name, err) // a peer that does not start must not hold up the rest
			continue
		}
		if err != nil {
			return err
		}
		b.running = append(b.running, r)
		b.report.Order = append(b.report.Order, c.Name)
		fmt.Fprintf(b.log, "%-10s %s (%.1f s)\n", c.Name, c.About, time.Since(begin).Seconds())
	}
	if len(b.running) == 0 {
		return errNothing
	}
	return nil
}

// renew starts the contenders anew, so that none still holds the memory that an earlier section made it take. Those that
// are slow to start and to answer stay.
func (b *bench) renew(ctx context.Context) error {
	for i, r := range b.running {
		if r.Process == nil || r.Slow {
			continue
		}
		r.Stop()
		fresh, err := r.Start(ctx, &b.setup)
		if err != nil {
			return err
		}
		b.running[i] = fresh
	}
	return nil
}

func (b *bench) stop() {
	for _, r := range b.running {
		r.Stop()
	}
	if b.vendor != nil {
		b.vendor.Stop()
	}
}

// turn lists the contenders for one round: each round begins with another one, so that no place is always the same one's.
func (b *bench) turn(fits func(*contender.Running) bool) []*contender.Running {
	list := slices.DeleteFunc(slices.Clone(b.running), func(r *contender.Running) bool { return !fits(r) })
	if len(list) == 0 {
		return nil
	}
	b.offset++
	at := b.offset % len(list)
	return append(slices.Clone(list[at:]), list[:at]...)
}

// profile sets how the vendor answers, in the words of the mock's control.
func (b *bench) profile(ctx context.Context, query string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.vendor.Address+"/control?"+query, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("setting the vendor to %s: %w", query, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("setting the vendor to %s: status %d", query, res.StatusCode)
	}
	return nil
}

func (b *bench) save() error {
	if err := os.MkdirAll(filepath.Dir(b.out), 0o755); err != nil {
		return err
	}
	file, err := os.Create(b.out)
	if err != nil {
		return err
	}
	err = b.report.JSON(file)
	if end := file.Close(); err == nil {
		err = end
	}
	return err
}
