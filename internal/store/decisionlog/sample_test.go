package decisionlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// traffic makes decisions as a tenant's traffic does: among deployments whose statistics move, with
// a request of the tenant now and then, and others' requests in between.
type traffic struct {
	rnd     *rand.Rand
	at      time.Time
	others  int // requests of others between two of this tenant's
	tenant  string
	current []abi.Candidate
}

func newTraffic(deployments, others int) *traffic {
	tr := &traffic{rnd: rand.New(rand.NewPCG(5, 6)), at: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), others: others, tenant: "acme"}
	for i := range deployments {
		id := fmt.Sprintf("provider%d/a-model-with-a-name-%d", i%4, i)
		tr.current = append(tr.current, abi.Candidate{
			IDHash: abi.Hash(id), ID: id, Provider: fmt.Sprintf("provider%d", i%4), Model: id[10:], Tags: "eu\nprod", Abilities: 0x3f, Flags: abi.CandidateAbilitiesKnown,
			Weight: 1, Order: int32(i % 2), PriceInput: 0.15 * float64(i+1), PriceOutput: 0.6 * float64(i+1), PriceCached: math.NaN(),
			Context: 128000, MaxOutput: 16384, RPM: 500, TPM: 200000, Samples: 1,
			TTFT: math.NaN(), Total: 1000, TPOT: math.NaN(), TTFTP50: math.NaN(), TTFTP95: math.NaN(), TotalP50: 900, TotalP95: 2000, TTFTPeak: math.NaN(), TotalPeak: 1000,
		})
	}
	return tr
}

// serve lets one deployment answer a request.
func (tr *traffic) serve() {
	c := &tr.current[tr.rnd.IntN(len(tr.current))]
	took := 400 + 1200*tr.rnd.ExpFloat64()
	ease := func(v *float64, by float64) {
		if math.IsNaN(*v) {
			*v = by
		}
		*v += (by - *v) * 0.1
	}
	c.Samples++
	ease(&c.Total, took)
	ease(&c.TotalPeak, took)
	ease(&c.TTFT, took/4)
	ease(&c.TPOT, took/200)
	if c.Samples%8 == 0 {
		ease(&c.TotalP50, took)
		ease(&c.TotalP95, 2*took)
		ease(&c.TTFTP50, took/4)
		ease(&c.TTFTP95, took/2)
	}
	c.ReqMinute = 20 + tr.rnd.Uint32N(20)
	c.TokensMinute = tr.rnd.Uint64N(50000)
	c.InFlight = tr.rnd.Uint32N(4)
	if tr.rnd.IntN(50) == 0 {
		c.FailMinute++
		c.ErrorRate = float64(c.FailMinute) / 40
	}
}

// next makes the tenant's next decision. It is valid until the one after.
func (tr *traffic) next(r *Record) {
	for range tr.others + 1 {
		tr.serve()
	}
	tr.at = tr.at.Add(time.Duration(tr.rnd.IntN(400)) * time.Millisecond)
	n := len(tr.current)
	best := tr.rnd.IntN(n)
	won := &tr.current[best]
	*r = Record{Tries: r.Tries[:0], Picks: resize(r.Picks, 1)}
	r.Entry = store.Entry{
		ID: store.NewEntryID(tr.at), RequestID: fmt.Sprintf("req_%016x", tr.rnd.Uint64()), Tenant: tr.tenant, Key: "key_ABCDEFGHIJKLMNOPQRST", Group: "quality",
		Deployment: won.ID, Provider: won.Provider, Model: won.Model, Surface: "openai.chat", Policy: "cheap", Version: 3, Status: 200, Attempts: 1,
		Latency: time.Duration(tr.rnd.IntN(3e6)) * time.Microsecond, Counted: true, Priced: true,
		Tokens: store.Tokens{Prompt: tr.rnd.Int64N(4000), Completion: tr.rnd.Int64N(800)}, Cost: store.Money(tr.rnd.Int64N(1e7)),
	}
	r.Tries = append(r.Tries, Try{Group: "quality", Deployment: won.ID, Status: 200, Begin: 90 * time.Microsecond, Took: r.Entry.Latency})
	p := &r.Picks[0]
	p.Header = abi.Header{
		Seed: tr.rnd.Uint64(), Now: uint64(tr.at.UnixMilli()), Features: abi.FeatureTools, PromptTokens: tr.rnd.Uint32N(4000), MaxOutput: 1024, ExpectedOutput: 300,
		Messages: tr.rnd.Uint32N(20), RemainingMS: 600000, TenantHash: abi.Hash(tr.tenant), SessionHash: tr.rnd.Uint64(), PrefixHash: abi.Hash(fmt.Sprint(tr.rnd.IntN(20))),
		Tenant: tr.tenant, Group: "quality", Endpoint: abi.EndpointChat, Dialect: 1, BodyBytes: tr.rnd.Uint32N(20000),
	}
	p.Candidates = append(p.Candidates[:0], tr.current...)
	p.Outcome, p.By, p.Reason, p.Try = 0, "context-fit+cheap", "cheap: least expected price within 2 s", 0
	p.Scores = p.Scores[:0]
	for i := range p.Candidates {
		p.Scores = append(p.Scores, p.Candidates[i].Total*p.Candidates[i].PriceOutput)
	}
	p.Calls = append(p.Calls[:0],
		Call{Strategy: "context-fit", Fuel: 1800 + tr.rnd.Uint64N(100)},
		Call{Strategy: "cheap", Policy: true, Version: "9f86d081884c7d65", Fuel: 5200 + tr.rnd.Uint64N(900), Reason: "least expected price within 2 s"})
}
