// Package accounting turns finished requests into what is remembered of them: import it to write
// the usage ledger and the decision log from what the gateway reports.
package accounting

import (
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
)

// unknown stands in the ledger for a group that a client made up: the ledger keeps every name that
// it has seen.
const unknown = "unknown"

// Ledger takes entries; a [ledger.Ledger] is one.
type Ledger interface{ Record(e *store.Entry) error }

// Decisions takes decisions; a [decisionlog.Log] is one.
type Decisions interface{ Add(r *decisionlog.Record) }

// Books writes down finished requests. It is safe for concurrent use.
type Books struct {
	ledger    Ledger
	decisions Decisions
	log       *slog.Logger
	entries   sync.Pool // *store.Entry
	records   sync.Pool // *decisionlog.Record, to be filled in anew

	mu    sync.Mutex
	codes map[string]bool // of errors, as far as the ledger was told
}

// maxCodes bounds the error codes that the ledger is told: vendors and policies make up their own, and it keeps every name.
const (
	maxCodes = 256
	other    = "other"
)

// code is an error's code, as long as there are few of them.
func (b *Books) code(code string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case code == "" || b.codes[code]:
		return code
	case len(b.codes) == maxCodes:
		return other
	}
	b.codes[code] = true
	return code
}

// New returns books that write into a ledger and a log of decisions.
func New(l Ledger, d Decisions, log *slog.Logger) *Books {
	return &Books{
		ledger: l, decisions: d, log: log, codes: map[string]bool{},
		entries: sync.Pool{New: func() any { return &store.Entry{} }}, records: sync.Pool{New: func() any { return &decisionlog.Record{} }},
	}
}

// Enter writes a request into the ledger. It is called before the last byte of the answer is sent.
// A ledger that takes no more does not stop requests: it counts what it refused, and says so.
func (b *Books) Enter(rec *gateway.Record) {
	e := b.entries.Get().(*store.Entry)
	defer b.entries.Put(e)
	enter(e, rec)
	if e.Error != "" {
		e.Error = b.code(e.Error)
	}
	if err := b.ledger.Record(e); err != nil {
		b.log.Error("request is missing in the ledger", "request", rec.Request.ID, "error", err)
	}
}

// Observe writes a request's decisions into the log, if its tenant's are recorded.
func (b *Books) Observe(rec *gateway.Record) {
	if len(rec.Picks) == 0 {
		return
	}
	r := b.records.Get().(*decisionlog.Record)
	fill(r, rec)
	b.decisions.Add(r)
	for i := range r.Picks { // what they hold is rec's, but for the memory of their calls
		calls := r.Picks[i].Calls
		clear(calls)
		r.Picks[i] = decisionlog.Pick{Calls: calls[:0]}
	}
	b.records.Put(r)
}

// enter makes out a request as the ledger has it.
func enter(e *store.Entry, rec *gateway.Record) {
	p, q := rec.Report, rec.Request
	*e = store.Entry{
		ID: rec.ID, RequestID: q.ID, Tenant: q.TenantName, Key: rec.KeyID(), Group: p.Group, Deployment: p.Deployment, Provider: p.Provider, Model: p.Model,
		Surface: surface(q), Status: 200, Stream: q.Stream, Attempts: len(p.Attempts), Latency: rec.Duration,
	}
	if p.Policy != "" { // else it failed, or there is none: the group's strategies decided
		e.Policy, e.Version = rec.Policy, rec.Version
	}
	if len(p.Attempts) == 0 {
		e.Group = unknown
	} else {
		e.FirstToken = p.Attempts[len(p.Attempts)-1].TTFT
	}
	if rec.Err != nil {
		e.Status, e.Error = rec.Err.Status, rec.Err.Code
		e.Model = "" // a wildcard may have taken it from the client
	}
	u := &p.Usage
	e.Counted = u.Present && !p.Estimated
	e.Tokens = store.Tokens{
		Prompt: tokens(u.Prompt), Completion: tokens(u.Completion), Cached: tokens(u.Cached), CacheWrite: tokens(u.CacheWrite), Reasoning: tokens(u.Reasoning),
	}
	e.Cost, e.Priced = store.FromUSD(p.Cost)
	if rec.Err != nil && !u.Present {
		e.Priced = true // nothing was used, as far as is known, and that costs nothing
	}
}

func tokens(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// surface is the route by dialect and endpoint. No request makes the text of an earlier one again.
func surface(q *gateway.Request) string {
	d, e := int(q.Dialect), int(q.Endpoint)
	if d >= len(surfaces) || e >= len(surfaces[d]) {
		return q.Dialect.String() + "." + q.Endpoint.String()
	}
	known := &surfaces[d][e]
	if s := known.Load(); s != nil {
		return *s
	}
	s := q.Dialect.String() + "." + q.Endpoint.String()
	known.Store(&s)
	return s
}

var surfaces [16][8]atomic.Pointer[string]

// fill makes out a request's decisions as the log has them. Nothing of it outlives rec.
func fill(out *decisionlog.Record, rec *gateway.Record) {
	enter(&out.Entry, rec)
	out.Canary = rec.Canary
	out.Picks = slices.Grow(out.Picks[:0], len(rec.Picks))[:len(rec.Picks)]
	for i := range rec.Picks {
		p, to := &rec.Picks[i], &out.Picks[i]
		*to = decisionlog.Pick{
			Header: p.Header, Candidates: p.Candidates, Outcome: uint8(p.Outcome), Scores: p.Scores, Filtered: p.Filtered, By: p.By, Reason: p.Reason, Try: p.Try,
			Calls: to.Calls[:0],
		}
		for j := range p.Calls {
			c := &p.Calls[j]
			to.Calls = append(to.Calls, decisionlog.Call{Strategy: c.Strategy, Policy: c.Policy, Version: c.Version, Fuel: c.Fuel, Failed: c.Failed, Reason: c.Reason})
		}
	}
	out.Tries = out.Tries[:0]
	for i := range rec.Report.Attempts {
		a := &rec.Report.Attempts[i]
		out.Tries = append(out.Tries, decisionlog.Try{
			Group: a.Group, Deployment: a.Deployment, Status: a.Status, Error: a.Error, Begin: a.Start.Sub(rec.Start), Took: a.Duration, FirstToken: a.TTFT,
			Trial: a.Trial, Canceled: a.Canceled,
		})
	}
}
