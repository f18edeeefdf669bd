package accounting

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/inspect"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// pages is a ledger and a log of decisions in memory.
type pages struct {
	entries   []store.Entry
	decisions []*decisionlog.Record
	refuses   error
}

func (p *pages) Record(e *store.Entry) error {
	p.entries = append(p.entries, *e)
	return p.refuses
}

// Add copies, as the record is the caller's again.
func (p *pages) Add(r *decisionlog.Record) {
	c := *r
	c.Picks, c.Tries = slices.Clone(r.Picks), slices.Clone(r.Tries)
	for i := range c.Picks {
		c.Picks[i].Calls = slices.Clone(c.Picks[i].Calls)
	}
	p.decisions = append(p.decisions, &c)
}

var began = time.UnixMilli(1_700_000_000_000)

// answered is a request that a policy sent to a deployment, which counted its tokens.
func answered() *gateway.Record {
	acme := &gateway.Tenant{Name: "acme"}
	return &gateway.Record{
		ID:      store.FirstEntryID(began),
		Request: &gateway.Request{ID: "req-1", Tenant: acme, TenantName: "acme", Facts: inspect.Facts{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Stream: true}},
		Key:     &gateway.Key{ID: "key_1", Tenant: acme},
		Report: &gateway.Report{
			Group: "quality", Deployment: "a/x", Provider: "a", Model: "x", Policy: "cheap@3", Cost: 0.0015,
			Usage: abi.Usage{Present: true, Prompt: 10, Completion: 20, Cached: 3, CacheWrite: 4, Reasoning: 5},
			Attempts: []gateway.Attempt{
				{Group: "quality", Deployment: "b/y", Status: 500, Error: "server_error", Start: began.Add(time.Millisecond), Duration: time.Second, Trial: true},
				{Group: "quality", Deployment: "a/x", Status: 200, Start: began.Add(2 * time.Second), Duration: 3 * time.Second, TTFT: 400 * time.Millisecond},
			},
		},
		Policy: "cheap", Version: 3, Canary: true, Start: began, Duration: 5 * time.Second,
		Picks: []gateway.Pick{{
			Input: decision.Input{Header: abi.Header{Seed: 7}, Candidates: []abi.Candidate{{ID: "a/x"}}}, Outcome: decision.Ranked, Scores: []float64{1}, Filtered: []bool{false}, By: "cheap", Reason: "r", Try: 1,
			Calls: []decision.Call{{Strategy: "cheap", Policy: true, Version: "3", Fuel: 9, Err: errors.New("x"), Failed: "fault", Reason: "r"}},
		}},
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	whole := store.Entry{
		ID: store.FirstEntryID(began), RequestID: "req-1", Tenant: "acme", Key: "key_1", Group: "quality", Deployment: "a/x", Provider: "a", Model: "x", Surface: "openai.chat",
		Policy: "cheap", Version: 3, Status: 200, Stream: true, Attempts: 2, Latency: 5 * time.Second, FirstToken: 400 * time.Millisecond,
		Counted: true, Tokens: store.Tokens{Prompt: 10, Completion: 20, Cached: 3, CacheWrite: 4, Reasoning: 5}, Priced: true, Cost: 1_500_000,
	}
	for name, tc := range map[string]struct {
		change func(*gateway.Record)
		want   func(*store.Entry)
	}{
		"answered":          {func(*gateway.Record) {}, func(*store.Entry) {}},
		"the policy failed": {func(r *gateway.Record) { r.Report.Policy = "" }, func(e *store.Entry) { e.Policy, e.Version = "", 0 }},
		"no price":          {func(r *gateway.Record) { r.Report.Cost = math.NaN() }, func(e *store.Entry) { e.Priced, e.Cost = false, 0 }},
		"estimated":         {func(r *gateway.Record) { r.Report.Estimated = true }, func(e *store.Entry) { e.Counted = false }},
		"absurd tokens":     {func(r *gateway.Record) { r.Report.Usage.Prompt = math.MaxUint64 }, func(e *store.Entry) { e.Prompt = math.MaxInt64 }},
		"acting for another": {
			func(r *gateway.Record) { r.Key = &gateway.Key{ID: "key_9", Tenant: &gateway.Tenant{Name: "house"}} },
			func(e *store.Entry) { e.Key = "house/key_9" },
		},
		"a name that the client made up": {
			func(r *gateway.Record) {
				r.Report = &gateway.Report{Group: "made-up", Cost: math.NaN()}
				r.Err = &gateway.Error{Status: 404, Code: "model_not_found"}
			},
			func(e *store.Entry) {
				*e = store.Entry{
					ID: e.ID, RequestID: "req-1", Tenant: "acme", Key: "key_1", Group: "unknown", Surface: "openai.chat", Status: 404, Error: "model_not_found", Stream: true,
					Latency: 5 * time.Second, Priced: true,
				}
			},
		},
		"failed, and the vendor said what it took": {
			func(r *gateway.Record) { r.Err = &gateway.Error{Status: 502, Code: "upstream_error"} },
			func(e *store.Entry) { e.Status, e.Error, e.Model = 502, "upstream_error", "" },
		},
	} {
		p := &pages{}
		rec, want := answered(), whole
		tc.change(rec)
		tc.want(&want)
		New(p, p, slog.New(slog.DiscardHandler)).Enter(rec)
		if diff := cmp.Diff([]store.Entry{want}, p.entries); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	p := &pages{}
	b := New(p, p, slog.New(slog.DiscardHandler))
	// Whatever was written before in the same memory leaves no trace.
	larger := answered()
	larger.Picks = append(larger.Picks, larger.Picks[0])
	larger.Picks[0].Calls = append(larger.Picks[0].Calls, decision.Call{Strategy: "another"})
	larger.Report.Attempts = append(larger.Report.Attempts, gateway.Attempt{Deployment: "c/z", Canceled: true})
	for range 2 {
		b.Observe(larger)
	}
	p.decisions = nil
	b.Observe(answered())
	unrecorded := answered()
	unrecorded.Picks = nil
	b.Observe(unrecorded)
	var entry store.Entry
	enter(&entry, answered())
	want := []*decisionlog.Record{{
		Entry: entry, Canary: true,
		Picks: []decisionlog.Pick{{
			Header: abi.Header{Seed: 7}, Candidates: []abi.Candidate{{ID: "a/x"}}, Scores: []float64{1}, Filtered: []bool{false}, By: "cheap", Reason: "r", Try: 1,
			Calls: []decisionlog.Call{{Strategy: "cheap", Policy: true, Version: "3", Fuel: 9, Failed: "fault", Reason: "r"}},
		}},
		Tries: []decisionlog.Try{
			{Group: "quality", Deployment: "b/y", Status: 500, Error: "server_error", Begin: time.Millisecond, Took: time.Second, Trial: true},
			{Group: "quality", Deployment: "a/x", Status: 200, Begin: 2 * time.Second, Took: 3 * time.Second, FirstToken: 400 * time.Millisecond},
		},
	}}
	if diff := cmp.Diff(want, p.decisions, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// A ledger that takes nothing more is told of, and stops nobody.
func TestFullLedger(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	p := &pages{refuses: errors.New("the journal is full")}
	New(p, p, slog.New(slog.NewTextHandler(&log, nil))).Enter(answered())
	if !strings.Contains(log.String(), "request=req-1") || !strings.Contains(log.String(), "the journal is full") {
		t.Errorf("the log has %q", log.String())
	}
}

// Error codes that policies make up do not fill the ledger's list of names.
func TestErrorCodesAreFew(t *testing.T) {
	t.Parallel()
	p := &pages{}
	b := New(p, p, slog.New(slog.DiscardHandler))
	for i := range 1000 {
		rec := answered()
		rec.Err = &gateway.Error{Status: 403, Code: fmt.Sprint("made_up_", i%500)}
		b.Enter(rec)
	}
	seen := map[string]int{}
	for _, e := range p.entries {
		seen[e.Error]++
	}
	if len(seen) != maxCodes+1 || seen["made_up_0"] != 2 || seen[other] != 2*(500-maxCodes) {
		t.Errorf("%d codes, %d times %q", len(seen), seen[other], other)
	}
}
