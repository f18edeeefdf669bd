package replay

import (
	"cmp"
	"encoding/hex"
	"math"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Result is what a replay found.
type Result struct {
	Requests  int       `json:"requests" doc:"Requests that were replayed."`
	From      time.Time `json:"from" doc:"Start of the earliest of them."`
	To        time.Time `json:"to" doc:"Start of the latest of them."`
	Undecided int       `json:"undecided" doc:"Requests on which no policy had a say: filters refused them, or they ended before."`

	Moved int     `json:"moved" doc:"Requests that would have gone elsewhere, or nowhere."`
	Share float64 `json:"moved_share" doc:"Moved among those that were decided, 0 to 1."`

	Deployments []Shift `json:"deployments" doc:"Where requests went and would have gone, by deployment."`
	Models      []Shift `json:"models" doc:"The same by the vendors' models."`
	Cost        Change  `json:"cost_usd" doc:"Expected cost of the requests whose cost is known on both sides, in USD."`
	Latency     Change  `json:"latency_ms" doc:"Expected time of an answer, summed up over requests where it is known on both sides, in milliseconds."`
	Rejected    Count   `json:"rejected" doc:"Requests that the policy refused."`
	Unrouted    Count   `json:"unrouted" doc:"Requests for which the policy left no deployment."`

	Faults map[string]int `json:"faults" doc:"Decisions in which the candidate had no say, by kind: fault, refusal, breaker_open. The operator's strategies decide then."`
	Fuel   Fuel           `json:"fuel" doc:"What the candidate's calls used, in WebAssembly instructions."`

	Largest []Difference `json:"largest" doc:"The ten largest differences: refusals first, then by the relative change of cost and latency together."`
	Method  string       `json:"method" doc:"How the expectations are made."`
}

// Shift is how many requests a deployment or a model gets.
type Shift struct {
	Name   string `json:"name"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// Change is a sum over the same requests, then and now.
type Change struct {
	Before  float64 `json:"before"`
	After   float64 `json:"after"`
	Known   int     `json:"known" doc:"Requests that are in the sums."`
	Unknown int     `json:"unknown" doc:"Requests that are not, because a price or a latency was not known."`
}

// Count is a number of requests, then and now.
type Count struct {
	Before int `json:"before"`
	After  int `json:"after"`
}

// Fuel is the spread of what calls used.
type Fuel struct {
	Calls  int    `json:"calls"`
	Min    uint64 `json:"min"`
	Median uint64 `json:"median"`
	Max    uint64 `json:"max"`
}

// Difference is one request that would have gone elsewhere.
type Difference struct {
	ID      string   `json:"id" doc:"Of the decision."`
	Group   string   `json:"group"`
	Before  string   `json:"before" doc:"A deployment; empty: none."`
	After   string   `json:"after" doc:"A deployment; empty: none."`
	Reason  string   `json:"reason,omitempty" doc:"What the candidate said."`
	Cost    *float64 `json:"cost_usd,omitempty" doc:"After less before."`
	Latency *float64 `json:"latency_ms,omitempty" doc:"After less before."`
	size    float64
}

const method = "Tokens are those that the vendor counted, else the estimate before the request; another deployment is assumed to need as many. " +
	"Cost is tokens times the price at the time, without discounts for cached tokens. Latency is the deployment's recorded average at the moment of the decision: " +
	"time to the first token plus time per token for as many as there were, else the average of whole answers. Load that would have moved is not taken into account. " +
	"A request is followed up to the first decision that differs."

// shown is how many differences a result has.
const shown = 10

// refused ranks a difference before all others: relative changes of cost and latency come to two at most.
const refused = 3

type estimates struct{ cost, latency float64 }

// sums is what a result counts by name.
type sums struct{ deployments, models map[string]*Shift }

func newResult() *Result { return &Result{Faults: map[string]int{}, Method: method} }

// span widens the result's time to a request.
func (r *Result) span(rec *decisionlog.Record) {
	at := rec.Entry.ID.Time()
	if r.From.IsZero() || at.Before(r.From) {
		r.From = at
	}
	if at.After(r.To) {
		r.To = at
	}
}

// count adds a request's last decision, which is the first that differs if one does.
func (r *run) count(rec *decisionlog.Record, v *verdict) {
	r.tally(v, v.before, func(s *Shift) *int { return &s.Before })
	r.tally(v, v.after, func(s *Shift) *int { return &s.After })
	for _, side := range [...]struct {
		choice   choice
		rejected *int
		unrouted *int
	}{{v.before, &r.result.Rejected.Before, &r.result.Unrouted.Before}, {v.after, &r.result.Rejected.After, &r.result.Unrouted.After}} {
		switch side.choice.outcome {
		case decision.Rejected:
			*side.rejected++
		case decision.Emptied:
			*side.unrouted++
		}
	}
	var before, after estimates
	before.cost, before.latency = estimate(rec, v.pick, v.before.at)
	after.cost, after.latency = estimate(rec, v.pick, v.after.at)
	r.result.Cost.add(before.cost, after.cost)
	r.result.Latency.add(before.latency, after.latency)
	if v.moved() {
		r.result.Moved++
		r.largest.offer(rec, v, before, after)
	}
}

// tally counts a choice at its deployment and its model.
func (r *run) tally(v *verdict, c choice, side func(*Shift) *int) {
	if c.at < 0 {
		return
	}
	cand := &v.pick.Candidates[c.at]
	*side(shift(&r.sums.deployments, cand.ID))++
	*side(shift(&r.sums.models, model(cand)))++
}

func model(c *abi.Candidate) string { return c.Provider + "/" + c.Model }

func shift(m *map[string]*Shift, name string) *Shift {
	if *m == nil {
		*m = map[string]*Shift{}
	}
	s := (*m)[name]
	if s == nil {
		s = &Shift{Name: name}
		(*m)[name] = s
	}
	return s
}

func (c *Change) add(before, after float64) {
	if math.IsNaN(before) || math.IsNaN(after) {
		c.Unknown++
		return
	}
	c.Before, c.After, c.Known = c.Before+before, c.After+after, c.Known+1
}

// largest keeps the largest differences, the largest first.
type largest []Difference

func (l *largest) offer(rec *decisionlog.Record, v *verdict, before, after estimates) {
	size := refused
	if v.after.at >= 0 && v.before.at >= 0 {
		size = 0
	}
	d := Difference{size: float64(size) + relative(before.cost, after.cost) + relative(before.latency, after.latency)}
	if len(*l) == shown && d.size <= (*l)[shown-1].size {
		return // of equals the first ones stay
	}
	id := rec.Entry.ID
	d.ID, d.Group, d.Reason = hex.EncodeToString(id[:]), v.pick.Header.Group, v.after.reason
	d.Before, d.After = name(v, v.before), name(v, v.after)
	d.Cost, d.Latency = less(before.cost, after.cost), less(before.latency, after.latency)
	at, _ := slices.BinarySearchFunc(*l, d, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(b.size, a.size), -1)
	})
	if *l = slices.Insert(*l, at, d); len(*l) > shown {
		*l = (*l)[:shown]
	}
}

func name(v *verdict, c choice) string {
	if c.at < 0 {
		return ""
	}
	return v.pick.Candidates[c.at].ID
}

// relative is a change as a part of the larger figure, 0 to 1; what is not known does not count.
func relative(before, after float64) float64 {
	if most := math.Max(before, after); most > 0 {
		return math.Abs(after-before) / most
	}
	return 0
}

func less(before, after float64) *float64 {
	d := after - before
	if math.IsNaN(d) {
		return nil
	}
	return &d
}

// finish completes the result.
func (r *run) finish() *Result {
	res := r.result
	if decided := res.Requests - res.Undecided; decided > 0 {
		res.Share = float64(res.Moved) / float64(decided)
	}
	res.Deployments, res.Models = sorted(r.sums.deployments), sorted(r.sums.models)
	res.Largest = r.largest
	if res.Largest == nil {
		res.Largest = []Difference{}
	}
	if n := len(r.fuel); n > 0 {
		slices.Sort(r.fuel)
		res.Fuel = Fuel{Calls: n, Min: r.fuel[0], Median: r.fuel[n/2], Max: r.fuel[n-1]}
	}
	return res
}

// sorted is the shifts by the size of the change, the largest first.
func sorted(m map[string]*Shift) []Shift {
	list := make([]Shift, 0, len(m))
	for _, s := range m {
		list = append(list, *s)
	}
	size := func(s Shift) int { return max(s.After-s.Before, s.Before-s.After) }
	slices.SortFunc(list, func(a, b Shift) int {
		return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(b.Before, a.Before), cmp.Compare(a.Name, b.Name))
	})
	return list
}
