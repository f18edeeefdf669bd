package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

const guests = "testdata/guests/"

// TestGoGuestPanics: a fault says what the guest printed as it died, and no more.
func TestGoGuestPanics(t *testing.T) {
	t.Parallel()
	s := hosttest.LoadStrategy(t, guests+"mean", "{}")
	list := []abi.Candidate{{ID: "a", Total: 5}}
	var out abi.ScoreOutput
	for group, want := range map[string]string{
		"panic": "it trapped: unreachable: panic: runtime error: index out of range [1] with length 0",
		"exit":  "it exited with code 7",
	} {
		_, err := s.Score(t.Context(), &abi.Header{Group: group}, list, &out)
		fault, ok := errors.AsType[*host.Fault](err)
		if !ok || !strings.HasPrefix(fault.Cause, want) || strings.Contains(fault.Cause, "goroutine") {
			t.Errorf("%s: %v", group, err)
		}
		if _, err := s.Score(t.Context(), &abi.Header{}, list, &out); err != nil || out.Scores[0] != 5 {
			t.Errorf("after %s: %v, %v", group, out.Scores, err)
		}
	}
	_, err := s.Score(t.Context(), &abi.Header{Group: "refuse"}, list, &out)
	if r, ok := errors.AsType[*abi.Refusal](err); !ok || r.Status != 429 || r.Code != "busy" {
		t.Errorf("refusal: %v", err)
	}
}

// TestGoGuestIsContained lets a guest do what its world does not bear, as the operator's and as a tenant's.
func TestGoGuestIsContained(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t)
	path := hosttest.Build(t, guests+"mean")
	set, err := h.Build(t.Context(), filepath.Dir(path), []host.Spec{
		{Key: "operator", Plugin: "mean", Kind: abi.KindStrategy},
		{Key: "tenant", Plugin: "mean", Kind: abi.KindStrategy, Owner: "acme"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Release()
	for key, s := range map[string]*host.Strategy{"operator": set.Strategy("operator"), "tenant": set.Strategy("tenant")} {
		var out abi.ScoreOutput
		ask := func(group string) error {
			_, err := s.Score(t.Context(), &abi.Header{Group: group}, nil, &out)
			return err
		}
		for group, want := range map[string]string{
			"spin":    "it used up its fuel of 2000000 instructions",
			"recurse": "it used up its fuel of 2000000 instructions",
			"hoard":   "it used up its fuel of 2000000 instructions",
		} {
			if fault, ok := errors.AsType[*host.Fault](ask(group)); !ok || fault.Cause != want {
				t.Errorf("%s of %s: %v, want %q", group, key, fault, want)
			}
		}
		if err := ask("sleep"); err != nil || !strings.HasPrefix(out.Reason, "1h0m0") {
			t.Errorf("sleep of %s: %q, %v", key, out.Reason, err)
		}
		if err := ask("look"); err != nil || !strings.HasPrefix(out.Reason, "0 [] true true ") || (key == "tenant") != (out.Reason == "0 [] true true 1577836800 false") {
			t.Errorf("look of %s: %q, %v", key, out.Reason, err)
		}
	}
}

func TestGoGuestTalks(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	h, err := host.New(t.Context(), host.Options{
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
		Limits: host.Limits{Compile: host.Compile{Timeout: time.Hour}}, // the test binary has its own
	})
	if err != nil {
		t.Fatal(err)
	}
	path := hosttest.Build(t, guests+"mean")
	set, err := h.Build(t.Context(), filepath.Dir(path), []host.Spec{{Key: "k", Plugin: "mean", Kind: abi.KindStrategy}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Strategy("k").Score(t.Context(), &abi.Header{Group: "talk"}, nil, new(abi.ScoreOutput)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`level=INFO msg="to stdout" plugin=mean stream=stdout`,
		`level=INFO msg="to stderr" plugin=mean stream=stderr`,
		`level=WARN msg="to the\\x1b[31m log" plugin=mean stream=log`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in\n%s", want, log.String())
		}
	}
	set.Release()
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGoGuestConfig(t *testing.T) {
	t.Parallel()
	s := hosttest.LoadStrategy(t, guests+"mean", `{"Factor":2}`)
	var out abi.ScoreOutput
	list := []abi.Candidate{{Total: 5}, {Total: 7, Flags: abi.CandidateFailed}}
	if _, err := s.Score(t.Context(), &abi.Header{}, list, &out); err != nil || out.Scores[0] != 10 || !math.IsNaN(out.Scores[1]) {
		t.Errorf("%v, %v", out.Scores, err)
	}
	if d := s.Describe(); d.Name != "mean" || d.ABI != abi.Version || d.Kind != abi.KindStrategy {
		t.Errorf("description: %+v", d)
	}
}

func TestFeedbackIsHeard(t *testing.T) {
	t.Parallel()
	s := hosttest.LoadStrategy(t, guests+"counter", "{}")
	for range 3 {
		if err := s.Feedback(t.Context(), &abi.Feedback{ID: []byte("a")}); err != nil {
			t.Fatal(err)
		}
	}
	var out abi.ScoreOutput
	if _, err := s.Score(t.Context(), &abi.Header{}, make([]abi.Candidate, 1), &out); err != nil || out.Scores[0] != 3 {
		t.Errorf("%v, %v", out.Scores, err)
	}
}

// TestStreamsShareInstances interleaves streams over one pool: each has its own state.
func TestStreamsShareInstances(t *testing.T) {
	t.Parallel()
	p := hosttest.LoadProvider(t, guests+"echo", "{}")
	var wg sync.WaitGroup
	for stream := range 8 {
		wg.Go(func() {
			var buf []byte
			var out abi.StreamOutput
			in := abi.StreamInput{Dialect: abi.DialectOpenAI}
			for n := range 200 {
				text := fmt.Sprintf("stream %d event %d", stream, n)
				in.Events, in.Count = in.Events[:0].Append(nil, []byte(text)), 1
				var err error
				if buf, err = p.Stream(t.Context(), &in, &out, buf); err != nil {
					t.Errorf("%s: %v", text, err)
					return
				}
				for _, data := range out.Chunks.All {
					if string(data) != fmt.Sprintf("%q", text) {
						t.Errorf("%s: chunk %s", text, data)
					}
				}
				if out.Usage.Completion != uint64(n+1) {
					t.Errorf("%s: %d events counted", text, out.Usage.Completion)
				}
				in.State = append(in.State[:0], out.State...)
			}
		})
	}
	wg.Wait()
}

// TestBodiesOfAnySize crosses bodies over the limits at which buffers grow.
func TestBodiesOfAnySize(t *testing.T) {
	t.Parallel()
	p := hosttest.LoadProvider(t, guests+"echo", `{"path":"/p"}`)
	var buf []byte
	var out abi.RequestOutput
	for _, size := range []int{1, 4 << 10, 16<<10 - 40, 16 << 10, 70_000, 3 << 20, 10} {
		body := []byte(strings.Repeat("0123456789", size/10+1)[:size])
		in := abi.RequestInput{Dialect: abi.DialectAnthropic, Body: body}
		var err error
		if buf, err = p.Request(t.Context(), &in, &out, buf); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if !bytes.Equal(out.Body, body) || string(out.Path) != "/p" || string(out.Headers.Get("X-Echo")) != "yes" {
			t.Errorf("%d bytes came back as %d, path %q", size, len(out.Body), out.Path)
		}
	}
}

// TestSwapGoGuest replaces one guest's file by another's.
func TestSwapGoGuest(t *testing.T) {
	t.Parallel()
	h := hosttest.New(t)
	dir := t.TempDir()
	put := func(guest string) {
		t.Helper()
		module, err := os.ReadFile(hosttest.Build(t, guests+guest))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "plugin.wasm"), module, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	specs := []host.Spec{{Key: "k", Plugin: "plugin", Kind: abi.KindStrategy}}
	put("mean")
	first, err := h.Build(t.Context(), dir, specs, nil)
	if err != nil {
		t.Fatal(err)
	}
	put("counter")
	second, err := h.Build(t.Context(), dir, specs, first)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := first.Strategy("k").Describe().Name, second.Strategy("k").Describe().Name; a != "mean" || b != "counter" {
		t.Errorf("the sets have %q and %q", a, b)
	}
	put("echo")
	if _, err := h.Build(t.Context(), dir, specs, second); err == nil || !strings.Contains(err.Error(), "it is a provider") {
		t.Errorf("a provider in a strategy's place: %v", err)
	}
	first.Release()
	second.Release()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
