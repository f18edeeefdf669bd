// Package profile describes how a simulated account behaves: its latencies and its faults.
package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

// Duration is a time.Duration that reads and writes as text in JSON ("120ms", "2s").
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Negative durations are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	if v < 0 {
		return fmt.Errorf("duration %q is negative", text)
	}
	*d = Duration(v)
	return nil
}

// Dist is a distribution of durations. Fixed is always the same; Min and Max alone are uniform between the two; Median
// with Sigma is lognormal, then kept within Min and Max where these are given. The zero Dist is no time at all.
type Dist struct {
	Fixed  Duration `json:"fixed,omitzero"`
	Min    Duration `json:"min,omitzero"`
	Max    Duration `json:"max,omitzero"`
	Median Duration `json:"median,omitzero"`
	Sigma  float64  `json:"sigma,omitzero"`
}

func (d Dist) Draw(r *seed.Random) time.Duration {
	switch {
	case d.Median > 0:
		v := Duration(float64(d.Median) * math.Exp(d.Sigma*r.Normal()))
		if d.Max > 0 {
			v = min(v, d.Max)
		}
		return time.Duration(max(v, d.Min))
	case d.Max > d.Min:
		return time.Duration(d.Min) + time.Duration(r.Float()*float64(d.Max-d.Min))
	case d.Max > 0:
		return time.Duration(d.Max)
	}
	return time.Duration(d.Fixed)
}

func (d Dist) Check(path string) error {
	switch {
	case d.Fixed < 0 || d.Min < 0 || d.Max < 0 || d.Median < 0:
		return fmt.Errorf("%s: durations may not be negative", path)
	case d.Fixed > 0 && (d.Max > 0 || d.Min > 0 || d.Median > 0):
		return fmt.Errorf("%s: fixed excludes min, max and median", path)
	case d.Min > 0 && d.Max == 0 && d.Median == 0:
		return fmt.Errorf("%s: min needs max or median", path)
	case d.Max > 0 && d.Max < d.Min:
		return fmt.Errorf("%s: max %v is less than min %v", path, time.Duration(d.Max), time.Duration(d.Min))
	case d.Sigma != 0 && d.Median == 0:
		return fmt.Errorf("%s: sigma needs median", path)
	case d.Sigma < 0 || d.Sigma > 4:
		return fmt.Errorf("%s: sigma %v is outside 0 to 4", path, d.Sigma)
	}
	return nil
}

// Profile says how one simulated account behaves. The package documentation describes each field.
type Profile struct {
	Latency  Dist    `json:"latency,omitzero"`   // time to the first byte of the answer
	PerToken Dist    `json:"per_token,omitzero"` // time between two tokens
	Tokens   int     `json:"tokens,omitzero"`    // natural length of an answer; 0 = 40
	Burst    bool    `json:"burst,omitzero"`     // send a whole stream in one write
	Key      string  `json:"key,omitzero"`       // the only credential accepted; empty = any
	Faults   []Fault `json:"faults,omitempty"`   // the first that applies to a request is used
}

// Fault is one way to go wrong, with the requests that it hits. First, Every and Probability narrow it down together;
// without any of them it hits every request.
type Fault struct {
	Kind string `json:"kind"`

	First       int     `json:"first,omitzero"`       // only the first N requests of the profile
	Every       int     `json:"every,omitzero"`       // only each Nth request
	Probability float64 `json:"probability,omitzero"` // only this share of requests, by the seed

	AfterTokens  int      `json:"after_tokens,omitzero"`   // how many tokens a stream gets before it breaks
	Status       int      `json:"status,omitzero"`         // for status and html
	RetryAfter   Duration `json:"retry_after,omitzero"`    // for status
	RetryAfterAs string   `json:"retry_after_as,omitzero"` // seconds (default), date or ms
	Delay        Duration `json:"delay,omitzero"`          // for slow: time between two tokens
}

// The kinds of faults.
const (
	FaultStatus        = "status"         // the vendor's own error with Status, and Retry-After if given
	FaultHang          = "hang"           // no answer, or no further token, until the client leaves
	FaultCut           = "cut"            // the connection is closed without an end
	FaultSlow          = "slow"           // Delay between tokens
	FaultBadJSON       = "bad_json"       // status 200 and a body, or an event, that is not JSON
	FaultTruncatedJSON = "truncated_json" // status 200, half of the JSON, and a regular end
	FaultHTML          = "html"           // an HTML page as proxies send it, status 502 unless given
	FaultStreamError   = "stream_error"   // an error event inside a stream that began with status 200
	FaultContextLength = "context_length" // the vendor's refusal of a prompt that is too long
	FaultContentPolicy = "content_policy" // the vendor's refusal of a prompt for its content
	FaultEmpty         = "empty"          // a regular answer without any content
)

var faultKinds = []string{
	FaultStatus, FaultHang, FaultCut, FaultSlow, FaultBadJSON, FaultTruncatedJSON, FaultHTML, FaultStreamError,
	FaultContextLength, FaultContentPolicy, FaultEmpty,
}

func (f *Fault) Check(path string) error {
	breaks := f.Breaks()
	switch {
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("%s.kind: %q is not one of %q", path, f.Kind, faultKinds)
	case f.First < 0 || f.Every < 0 || f.AfterTokens < 0:
		return fmt.Errorf("%s: counts may not be negative", path)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("%s.probability: %v is outside 0 to 1", path, f.Probability)
	case f.Kind == FaultStatus && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("%s.status: %d is outside 400 to 599", path, f.Status)
	case f.Kind == FaultHTML && f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("%s.status: %d is outside 200 to 599", path, f.Status)
	case f.Status != 0 && f.Kind != FaultStatus && f.Kind != FaultHTML:
		return fmt.Errorf("%s.status: kind %q has no status", path, f.Kind)
	case f.RetryAfter < 0 || f.Delay < 0:
		return fmt.Errorf("%s: durations may not be negative", path)
	case (f.RetryAfter != 0 || f.RetryAfterAs != "") && f.Kind != FaultStatus:
		return fmt.Errorf("%s.retry_after: kind %q has no retry_after", path, f.Kind)
	case !slices.Contains([]string{"", "seconds", "date", "ms"}, f.RetryAfterAs):
		return fmt.Errorf("%s.retry_after_as: %q is not seconds, date or ms", path, f.RetryAfterAs)
	case (f.Delay > 0) != (f.Kind == FaultSlow):
		return fmt.Errorf("%s.delay: belongs to kind %q, which needs it", path, FaultSlow)
	case f.AfterTokens > 0 && !breaks:
		return fmt.Errorf("%s.after_tokens: kind %q does not break a stream", path, f.Kind)
	}
	return nil
}

// Breaks tells whether the fault breaks an answer that has begun.
func (f *Fault) Breaks() bool {
	switch f.Kind {
	case FaultHang, FaultCut, FaultBadJSON, FaultTruncatedJSON, FaultStreamError:
		return true
	}
	return false
}

// Hits tells whether the fault applies to the nth request of a profile (from 1). It always takes one number from r, so
// that a change of one fault does not move the others.
func (f *Fault) Hits(n uint64, r *seed.Random) bool {
	p := r.Float()
	return (f.First == 0 || n <= uint64(f.First)) &&
		(f.Every == 0 || n%uint64(f.Every) == 0) &&
		(f.Probability == 0 || p < f.Probability)
}

const maxTokens = 100_000

// Check names every problem of the profile.
func (p *Profile) Check() error {
	errs := []error{p.Latency.Check("latency"), p.PerToken.Check("per_token")}
	if p.Tokens < 0 || p.Tokens > maxTokens {
		errs = append(errs, fmt.Errorf("tokens: %d is outside 0 to %d", p.Tokens, maxTokens))
	}
	for i := range p.Faults {
		errs = append(errs, p.Faults[i].Check(fmt.Sprintf("faults[%d]", i)))
	}
	return errors.Join(errs...)
}

// Decode reads one profile; an unknown field is an error.
func Decode(body []byte) (Profile, error) {
	var p Profile
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return Profile{}, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return Profile{}, errors.New("text after the profile")
	}
	return p, p.Check()
}

const ms = Duration(time.Millisecond)

// Builtin returns the profiles that every simulator starts with.
func Builtin() map[string]Profile {
	usual := Profile{Latency: Dist{Median: 80 * ms, Sigma: 0.4, Max: 1000 * ms}, PerToken: Dist{Min: 4 * ms, Max: 12 * ms}}
	with := func(faults ...Fault) Profile {
		p := usual
		p.Faults = faults
		return p
	}
	return map[string]Profile{
		"default": usual,
		"fast":    {},
		"burst":   {Burst: true},
		"slow":    {Latency: Dist{Median: 800 * ms, Sigma: 0.3, Max: 3000 * ms}, PerToken: Dist{Min: 40 * ms, Max: 90 * ms}},
		"flaky": with(
			Fault{Kind: FaultStatus, Status: 500, Probability: 0.1},
			Fault{Kind: FaultStatus, Status: 429, Probability: 0.1, RetryAfter: 1000 * ms},
			Fault{Kind: FaultCut, AfterTokens: 10, Probability: 0.05}),
		"ratelimited": with(Fault{Kind: FaultStatus, Status: 429, RetryAfter: 2000 * ms}),
		"overloaded":  with(Fault{Kind: FaultStatus, Status: 529}),
		"down":        with(Fault{Kind: FaultStatus, Status: 503}),
		"badkey":      with(Fault{Kind: FaultStatus, Status: 401}),
		"hang":        with(Fault{Kind: FaultHang}),
		"stall":       with(Fault{Kind: FaultHang, AfterTokens: 5}),
		"cut":         with(Fault{Kind: FaultCut, AfterTokens: 5}),
		"badjson":     with(Fault{Kind: FaultBadJSON}),
		"html":        with(Fault{Kind: FaultHTML}),
	}
}
