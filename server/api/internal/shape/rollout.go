package shape

import "time"

// Figures are what a version of a policy has done since the process began.
type Figures struct {
	Calls     uint64            `json:"calls" doc:"Of score."`
	Refusals  uint64            `json:"refusals" doc:"Calls that it answered with a refusal."`
	Faults    map[string]uint64 `json:"faults,omitempty" doc:"By kind: trap, fuel, load."`
	LastFault *Fault            `json:"last_fault,omitempty"`
	Fuel      Fuel              `json:"fuel" doc:"What calls of score have used, in WebAssembly instructions."`
	Loads     uint64            `json:"loads" doc:"Times that it was loaded."`
	Loaded    bool              `json:"loaded"`
	Memory    int64             `json:"memory_bytes" doc:"Of its instances."`
	Probation int               `json:"probation,omitempty" doc:"Decisions in which it still has to prove itself."`
	Canary    *Comparison       `json:"canary,omitempty" doc:"If it is, or was, a canary."`
}

// Fault is the latest one.
type Fault struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Message string    `json:"message"`
}

// Fuel is in WebAssembly instructions.
type Fuel struct {
	Total  uint64 `json:"total"`
	Max    uint64 `json:"max" doc:"Of one call."`
	Median uint64 `json:"median" doc:"To within an eighth."`
}

// Comparison is of a canary with the rest of its tenant's requests in the same time.
type Comparison struct {
	Since   time.Time `json:"since"`
	Canary  Sample    `json:"canary"`
	Rest    Sample    `json:"rest"`
	Verdict string    `json:"verdict,omitempty" doc:"Why it was taken out."`
}

// Sample is one side of a comparison.
type Sample struct {
	Requests    uint64  `json:"requests"`
	Errors      uint64  `json:"errors"`
	Rejections  uint64  `json:"rejections"`
	MeanLatency float64 `json:"mean_latency_ms" doc:"Of answered requests."`
	P95Latency  float64 `json:"p95_latency_ms"`
	MeanCost    float64 `json:"mean_cost_usd" doc:"Of answered requests with a price."`
}

// Stats are about all policies together.
type Stats struct {
	Modules   int    `json:"modules" doc:"Loaded."`
	Versions  int    `json:"versions" doc:"Loaded."`
	Instances int    `json:"instances"`
	Memory    int64  `json:"memory_bytes" doc:"What they are taken to occupy."`
	Budget    int64  `json:"budget_bytes" doc:"What they may."`
	Loads     uint64 `json:"loads"`
	Failures  uint64 `json:"load_failures"`
	Evictions uint64 `json:"evictions"`
}

// VersionFigures are a version's figures.
type VersionFigures struct {
	Number int    `json:"version"`
	State  string `json:"state" enum:"ready,withdrawn"`
	Serves string `json:"serves" enum:"no,active,canary"`
	Figures
}

// Activation is the body that activates a version.
type Activation struct {
	Version int    `json:"version" minimum:"1" maximum:"2147483647"`
	Reason  string `json:"reason,omitempty" maxLength:"1000" doc:"For the history."`
}

// Trial is the body that makes a version a canary.
type Trial struct {
	Version int     `json:"version" minimum:"1" maximum:"2147483647"`
	Percent float64 `json:"share_percent" minimum:"0.1" maximum:"100" doc:"Of the tenant's requests, to the tenth."`
	Reason  string  `json:"reason,omitempty" maxLength:"1000" doc:"For the history."`
}

// Why is the body of a step that needs no other.
type Why struct {
	Reason string `json:"reason,omitempty" maxLength:"1000" doc:"For the history."`
}

// Text is the reason, if there is one.
func (w *Why) Text() string {
	if w == nil {
		return ""
	}
	return w.Reason
}

// Activated is what an activation has changed.
type Activated struct {
	Policy   Policy `json:"policy"`
	Replaced string `json:"replaced,omitempty" doc:"NAME@VERSION of what served before."`
}

// AdminPolicy is a policy as the admin sees it among all.
type AdminPolicy struct {
	Tenant string `json:"tenant"`
	Policy
	Serving []VersionFigures `json:"serving" nullable:"false" doc:"Figures of the versions that serve."`
}
