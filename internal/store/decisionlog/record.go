package decisionlog

import (
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Record is one request's decisions with all that went into them, so that they can be explained and
// made again. Prompts and answers are not in it.
type Record struct {
	// Entry is how the request ended, as the ledger has it.
	Entry  store.Entry
	Canary bool // the policy's version was its canary
	// Picks are the decisions, in turn: one for each attempt, and those that led to none.
	Picks []Pick
	Tries []Try
}

// Pick is one decision: its exact input and what came of it.
type Pick struct {
	Header     abi.Header
	Candidates []abi.Candidate
	Outcome    uint8     // as the gateway numbers them
	Scores     []float64 // one for each candidate: lower is better, NaN is removed
	Filtered   []bool    // the candidates that filters removed; empty: none of them
	Calls      []Call
	By         string // who decided
	Reason     string // for humans
	Try        int    // index of the attempt that it led to, -1: none
}

// Call is one strategy's part in a decision.
type Call struct {
	Strategy string
	Policy   bool
	Version  string // of the policy: its hash
	Fuel     uint64
	Failed   string // why it had no say, empty: it had
	Reason   string // its own
}

// Try is one attempt. Times are kept to the microsecond.
type Try struct {
	Group      string
	Deployment string
	Status     int           // of the upstream, 0: none
	Error      string        // stable code, empty: success
	Begin      time.Duration // after the request's start
	Took       time.Duration
	FirstToken time.Duration // 0: no token came
	Trial      bool
	Canceled   bool
}
