package gateway

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Health is what the gateway knows of a deployment from its own traffic: statistics and
// cooldown. It outlives snapshots and is safe for concurrent use.
type Health struct {
	inFlight atomic.Int32

	mu          sync.Mutex
	ttft        average
	total       average
	perToken    average
	ttftSketch  sketch
	totalSketch sketch
	minute      minute
	consecutive uint32
	successes   uint64
	failures    [abi.ErrorBadResponse + 1]uint64 // by kind
	lastError   string
	cooldown    cooldown
}

// outcome is how one attempt ended.
type outcome struct {
	at       time.Time
	trial    bool
	ttft     time.Duration // 0: no token, or not a stream
	total    time.Duration
	streamed bool
	output   uint64 // tokens, 0: unknown
	tokens   uint64 // prompt and output
	err      *Error // nil: success
}

// begin counts an attempt in; end counts it out.
func (h *Health) begin() { h.inFlight.Add(1) }

func (h *Health) end() { h.inFlight.Add(-1) }

// succeeded records a whole answer.
func (h *Health) succeeded(o *outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.successes++
	h.consecutive = 0
	s := h.minute.slot(o.at)
	s.requests++
	s.tokens += o.tokens
	ms := milliseconds(o.total)
	h.total.add(o.at, ms)
	h.totalSketch.add(ms)
	if o.streamed && o.ttft > 0 {
		first := milliseconds(o.ttft)
		h.ttft.add(o.at, first)
		h.ttftSketch.add(first)
		if o.output > 1 {
			h.perToken.add(o.at, (ms-first)/float64(o.output-1))
		}
	} else if o.output > 0 {
		h.perToken.add(o.at, ms/float64(o.output))
	}
	h.cooldown.proved(o.at.Add(-o.total), o.trial)
}

// failed records a failure. A timeout counts with its full time, unless an answer usually takes
// longer: a client's short limit, or a quick 504, does not make a deployment look fast. Other
// failures are no samples: who only fails stays unknown.
func (h *Health) failed(o *outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures[min(int(o.err.kind), len(h.failures)-1)]++
	h.consecutive++
	h.lastError = o.err.label()
	s := h.minute.slot(o.at)
	s.requests++
	s.failures++
	if o.err.kind != abi.ErrorTimeout {
		return
	}
	ms := milliseconds(o.total)
	slow := func(a *average) bool { return a.n == 0 && o.err.waited || a.n > 0 && ms > a.mean }
	if slow(&h.total) {
		h.total.add(o.at, ms)
		h.totalSketch.add(ms)
	}
	if o.streamed && o.ttft == 0 && slow(&h.ttft) {
		h.ttft.add(o.at, ms)
		h.ttftSketch.add(ms)
	}
}

// refused records an answer that blames the client: the vendor is well. It is no sample, since
// a refusal takes less time than an answer.
func (h *Health) refused(o *outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.minute.slot(o.at).requests++
	h.consecutive = 0
	h.cooldown.proved(o.at.Add(-o.total), o.trial)
}

// fill writes the statistics into a candidate record.
func (h *Health) fill(c *abi.Candidate, at time.Time) {
	c.InFlight = uint32(max(h.inFlight.Load(), 0))
	h.mu.Lock()
	defer h.mu.Unlock()
	c.Samples = h.total.n
	c.TTFT, c.TTFTPeak = h.ttft.value(), h.ttft.peakValue()
	c.Total, c.TotalPeak = h.total.value(), h.total.peakValue()
	c.TPOT = h.perToken.value()
	c.TTFTP50, c.TTFTP95 = h.ttftSketch.quantiles()
	c.TotalP50, c.TotalP95 = h.totalSketch.quantiles()
	c.Consecutive = h.consecutive
	c.ReqMinute, c.FailMinute, c.TokensMinute = h.minute.sum(at)
	c.ErrorRate = 0
	if c.ReqMinute > 0 {
		c.ErrorRate = float64(c.FailMinute) / float64(c.ReqMinute)
	}
	if until := h.cooldown.until; !until.IsZero() {
		c.CoolingUntil = uint64(until.UnixMilli())
	}
}

// Status is a deployment's health for people.
type Status struct {
	State          string     `json:"state"` // healthy, cooling, half-open
	CoolingUntil   *time.Time `json:"cooling_until,omitempty"`
	CooldownReason string     `json:"cooldown_reason,omitempty"`
	InFlight       int32      `json:"in_flight"`
	Successes      uint64     `json:"successes"`
	Failures       uint64     `json:"failures"`
	Consecutive    uint32     `json:"consecutive_failures"`
	LastError      string     `json:"last_error,omitempty"`
	ErrorRate      float64    `json:"error_rate"`
	ReqMinute      uint32     `json:"requests_last_minute"`
	TokensMinute   uint64     `json:"tokens_last_minute"`
	TTFT           *float64   `json:"ttft_ms,omitempty"`
	TTFTP95        *float64   `json:"ttft_p95_ms,omitempty"`
	Total          *float64   `json:"latency_ms,omitempty"`
	TotalP95       *float64   `json:"latency_p95_ms,omitempty"`
	PerToken       *float64   `json:"per_token_ms,omitempty"`
}

// Status reports the health as of now.
func (h *Health) Status() Status {
	at := now()
	var c abi.Candidate
	h.fill(&c, at)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Status{
		State: "healthy", InFlight: int32(c.InFlight), Successes: h.successes, Consecutive: c.Consecutive,
		LastError: h.lastError, ErrorRate: c.ErrorRate, ReqMinute: c.ReqMinute, TokensMinute: c.TokensMinute,
		TTFT: known(c.TTFT), TTFTP95: known(c.TTFTP95), Total: known(c.Total), TotalP95: known(c.TotalP95), PerToken: known(c.TPOT),
	}
	for _, n := range h.failures {
		s.Failures += n
	}
	switch h.cooldown.state(at) {
	case cooling:
		s.State, s.CooldownReason = "cooling", h.cooldown.reason
		until := h.cooldown.until
		s.CoolingUntil = &until
	case halfOpen:
		s.State, s.CooldownReason = "half-open", h.cooldown.reason
	}
	return s
}

func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	v = math.Round(v*100) / 100
	return &v
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// registry keeps one Health per deployment across snapshots.
type registry struct {
	mu sync.Mutex
	m  map[healthKey]*Health
}

type healthKey struct{ id, provider, model string }

func (r *registry) get(k healthKey) *Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.m[k]
	if h == nil {
		h = &Health{}
		r.m[k] = h
	}
	return h
}

// keepOnly forgets deployments that a new snapshot no longer has; requests that still use one
// hold it themselves.
func (r *registry) keepOnly(s *Snapshot) {
	used := map[*Health]bool{}
	for _, g := range s.groups {
		for _, d := range g.Deployments {
			used[d.Health] = true
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, h := range r.m {
		if !used[h] {
			delete(r.m, k)
		}
	}
}
