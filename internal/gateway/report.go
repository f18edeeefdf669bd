package gateway

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Attempt is one upstream call of a request.
type Attempt struct {
	Group      string
	Deployment string
	Provider   string
	Strategy   string
	Reason     string // of the strategies, for humans
	Trial      bool   // it was a half-open trial
	Start      time.Time
	Duration   time.Duration
	TTFT       time.Duration // 0: no token came
	Status     int           // of the upstream, 0: none
	Error      string        // stable code, empty: success
	Canceled   bool
}

// Report says what became of a request: which deployment answered, after which attempts.
type Report struct {
	Group      string // that answered, or was tried last
	Deployment string
	Provider   string
	Model      string // the vendor's
	Strategy   string
	Attempts   []Attempt
	Fallbacks  int
	Dropped    []string
	Usage      abi.Usage
	Cost       float64 // USD, NaN: unknown
	Overhead   time.Duration
}

// AttemptList is the attempts in one line: deployment=result, in order.
func (r *Report) AttemptList() string {
	var b strings.Builder
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Deployment)
		b.WriteByte('=')
		switch {
		case a.Error == "":
			b.WriteString("ok")
		case a.Status >= 400:
			b.WriteString(strconv.Itoa(a.Status))
			b.WriteByte(' ')
			b.WriteString(a.Error)
		default:
			b.WriteString(a.Error)
		}
	}
	return b.String()
}

// Record is a finished request, for metrics and ledgers. Prompts and answers are not in it.
type Record struct {
	Request  *Request
	Report   *Report
	Snapshot uint64
	Start    time.Time
	Duration time.Duration
	Err      *Error // nil: answered
}

// cost is the price of a usage at a deployment, NaN when a price that matters is not known.
func cost(d *Deployment, u *abi.Usage) float64 {
	if !u.Present {
		return math.NaN()
	}
	cached := min(u.Cached, u.Prompt)
	cachedPrice := d.PriceCached
	if math.IsNaN(cachedPrice) {
		cachedPrice = d.PriceInput
	}
	sum := 0.0
	for _, part := range [...]struct {
		tokens uint64
		price  float64
	}{{u.Prompt - cached, d.PriceInput}, {cached, cachedPrice}, {u.Completion, d.PriceOutput}} {
		if part.tokens > 0 {
			sum += float64(part.tokens) * part.price / 1e6
		}
	}
	return sum
}
