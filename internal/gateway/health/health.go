// Package health keeps what the gateway knows of its deployments from its own traffic: statistics,
// the same for every strategy, and cooldowns. Import it to record how attempts end, and to ask
// whether a deployment may be tried.
package health

import (
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Health is the statistics and the cooldown of one deployment. It outlives snapshots and is safe
// for concurrent use. The zero value knows nothing yet.
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

// Outcome is how one attempt ended.
type Outcome struct {
	At       time.Time
	Trial    bool
	TTFT     time.Duration // 0: no token, or not a stream
	Total    time.Duration
	Streamed bool
	Output   uint64 // tokens, 0: unknown
	Tokens   uint64 // prompt and output
}

// Begin counts an attempt in.
func (h *Health) Begin() { h.inFlight.Add(1) }

// End counts an attempt out.
func (h *Health) End() { h.inFlight.Add(-1) }

// Succeeded records a whole answer.
func (h *Health) Succeeded(o *Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.successes++
	h.consecutive = 0
	s := h.minute.slot(o.At)
	s.requests++
	s.tokens += o.Tokens
	ms := Milliseconds(o.Total)
	h.total.add(o.At, ms)
	h.totalSketch.add(ms)
	if o.Streamed && o.TTFT > 0 {
		first := Milliseconds(o.TTFT)
		h.ttft.add(o.At, first)
		h.ttftSketch.add(first)
		if o.Output > 1 {
			h.perToken.add(o.At, (ms-first)/float64(o.Output-1))
		}
	} else if o.Output > 0 {
		h.perToken.add(o.At, ms/float64(o.Output))
	}
	h.cooldown.proved(o.At.Add(-o.Total), o.Trial)
}

// Failed records a failure. A timeout counts with its full time, unless an answer usually takes
// longer: a client's short limit, or a quick 504, does not make a deployment look fast. Other
// failures are no samples: who only fails stays unknown.
func (h *Health) Failed(o *Outcome, f *Failure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures[min(int(f.Kind), len(h.failures)-1)]++
	h.consecutive++
	h.lastError = f.Label
	s := h.minute.slot(o.At)
	s.requests++
	s.failures++
	if f.Kind != abi.ErrorTimeout {
		return
	}
	ms := Milliseconds(o.Total)
	slow := func(a *average) bool { return a.n == 0 && f.Waited || a.n > 0 && ms > a.mean }
	if slow(&h.total) {
		h.total.add(o.At, ms)
		h.totalSketch.add(ms)
	}
	if o.Streamed && o.TTFT == 0 && slow(&h.ttft) {
		h.ttft.add(o.At, ms)
		h.ttftSketch.add(ms)
	}
}

// Refused records an answer that blames the client: the vendor is well. It is no sample, since
// a refusal takes less time than an answer.
func (h *Health) Refused(o *Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.minute.slot(o.At).requests++
	h.consecutive = 0
	h.cooldown.proved(o.At.Add(-o.Total), o.Trial)
}

// Fill writes the statistics into a candidate record.
func (h *Health) Fill(c *abi.Candidate, at time.Time) {
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
	at := time.Now()
	var c abi.Candidate
	h.Fill(&c, at)
	h.mu.Lock()
	defer h.mu.Unlock()
	state := h.cooldown.state(at)
	s := Status{
		State: state.String(), InFlight: int32(c.InFlight), Successes: h.successes, Consecutive: c.Consecutive,
		LastError: h.lastError, ErrorRate: c.ErrorRate, ReqMinute: c.ReqMinute, TokensMinute: c.TokensMinute,
		TTFT: known(c.TTFT), TTFTP95: known(c.TTFTP95), Total: known(c.Total), TotalP95: known(c.TotalP95), PerToken: known(c.TPOT),
	}
	for _, n := range h.failures {
		s.Failures += n
	}
	s.CooldownReason = h.cooldown.reason
	if state == Cooling {
		until := h.cooldown.until
		s.CoolingUntil = &until
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

// Milliseconds is a duration as strategies see it.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Registry keeps one Health per deployment across snapshots. The zero value is empty; its methods
// are safe for concurrent use.
type Registry struct {
	mu sync.Mutex
	m  map[Key]*Health
}

// Key says which deployments share statistics.
type Key struct{ ID, Provider, Model string }

// Get returns the Health of a deployment, a new one the first time.
func (r *Registry) Get(k Key) *Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.m[k]
	if h == nil {
		if r.m == nil {
			r.m = map[Key]*Health{}
		}
		h = &Health{}
		r.m[k] = h
	}
	return h
}

// KeepOnly forgets the deployments that are not used any more; requests that still have one hold
// it themselves.
func (r *Registry) KeepOnly(used map[*Health]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.m, func(_ Key, h *Health) bool { return !used[h] })
}
