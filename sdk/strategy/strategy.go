// Package strategy is what a routing strategy imports: implement Plugin, call Register in an
// init function, and build with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o name.wasm .
//
// The exports of the contract (see sdk/abi) live here, so the plugin's own package stays plain
// Go that compiles and tests natively.
package strategy

import (
	"errors"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/internal/guest"
)

// Plugin scores deployments. Score must be a pure function of its input: chance comes from the
// seed, time from Now.
type Plugin interface {
	// Describe names the plugin. It is called before Configure.
	Describe() abi.Description
	// Configure takes the operator's config as JSON ({} when there is none). It is called once.
	Configure(config []byte) error
	// Score writes one score per candidate: out.Scores arrives with that length, all 0. Lower
	// is better, NaN removes the candidate. The input aliases a reused buffer.
	Score(in abi.View, out *abi.ScoreOutput) error
}

var errInput = errors.New("score input is shorter than its header says")

var registered *Instance //nolint:unused // the exports, which are there on wasip1 only, read it

// Register makes p the module's plugin. Call it once, in an init function.
func Register(p Plugin) { registered = New(p) }

// Log hands a line to the host's log under the plugin's name, at one of abi's log levels.
func Log(level uint32, line string) { guest.Log(level, line) }

// Instance runs a plugin on encoded messages, as a guest does. The tests' fake host uses it
// natively. It is not safe for concurrent use.
type Instance struct {
	plugin Plugin
	out    abi.ScoreOutput
}

// New returns an instance of p.
func New(p Plugin) *Instance { return &Instance{plugin: p} }

// Describe answers the export of that name, appending to dst.
func (i *Instance) Describe(dst []byte) []byte {
	d := i.plugin.Describe()
	d.ABI, d.Kind = abi.Version, abi.KindStrategy
	return d.AppendJSON(dst)
}

// Configure answers the export of that name, appending to dst.
func (i *Instance) Configure(dst, config []byte) []byte {
	if err := i.plugin.Configure(config); err != nil {
		return guest.Refuse(dst, err)
	}
	return abi.AppendOK(dst)
}

// Score answers the export of that name, appending to dst.
func (i *Instance) Score(dst, input []byte) []byte {
	v := abi.View(input)
	if !v.Valid() {
		return guest.Refuse(dst, errInput)
	}
	n := v.Len()
	if cap(i.out.Scores) < n {
		i.out.Scores = make([]float64, n)
	}
	o := &i.out
	o.Scores, o.Directives, o.Reason = o.Scores[:n], 0, ""
	o.HedgeAfterMS, o.AttemptTimeoutMS, o.FirstTokenTimeoutMS = 0, 0, 0
	o.RejectStatus, o.RejectCode = 0, ""
	clear(o.Scores)
	if err := i.plugin.Score(v, o); err != nil {
		return guest.Refuse(dst, err)
	}
	return o.Append(dst)
}
