package simulator_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
	"github.com/switchyard-gateway/switchyard/internal/simulator/profile"
)

// clocked notes when each token is flushed.
type clocked struct {
	*httptest.ResponseRecorder
	start   time.Time
	mark    string
	pending int
	times   []time.Duration
}

func (c *clocked) Write(p []byte) (int, error) {
	c.pending += strings.Count(string(p), c.mark)
	return c.ResponseRecorder.Write(p)
}

func (c *clocked) Flush() {
	for range c.pending {
		c.times = append(c.times, time.Since(c.start))
	}
	c.pending = 0
	c.ResponseRecorder.Flush()
}

func fixed(d time.Duration) profile.Dist { return profile.Dist{Fixed: profile.Duration(d)} }

// TestPace runs on a fake clock: the first token comes after the latency, each further one after the time per token.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		p     profile.Profile
		want0 time.Duration
		step  time.Duration
	}{
		{"plain", profile.Profile{Latency: fixed(300 * time.Millisecond), PerToken: fixed(20 * time.Millisecond), Tokens: 5}, 300 * time.Millisecond, 20 * time.Millisecond},
		{"slow", profile.Profile{Latency: fixed(time.Millisecond), Tokens: 5, Faults: []profile.Fault{{Kind: "slow", Delay: profile.Duration(time.Minute)}}}, time.Millisecond, time.Minute},
	} {
		for _, c := range vendorCalls {
			t.Run(tc.name+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sim := simulator.New(simulator.Options{Seed: 1})
					if err := sim.SetProfile("test", tc.p); err != nil {
						t.Fatal(err)
					}
					w := &clocked{ResponseRecorder: httptest.NewRecorder(), start: time.Now(), mark: c.text}
					sim.ServeHTTP(w, request(t.Context(), "", c.path, c.stream))
					want := []time.Duration{tc.want0, tc.want0 + tc.step, tc.want0 + 2*tc.step, tc.want0 + 3*tc.step, tc.want0 + 4*tc.step}
					if !slices.Equal(w.times, want) {
						t.Errorf("tokens at %v, want %v", w.times, want)
					}
					start := time.Now()
					sim.ServeHTTP(httptest.NewRecorder(), request(t.Context(), "", c.path, c.whole))
					if got, want := time.Since(start), tc.want0+5*tc.step; got != want {
						t.Errorf("unstreamed after %v, want %v", got, want)
					}
				})
			})
		}
	}
}

func TestBurst(t *testing.T) {
	t.Parallel()
	for _, c := range vendorCalls {
		sim := simulator.New(simulator.Options{})
		writes := &countWrites{ResponseRecorder: httptest.NewRecorder()}
		sim.ServeHTTP(writes, request(t.Context(), "", strings.Replace(c.path, "@test", "@burst", 1), c.stream))
		if writes.n != 1 || strings.Count(writes.Body.String(), c.text) != 40 {
			t.Errorf("%s: %d writes: %q", c.name, writes.n, writes.Body)
		}
	}
}

type countWrites struct {
	*httptest.ResponseRecorder
	n int
}

func (c *countWrites) Write(p []byte) (int, error) {
	c.n++
	return c.ResponseRecorder.Write(p)
}

// TestCancelWhileWaiting: a client that leaves between two tokens is counted, and nothing more is sent.
func TestCancelWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, c := range vendorCalls {
		synctest.Test(t, func(t *testing.T) {
			sim := simulator.New(simulator.Options{Seed: 1})
			if err := sim.SetProfile("test", profile.Profile{PerToken: fixed(time.Second)}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
			defer cancel()
			w := httptest.NewRecorder()
			func() {
				defer func() {
					if e := recover(); e != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
						t.Errorf("%s: recovered %v", c.name, e)
					}
				}()
				sim.ServeHTTP(w, request(ctx, "", c.path, c.stream))
			}()
			if n := strings.Count(w.Body.String(), c.text); n != 3 {
				t.Errorf("%s: %d tokens in 2.5 s", c.name, n)
			}
			if got := sim.Stats(); got.Cancelled != 1 || got.InFlight != 0 {
				t.Errorf("%s: %+v", c.name, got)
			}
		})
	}
}
