package shape

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
)

// Summary is a decided request in a list.
type Summary struct {
	ID         string    `json:"id"`
	At         time.Time `json:"at" doc:"When the request began."`
	RequestID  string    `json:"request_id"`
	Key        string    `json:"key,omitempty"`
	Group      string    `json:"group" doc:"The model group that answered, or was tried last."`
	Deployment string    `json:"deployment,omitempty"`
	Provider   string    `json:"provider,omitempty"`
	Model      string    `json:"model,omitempty" doc:"The vendor's."`
	Surface    string    `json:"surface,omitempty"`
	Policy     string    `json:"policy,omitempty" doc:"That decided; left out: the strategies of the model group."`
	Version    int       `json:"version,omitempty" doc:"Of the policy."`
	Canary     bool      `json:"canary" doc:"The version was a canary."`
	Status     int       `json:"status"`
	Error      string    `json:"error,omitempty" doc:"A stable code; left out: the request was answered."`
	Stream     bool      `json:"stream"`
	Attempts   int       `json:"attempts"`
	LatencyMS  float64   `json:"latency_ms"`
	FirstToken *float64  `json:"first_token_ms,omitempty" doc:"Of a stream."`
	Tokens     *Tokens   `json:"tokens,omitempty" doc:"Left out if the vendor did not tell."`
	Cost       *Dollars  `json:"cost_usd,omitempty" doc:"Left out if the price is not known."`
}

// Tokens are what the vendor counted.
type Tokens struct {
	Prompt     int64 `json:"prompt"`
	Completion int64 `json:"completion"`
	Cached     int64 `json:"cached" doc:"A part of prompt."`
	CacheWrite int64 `json:"cache_write"`
	Reasoning  int64 `json:"reasoning" doc:"A part of completion."`
}

// SummaryOf shows a decided request.
func SummaryOf(r *decisionlog.Record) Summary {
	e := &r.Entry
	s := Summary{
		ID: hex.EncodeToString(e.ID[:]), At: e.ID.Time(), RequestID: e.RequestID, Key: e.Key, Group: e.Group, Deployment: e.Deployment, Provider: e.Provider, Model: e.Model,
		Surface: e.Surface, Policy: e.Policy, Version: e.Version, Canary: r.Canary, Status: e.Status, Error: e.Error, Stream: e.Stream, Attempts: e.Attempts, LatencyMS: milliseconds(e.Latency),
	}
	if e.FirstToken > 0 {
		s.FirstToken = new(milliseconds(e.FirstToken))
	}
	if e.Counted {
		s.Tokens = &Tokens{e.Prompt, e.Completion, e.Cached, e.CacheWrite, e.Reasoning}
	}
	if e.Priced {
		s.Cost = new(Dollars(e.Cost))
	}
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Details are a decided request with everything that went into its decisions.
type Details struct {
	Summary
	Explanation []string `json:"explanation" nullable:"false" doc:"How it came about, in words."`
	Picks       []Pick   `json:"decisions" nullable:"false" doc:"In turn: one for each attempt, and those that led to none."`
	Tries       []Try    `json:"tries" nullable:"false" doc:"The calls of vendors."`
}

// Pick is one decision.
type Pick struct {
	By         string      `json:"by" doc:"Who decided."`
	Reason     string      `json:"reason,omitempty"`
	Outcome    string      `json:"outcome" enum:"ranked,emptied,rejected,unavailable,ended"`
	Try        *int        `json:"try,omitempty" doc:"Index of the attempt that it led to."`
	Input      Features    `json:"input"`
	Candidates []Candidate `json:"candidates" nullable:"false"`
	Calls      []Call      `json:"calls" nullable:"false" doc:"The strategies that were asked."`
}

// Call is one strategy's part.
type Call struct {
	Strategy string `json:"strategy"`
	Policy   bool   `json:"policy"`
	Version  string `json:"version,omitempty"`
	Fuel     uint64 `json:"fuel"`
	Failed   string `json:"failed,omitempty" doc:"Why it had no say."`
	Reason   string `json:"reason,omitempty"`
}

// Try is one call of a vendor.
type Try struct {
	Group      string   `json:"group"`
	Deployment string   `json:"deployment"`
	Status     int      `json:"status" doc:"The vendor's; 0: none."`
	Error      string   `json:"error,omitempty"`
	BeginMS    float64  `json:"begin_ms" doc:"After the request began."`
	TookMS     float64  `json:"took_ms"`
	FirstToken *float64 `json:"first_token_ms,omitempty"`
	Trial      bool     `json:"trial" doc:"Of a deployment that had been cooling down."`
	Canceled   bool     `json:"canceled"`
}

// outcomes are the outcomes as the gateway numbers them.
var outcomes = [...]string{"ranked", "emptied", "rejected", "unavailable", "ended"}

func pickOf(p *decisionlog.Pick) Pick {
	out := Pick{By: p.By, Reason: p.Reason, Outcome: "ended", Input: featuresOf(&p.Header), Candidates: []Candidate{}, Calls: []Call{}}
	if int(p.Outcome) < len(outcomes) {
		out.Outcome = outcomes[p.Outcome]
	}
	if p.Try >= 0 {
		out.Try = new(p.Try)
	}
	for i := range p.Candidates {
		c := candidateOf(&p.Candidates[i])
		if i < len(p.Scores) {
			c.Score = Figure(p.Scores[i])
		}
		c.Filtered = i < len(p.Filtered) && p.Filtered[i]
		out.Candidates = append(out.Candidates, c)
	}
	for _, c := range p.Calls {
		out.Calls = append(out.Calls, Call{c.Strategy, c.Policy, c.Version, c.Fuel, c.Failed, c.Reason})
	}
	return out
}

// DetailsOf shows a decided request with its explanation.
func DetailsOf(r *decisionlog.Record, explanation []string) Details {
	d := Details{Summary: SummaryOf(r), Explanation: append([]string{}, explanation...), Picks: []Pick{}, Tries: []Try{}}
	for i := range r.Picks {
		d.Picks = append(d.Picks, pickOf(&r.Picks[i]))
	}
	for _, t := range r.Tries {
		one := Try{
			Group: t.Group, Deployment: t.Deployment, Status: t.Status, Error: t.Error, BeginMS: milliseconds(t.Begin), TookMS: milliseconds(t.Took), Trial: t.Trial, Canceled: t.Canceled,
		}
		if t.FirstToken > 0 {
			one.FirstToken = new(milliseconds(t.FirstToken))
		}
		d.Tries = append(d.Tries, one)
	}
	return d
}

// lines splits what the contract joins by line ends.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
