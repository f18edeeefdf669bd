package simulator_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
	"github.com/switchyard-gateway/switchyard/internal/simulator/profile"
)

// TestHammer streams from all vendors at once while profiles change and the requests are read. Every token must carry the
// marker of its own prompt, and every request must end in exactly one counter.
func TestHammer(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 60
	sim, base := start(t,
		profile.Fault{Kind: "status", Status: 500, Probability: 0.1},
		profile.Fault{Kind: "cut", AfterTokens: 4, Probability: 0.1})
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := sim.SetProfile("other", profile.Profile{Tokens: 3}); err != nil {
				t.Error(err)
			}
			for _, r := range sim.Requests(50) {
				if strings.Contains(fmt.Sprint(r), "secret-key") {
					t.Error("a credential is listed")
				}
			}
		}
	})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for i := range each {
				c := vendorCalls[r.IntN(len(vendorCalls))]
				marker := fmt.Sprintf("W%dN%d", w, i)
				ctx, cancel := context.WithCancel(t.Context())
				resp, err := http.DefaultClient.Do(request(ctx, base, c.path, strings.Replace(c.stream, "marker:M", "marker:"+marker, 1)))
				if err != nil {
					t.Error(err)
					cancel()
					continue
				}
				if r.IntN(8) == 0 {
					cancel()
				}
				body, _ := io.ReadAll(resp.Body) // cuts and cancellations are meant to happen
				resp.Body.Close()
				cancel()
				start := strings.TrimSuffix(c.text, "M.")
				if resp.StatusCode != http.StatusOK {
					continue
				}
				tokens := strings.Split(string(body), start)[1:]
				for n, token := range tokens {
					last := n == len(tokens)-1 // may be cut anywhere
					if !strings.HasPrefix(token, marker+".") && !strings.HasPrefix(token, `"`) && !(last && strings.HasPrefix(marker+".", token)) {
						t.Errorf("%s: token %.40q has not the marker %s", c.name, token, marker)
					}
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	await(t, func() bool { return sim.Stats().InFlight == 0 })
	s := sim.Stats()
	if s.Received != workers*each || s.Completed+s.Faulted+s.Cancelled+s.Refused != s.Received || s.Faulted == 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestServe: Serve returns nil when its context ends, also while a client hangs, which then sees a broken connection.
func TestServe(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sim := simulator.New(simulator.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	served, asked := make(chan error, 1), make(chan error, 1)
	go func() { served <- sim.Serve(ctx, ln) }()
	go func() {
		resp, err := http.DefaultClient.Do(request(t.Context(), "http://"+ln.Addr().String(), "/openai@hang/v1/chat/completions", vendorCalls[0].whole))
		if err == nil {
			resp.Body.Close()
		}
		asked <- err
	}()
	await(t, func() bool { return len(sim.Requests(1)) == 1 })
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := <-asked; err == nil {
		t.Error("the hanging request got an answer")
	}
}

func TestServeBrokenListener(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := simulator.New(simulator.Options{}).Serve(t.Context(), ln); err == nil {
		t.Error("Serve on a closed listener returned nil")
	}
}

func BenchmarkServe(b *testing.B) {
	for _, c := range vendorCalls {
		for name, body := range map[string]string{"whole": c.whole, "stream": c.stream} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				sim := simulator.New(simulator.Options{Seed: 1})
				path := strings.Replace(c.path, "@test", "@fast", 1)
				b.ReportAllocs()
				for b.Loop() {
					r := request(b.Context(), "", path, body)
					sim.ServeHTTP(discard{http.Header{}}, r)
				}
			})
		}
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
func (d discard) Flush()                      {}
