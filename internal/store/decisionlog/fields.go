package decisionlog

import (
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/ledger"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// A record taken apart: groups of numbers and texts. Their order is a part of the format; what changes most comes first,
// so that the mask of what changed is short. A new field takes another version of the record.
const (
	entryNums, entryTexts = 12, 10
	tryNums, tryTexts     = 5, 3
	pickNums, pickTexts   = 17, 6
	candNums, candTexts   = 29, 4
	callNums, callTexts   = 2, 4
)

// shape says what a group's fields are like.
type shape struct {
	words uint64 // a bit for each number that is a float's bits or a hash; the others are integers
	names uint64 // a bit for each text of which there are few
	cut   bool   // texts are kept as the ledger keeps them
}

var (
	entryShape = &shape{names: 1<<entryTexts - 1 - 1<<0, cut: true}
	tryShape   = &shape{names: 1<<tryTexts - 1}
	pickShape  = &shape{words: 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4, names: 1<<1 | 1<<4 | 1<<5}
	candShape  = &shape{words: 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<9 | 1<<10 | 1<<11 | 1<<12 | 1<<13 | 1<<22 | 1<<23 | 1<<24 | 1<<25 | 1<<26}
	callShape  = &shape{names: 1<<1 | 1<<2 | 1<<3}
)

// Flags of an entry and of a try.
const (
	flagStream = 1 << iota
	flagCounted
	flagPriced
)

const (
	flagTrial = 1 << iota
	flagCanceled
)

func flag(set bool, flag uint64) uint64 {
	if set {
		return flag
	}
	return 0
}

// An entry's figures are those of the ledger, within its bounds.
func entryNumbers(e *store.Entry, n *[entryNums]uint64) {
	f := ledger.FiguresOf(e)
	*n = [...]uint64{
		uint64(f.Prompt), uint64(f.Completion), uint64(f.Cost), uint64(f.Latency), uint64(f.FirstToken), uint64(f.Cached), uint64(f.Status),
		uint64(f.Reasoning), uint64(f.CacheWrite), uint64(f.Attempts), uint64(f.Version),
		flag(e.Stream, flagStream) | flag(e.Counted, flagCounted) | flag(e.Priced, flagPriced),
	}
}

func setEntry(e *store.Entry, id store.EntryID, n []uint64, s []string) {
	flags := n[11]
	*e = store.Entry{
		ID: id, RequestID: s[0], Deployment: s[1], Model: s[2], Provider: s[3], Group: s[4], Key: s[5], Surface: s[6], Policy: s[7], Error: s[8], Tenant: s[9],
		Tokens:  store.Tokens{Prompt: int64(n[0]), Completion: int64(n[1]), Cached: int64(n[5]), Reasoning: int64(n[7]), CacheWrite: int64(n[8])},
		Cost:    store.Money(n[2]),
		Latency: micros(n[3]), FirstToken: micros(n[4]), Status: int(n[6]), Attempts: int(n[9]), Version: int(n[10]),
		Stream: flags&flagStream != 0, Counted: flags&flagCounted != 0, Priced: flags&flagPriced != 0,
	}
}

func entryStrings(e *store.Entry) [entryTexts]string {
	return [...]string{e.RequestID, e.Deployment, e.Model, e.Provider, e.Group, e.Key, e.Surface, e.Policy, e.Error, e.Tenant}
}

func micros(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }

func tryNumbers(t *Try) [tryNums]uint64 {
	return [...]uint64{
		uint64(t.Took.Microseconds()), uint64(t.Begin.Microseconds()), uint64(t.FirstToken.Microseconds()), uint64(t.Status),
		flag(t.Trial, flagTrial) | flag(t.Canceled, flagCanceled),
	}
}

func setTry(t *Try, n []uint64, s []string) {
	*t = Try{
		Took: micros(n[0]), Begin: micros(n[1]), FirstToken: micros(n[2]), Status: int(n[3]), Trial: n[4]&flagTrial != 0, Canceled: n[4]&flagCanceled != 0,
		Group: s[0], Deployment: s[1], Error: s[2],
	}
}

func tryStrings(t *Try) [tryTexts]string { return [...]string{t.Group, t.Deployment, t.Error} }

// What an entry and its last try have in common, by where it is in either.
var (
	alikeNums  = [...]struct{ entry, try int }{{3, 0}, {6, 3}}
	alikeTexts = [...]struct{ entry, try int }{{4, 0}, {1, 1}, {8, 2}}
)

func pickNumbers(p *Pick, n *[pickNums]uint64) {
	h := &p.Header
	*n = [...]uint64{
		h.Seed, h.SessionHash, h.PrefixHash, math.Float64bits(h.RemainingMS), h.TenantHash,
		h.Now, uint64(h.PromptTokens), uint64(h.BodyBytes), uint64(h.Messages), uint64(h.MaxOutput), uint64(h.ExpectedOutput), uint64(h.Features),
		uint64(h.Attempt), uint64(p.Outcome), uint64(int64(p.Try)), uint64(h.Endpoint), uint64(h.Dialect),
	}
}

func setPick(p *Pick, n []uint64, s []string) {
	p.Header = abi.Header{
		Seed: n[0], SessionHash: n[1], PrefixHash: n[2], RemainingMS: math.Float64frombits(n[3]), TenantHash: n[4],
		Now: n[5], PromptTokens: uint32(n[6]), BodyBytes: uint32(n[7]), Messages: uint32(n[8]), MaxOutput: uint32(n[9]), ExpectedOutput: uint32(n[10]), Features: uint32(n[11]),
		Attempt: uint32(n[12]), Endpoint: abi.Endpoint(n[15]), Dialect: abi.Dialect(n[16]),
		Tags: s[2], LastError: s[3], Group: s[4], Tenant: s[5],
	}
	p.Outcome, p.Try, p.Reason, p.By = uint8(n[13]), int(int64(n[14])), s[0], s[1]
}

func pickStrings(p *Pick) [pickTexts]string {
	return [...]string{p.Reason, p.By, p.Header.Tags, p.Header.LastError, p.Header.Group, p.Header.Tenant}
}

func candNumbers(c *abi.Candidate, n *[candNums]uint64) {
	bits := math.Float64bits
	*n = [...]uint64{
		bits(c.Total), bits(c.TotalPeak), bits(c.TTFT), bits(c.TTFTPeak), bits(c.TPOT),
		uint64(c.InFlight), uint64(c.Samples), uint64(c.ReqMinute), c.TokensMinute,
		bits(c.TotalP50), bits(c.TotalP95), bits(c.TTFTP50), bits(c.TTFTP95), bits(c.ErrorRate),
		uint64(c.FailMinute), uint64(c.Consecutive), c.CoolingUntil, uint64(c.Flags),
		uint64(c.RPM), c.TPM, uint64(c.Context), uint64(c.MaxOutput),
		bits(c.PriceInput), bits(c.PriceOutput), bits(c.PriceCached), bits(c.Weight), c.IDHash,
		uint64(c.Abilities), uint64(int64(c.Order)),
	}
}

func setCand(c *abi.Candidate, n []uint64, s []string) {
	float := math.Float64frombits
	*c = abi.Candidate{
		Total: float(n[0]), TotalPeak: float(n[1]), TTFT: float(n[2]), TTFTPeak: float(n[3]), TPOT: float(n[4]),
		InFlight: uint32(n[5]), Samples: uint32(n[6]), ReqMinute: uint32(n[7]), TokensMinute: n[8],
		TotalP50: float(n[9]), TotalP95: float(n[10]), TTFTP50: float(n[11]), TTFTP95: float(n[12]), ErrorRate: float(n[13]),
		FailMinute: uint32(n[14]), Consecutive: uint32(n[15]), CoolingUntil: n[16], Flags: uint32(n[17]),
		RPM: uint32(n[18]), TPM: n[19], Context: uint32(n[20]), MaxOutput: uint32(n[21]),
		PriceInput: float(n[22]), PriceOutput: float(n[23]), PriceCached: float(n[24]), Weight: float(n[25]), IDHash: n[26],
		Abilities: uint32(n[27]), Order: int32(n[28]),
		ID: s[0], Provider: s[1], Model: s[2], Tags: s[3],
	}
}

func candStrings(c *abi.Candidate) [candTexts]string {
	return [...]string{c.ID, c.Provider, c.Model, c.Tags}
}

func callNumbers(c *Call) [callNums]uint64 { return [...]uint64{c.Fuel, flag(c.Policy, 1)} }

func setCall(c *Call, n []uint64, s []string) {
	*c = Call{Fuel: n[0], Policy: n[1] != 0, Reason: s[0], Failed: s[1], Strategy: s[2], Version: s[3]}
}

func callStrings(c *Call) [callTexts]string {
	return [...]string{c.Reason, c.Failed, c.Strategy, c.Version}
}
