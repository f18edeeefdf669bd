// Package load makes the requests of the benchmark and measures how they were answered. It is run as a process of its
// own: one goroutine a connection, requests built beforehand, answers checked one and all.
package load

import "time"

// Options says what to send, and how. Durations are nanoseconds in JSON.
type Options struct {
	Address string   `json:"address"`
	Path    string   `json:"path"`
	Headers []string `json:"headers"` // whole lines, like "Authorization: Bearer x"
	Body    string   `json:"body"`
	Stream  bool     `json:"stream"` // the body asks for a stream
	Tokens  int      `json:"tokens"` // marks that each stream must carry

	// Connections is how many requests are in flight all the time: each follows when the one before it was answered
	// (closed loop). With Rate, it is how many connections are opened at first (open loop).
	Connections int `json:"connections"`
	// Rate is how many requests a second begin, whatever becomes of those before them. Latency then counts from the
	// time at which a request was due, so that one that waits its turn waits on the record.
	Rate float64 `json:"rate"`

	Ramp   time.Duration `json:"ramp"`   // over which connections are opened, evenly
	Warmup time.Duration `json:"warmup"` // after that, before anything is counted
	Window time.Duration `json:"window"` // in which is counted
	Grace  time.Duration `json:"grace"`  // how long what was begun may take to end after the window

	// Less is taken off every latency: what the vendor takes, so that what is added is seen at full resolution.
	Less time.Duration `json:"less"`

	// Watch names processes whose processor time during the window is wanted.
	Watch map[string][]int `json:"watch"`
}

// Result is what came of it. All counts but Broken belong to the window.
type Result struct {
	Seconds  float64 `json:"seconds"`  // length of the window
	Answers  int64   `json:"answers"`  // complete ones
	Streams  int64   `json:"streams"`  // streams that ended as they should, in and after the window
	Open     int64   `json:"open"`     // fewest streams open at once
	Tokens   int64   `json:"tokens"`   // marks seen
	Broken   int64   `json:"broken"`   // answers that were wrong, cut or missing, at any time
	Complain string  `json:"complain"` // the first of these

	Latency Spread `json:"latency"` // of whole answers
	First   Spread `json:"first"`   // from the request to the first token
	Transit Spread `json:"transit"` // from the vendor's writing a token to its arrival
	Late    Spread `json:"late"`    // open loop: by how much a request was sent after it was due

	// Processor is seconds of processor time, by the name of Watch, and "load" for this process. What everything else on
	// the machine took is "others": the less, the more the rest is worth.
	Processor map[string]float64 `json:"processor"`
}

// Spread is a distribution, in microseconds.
type Spread struct {
	N    int64   `json:"n"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}
