package host_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// arena is a host on which hostile modules are tried while a good plugin of the same set keeps answering. Its tests run
// alone: they count the goroutines and the memory of the process.
type arena struct {
	t    *testing.T
	host *host.Host
	dir  string
	log  lockedBuffer

	base    *host.Set                // the good plugin alone
	serving atomic.Pointer[host.Set] // what the watch calls

	stop  chan struct{}
	heard chan struct{} // an answer that just came
	watch sync.WaitGroup
	began time.Time

	goroutines int // before the host
	heap       uint64
}

var goodSpec = host.Spec{Key: "good", Plugin: "good", Kind: abi.KindStrategy}

func newArena(t *testing.T) *arena {
	t.Helper()
	return newArenaWith(t, host.Options{})
}

func newArenaWith(t *testing.T, o host.Options) *arena {
	t.Helper()
	a := &arena{
		t: t, dir: t.TempDir(), stop: make(chan struct{}), heard: make(chan struct{}), began: time.Now(),
		goroutines: runtime.NumGoroutine(),
	}
	o.Compiler, o.CacheDir, o.Log = host.QuickCompiler(t), filepath.Join(t.TempDir(), "cache"), slog.New(slog.NewTextHandler(&a.log, nil))
	var err error
	if a.host, err = host.New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(hostile + "good.wasm")
	if err != nil {
		t.Fatal(err)
	}
	a.write("good", good)
	if a.base, err = a.host.Build(t.Context(), a.dir, []host.Spec{goodSpec}, nil); err != nil {
		t.Fatal(err)
	}
	a.serving.Store(a.base)
	a.heap = heap()
	a.watch.Go(a.ask)
	return a
}

// ask calls the good plugin a thousand times a second until the end. No call may fail.
func (a *arena) ask() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	list := candidates(8)
	var out abi.ScoreOutput
	for {
		select {
		case <-a.stop:
			return
		case <-tick.C:
		}
		set := a.serving.Load()
		if !set.Acquire() {
			continue // it was replaced just now
		}
		_, err := set.Strategy("good").Score(context.Background(), &abi.Header{}, list, &out)
		set.Release()
		if err != nil {
			a.t.Errorf("the good plugin: %v", err)
		}
		select {
		case a.heard <- struct{}{}:
		default:
		}
	}
}

// alive waits for a call of the good plugin that began after this one, and checks that nothing of the last set is left.
func (a *arena) alive(t *testing.T) {
	t.Helper()
	for range 2 {
		<-a.heard
	}
	settle(t, func() bool {
		modules, instances := a.host.Loaded()
		return modules == 1 && instances <= runtime.GOMAXPROCS(0)
	}, "modules and instances stay loaded")
}

func (a *arena) write(name string, module []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name+".wasm"), module, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// admit builds a set of the good plugin and the hostile one, and lets the watch call it. A strategy is the policy of a
// tenant, a provider is the operator's.
func (a *arena) admit(name, kind string) (*host.Set, error) {
	spec := host.Spec{Key: "hostile", Plugin: name, Kind: kind}
	if kind == abi.KindStrategy {
		spec.Owner = "mallory"
	}
	set, err := a.host.Build(a.t.Context(), a.dir, []host.Spec{goodSpec, spec}, a.base)
	if err == nil {
		a.serving.Store(set)
	}
	return set, err
}

// leave goes back to the good plugin alone.
func (a *arena) leave(set *host.Set) {
	a.serving.Store(a.base)
	set.Release()
}

// end checks that the corpus has left nothing behind.
func (a *arena) end() {
	t := a.t
	t.Helper()
	a.alive(t)
	close(a.stop)
	a.watch.Wait()
	// The host forgets plugins of earlier sets when it builds the next one.
	last, err := a.host.Build(t.Context(), a.dir, []host.Spec{goodSpec}, a.base)
	if err != nil {
		t.Fatal(err)
	}
	last.Release()
	const tolerance = 16 << 20
	if now := heap(); now > a.heap+tolerance {
		t.Errorf("the heap has %d MiB, before the corpus it had %d", now>>20, a.heap>>20)
	}
	a.base.Release()
	if err := a.host.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if modules, instances := a.host.Loaded(); modules+instances != 0 {
		t.Errorf("%d modules and %d instances are loaded", modules, instances)
	}
	settle(t, func() bool { return runtime.NumGoroutine() <= a.goroutines }, "goroutines are left")
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("there are child processes left: %d, %v", pid, err)
	}
	a.checkLog()
}

// checkLog holds the log to its form, and each plugin to its lines a second.
func (a *arena) checkLog() {
	const perSecond = 64
	most := perSecond * (int(time.Since(a.began).Seconds()) + 2)
	said := map[string]int{}
	for line := range strings.Lines(a.log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\x1b\x07\x00\r") {
			a.t.Errorf("a guest has written this line into the log: %q", line)
		}
		if _, rest, ok := strings.Cut(line, " plugin="); ok && strings.Contains(rest, " stream=") {
			said[strings.Fields(rest)[0]]++
		}
	}
	for plugin, lines := range said {
		if lines > most {
			a.t.Errorf("%s has written %d lines into the log", plugin, lines)
		}
	}
}

// settle waits for what ends in the background by itself, for a good while.
func settle(t *testing.T, done func() bool, what string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if done() {
			return
		}
		<-tick.C
	}
	stacks := make([]byte, 1<<20)
	t.Fatalf("%s\n%s", what, stacks[:runtime.Stack(stacks, true)])
}

// heap returns the bytes that are in use once what is garbage is collected.
func heap() uint64 {
	var m runtime.MemStats
	for range 2 { // the first one runs finalizers, whose objects the second one frees
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
