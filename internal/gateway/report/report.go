// Package report says what became of a request: import it for which deployment answered, after which
// attempts and by whose choice, what it used and what it cost. It is filled in by the gateway; there
// is no prompt, no answer and no secret in it.
package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/limits"
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

// Scoring is one strategy's part in a decision. A decision leads to an attempt, or to none when
// strategies left no deployment or refused the request.
type Scoring struct {
	Group    string
	Attempt  int    // index of the attempt that the decision led to, if it did
	Strategy string // name; of a policy NAME@VERSION
	Policy   bool   // it is the tenant's policy
	Fuel     uint64 // instructions that it ran
	Failed   string // why it had no say, empty: it had, or the request ended
}

// Report says what became of a request: which deployment answered, after which attempts.
type Report struct {
	Group      string // that answered, or was tried last
	Deployment string
	Provider   string
	Model      string // the vendor's
	Strategy   string
	Policy     string // NAME@VERSION of the tenant's policy, empty unless it made the last decision
	Scoring    []Scoring
	Attempts   []Attempt
	Fallbacks  int
	Dropped    []string
	// Usage is what the vendor said, or, if it is Estimated, what was seen of a stream that ended before
	// the vendor said anything.
	Usage     abi.Usage
	Estimated bool
	Cost      float64          // of Usage, in USD; NaN: unknown
	Limits    limits.Headroom  // after the request was let in, or refused
	Exceeded  *limits.Exceeded // the limit for which it was refused, nil: none
	Overhead  time.Duration

	scoring  [4]Scoring // room for what most requests need
	attempts [1]Attempt
}

// Begin makes r the report of a request for a group, of which nothing is known yet. It stays where it is from then on.
func (r *Report) Begin(group string) {
	*r = Report{Group: group, Cost: math.NaN()}
	r.Scoring, r.Attempts = r.scoring[:0], r.attempts[:0]
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
