package policies

import (
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var (
	header     = &abi.Header{}
	candidates = []abi.Candidate{{ID: "a", Total: 10}}
)

func output() *abi.ScoreOutput { return new(abi.ScoreOutput) }

// fault makes the version that serves acme fault some times.
func (w *world) fault(how string, times int) {
	w.t.Helper()
	for range times {
		if _, err := w.score("acme", how, 0); err == nil {
			w.t.Fatal("it does not fault")
		}
	}
}

func TestCanaryFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("acme", "p", mean(t), "")
	w.canary("acme", "p", 1, 1000)
	w.fault("spin", 2)
	if got := w.serving("acme", 0); got != "p@1?" {
		t.Fatalf("%q serves after two faults", got)
	}
	w.fault("panic", 1)
	w.await("the canary is taken out", func() bool { return w.serving("acme", 0) == "" })
	w.await("the store knows", func() bool { s, _ := w.state(1); return s == store.VersionWithdrawn })
	if got := w.history("p"); got != "test: 0+1, canary: 0+0" {
		t.Error(got)
	}
	_, reason := w.state(1)
	f := w.Figures("acme", "p", 1)
	if !strings.HasPrefix(reason, "3 faults as canary, the last: score: it trapped") || f.Canary == nil || f.Canary.Verdict != reason {
		t.Errorf("reason %q, figures %+v", reason, f.Canary)
	}
	if f.Faults[FaultFuel] != 2 || f.Faults[FaultTrap] != 1 || f.LastFault.Kind != FaultTrap || f.Calls != 3 || f.Fuel.Max < 1_900_000 {
		t.Errorf("figures %+v", f)
	}
	// By hand it may be put back.
	w.canary("acme", "p", 1, 10)
	if s, _ := w.state(1); s != store.VersionReady {
		t.Errorf("state %d of a version that was put back", s)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		prepare func(w *world)
		after   string
		history string
	}{
		{"to nothing", func(*world) {}, "", "test: 3+0, rollback: 0+0"},
		{"to the version before", func(w *world) { w.activate("acme", "p", 1); w.activate("acme", "p", 2) }, "p@2", "test: 1+0, test: 2+0, test: 3+0, rollback: 2+0"},
		{"past one that was withdrawn", func(w *world) {
			w.activate("acme", "p", 1)
			w.activate("acme", "p", 2)
			w.activate("acme", "p", 1)
			w.activate("acme", "p", 2)
			w.fault("panic", 3)
			w.await("version 2 is taken out", func() bool { s, _ := w.state(2); return s == store.VersionWithdrawn })
		}, "p@1", "test: 1+0, test: 2+0, test: 1+0, test: 2+0, rollback: 1+0, test: 3+0, rollback: 1+0"},
		{"to another policy", func(w *world) { w.activate("acme", "q", 1) }, "q@1", "test: 3+0, rollback: 0+0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range 3 {
				w.upload("acme", "p", mean(t), "")
			}
			w.upload("acme", "q", mean(t), "")
			tc.prepare(w)
			w.activate("acme", "p", 3)
			w.fault("panic", 3)
			w.await("version 3 is taken out", func() bool { s, _ := w.state(3); return s == store.VersionWithdrawn })
			if got := w.serving("acme", 0); got != tc.after {
				t.Errorf("%q serves, want %q", got, tc.after)
			}
			if got := w.history("p"); got != tc.history {
				t.Errorf("history %q, want %q", got, tc.history)
			}
			if _, reason := w.state(3); !strings.HasPrefix(reason, "3 faults in its first 3 decisions, the last: score: it trapped") {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

// TestActiveFaultsBesideCanary takes out the one that faults.
func TestActiveFaultsBesideCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("acme", "p", mean(t), "")
	w.upload("acme", "p", mean(t), "")
	w.activate("acme", "p", 1)
	w.canary("acme", "p", 2, 1)
	if got := w.serving("acme", 0); got != "p@1" {
		t.Fatalf("%s serves", got)
	}
	w.fault("panic", 3)
	w.await("version 1 is taken out", func() bool { s, _ := w.state(1); return s == store.VersionWithdrawn })
	if s, _ := w.state(2); s != store.VersionReady || w.serving("acme", 0) != "" || w.history("p") != "test: 1+0, test: 1+2, rollback: 0+0" {
		t.Errorf("state %d of the canary, history %s", s, w.history("p"))
	}
}

// TestProven lets a version fault after its first decisions.
func TestProven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("acme", "p", mean(t), "")
	w.activate("acme", "p", 1)
	w.fault("panic", 2)
	for n := range probationCalls {
		if left := w.Figures("acme", "p", 1).Probation; left != max(probationCalls-2-n, 0) {
			t.Fatalf("%d decisions are left after %d", left, n+2)
		}
		if _, err := w.score("acme", "", 0); err != nil {
			t.Fatal(err)
		}
	}
	w.fault("panic", 2)
	if r := w.tenant("acme").route.Load(); r.verdict.Load() || w.serving("acme", 0) != "p@1" {
		t.Error("it was taken out")
	}
}

// TestCanaryIsWorse feeds requests that fail with the canary alone.
func TestCanaryIsWorse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("acme", "p", tiny(t), "")
	w.upload("acme", "p", tiny(t), "")
	w.activate("acme", "p", 1)
	w.canary("acme", "p", 2, 500)
	bad := &gateway.Error{Status: 502, Code: "bad_gateway"}
	stale := w.record("acme", 0, nil)
	stale.Policy, stale.Version, stale.Canary = "gone", 7, true
	for hash := range uint64(1000) {
		w.Observe(&gateway.Record{Request: &gateway.Request{}, Report: &gateway.Report{}})
		w.Observe(stale)
		w.Observe(w.record("acme", hash, &gateway.Error{Status: 499, Code: "client_closed_request"}))
		rec := w.record("acme", hash, nil)
		if rec.Canary {
			rec.Err = bad
		}
		w.Observe(rec)
	}
	w.await("the canary is taken out", func() bool { return w.serving("acme", 0) == "p@1" && w.serving("acme", 1) == "p@1" })
	w.await("the store knows", func() bool { s, _ := w.state(2); return s == store.VersionWithdrawn })
	if _, reason := w.state(2); !strings.Contains(reason, "100.0 % failed") {
		t.Errorf("reason %q", reason)
	}
	if c := w.Figures("acme", "p", 2).Canary; c.Canary.Requests < 50 || c.Canary.Errors != c.Canary.Requests || c.Rest.Errors != 0 || c.Rest.Requests < 50 {
		t.Errorf("figures %+v", c)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	scoring := []gateway.Scoring{{Strategy: "filter"}, {Strategy: "p@1", Policy: true}}
	broken := []gateway.Scoring{{Strategy: "filter", Failed: gateway.FailedFault}}
	for _, tc := range []struct {
		name   string
		report gateway.Report
		code   string
		want   string
	}{
		{"answered", gateway.Report{Scoring: scoring, Attempts: make([]gateway.Attempt, 1)}, "", "answered"},
		{"vendor failed", gateway.Report{Scoring: scoring, Attempts: make([]gateway.Attempt, 2)}, "bad_gateway", "failed"},
		{"rejected", gateway.Report{Scoring: scoring}, "rejected_by_strategy", "rejected"},
		{"none left", gateway.Report{Scoring: scoring}, "no_deployment", "rejected"},
		{"filter failed", gateway.Report{Scoring: broken}, "routing_unavailable", "failed"},
		{"too late", gateway.Report{Scoring: scoring}, "timeout", "failed"},
		{"client left", gateway.Report{Scoring: scoring, Attempts: make([]gateway.Attempt, 1)}, "client_closed_request", "none"},
		{"over its limit", gateway.Report{}, "rate_limit_exceeded", "none"},
	} {
		rec := &gateway.Record{Report: &tc.report}
		if tc.code != "" {
			rec.Err = &gateway.Error{Code: tc.code}
		}
		got := "none"
		if o, counts := outcomeOf(rec); counts {
			got = [...]string{"answered", "failed", "rejected"}[o]
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
