package decisionlog

import (
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store/ledger"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Records of version 1 stand for themselves. One is
//
//	u8 1 | u8 flags | bytes: the entry, as the ledger's journal has it |
//	uvarint tries | tries | uvarint picks | picks
//
// with integers as uvarints, numbers of the score input as they are (8 bytes, little-endian), and texts as uvarint
// length | bytes. Statistics of a candidate that are not known, NaN, are left out; a bit for each says so.
const version1 = 1

var nan = math.Float64bits(math.NaN())

// statistics are the figures of a candidate that may be unknown, in the order of their bits.
func statistics(c *abi.Candidate) [11]*float64 {
	return [...]*float64{
		&c.TTFT, &c.Total, &c.TPOT, &c.TTFTP50, &c.TTFTP95, &c.TotalP50, &c.TotalP95, &c.ErrorRate, &c.TTFTPeak, &c.TotalPeak, &c.PriceCached,
	}
}

// decode1 reads a record of version 1.
func (d *decoder) decode1(r *Record) {
	head := d.take(4)
	if head == nil || head[1]&^flagCanary != 0 {
		d.bad = true
		return
	}
	r.Canary = head[1]&flagCanary != 0
	entry := d.take(int(le.Uint16(head[2:])))
	if d.bad || ledger.DecodeRecord(entry, &r.Entry) != nil {
		d.bad = true
		return
	}
	r.Tries = resize(r.Tries, d.count(5))
	for i := range r.Tries {
		d.try1(&r.Tries[i])
	}
	r.Picks = resize(r.Picks, d.count(60))
	for i := range r.Picks {
		d.pick1(&r.Picks[i])
	}
}

func (d *decoder) bool() bool {
	b := d.byte()
	d.bad = d.bad || b > 1
	return b == 1
}

func (d *decoder) float() float64 { return math.Float64frombits(d.u64()) }

func (d *decoder) u32() uint32 { return uint32(d.uvarint(math.MaxUint32)) }

func (d *decoder) micros() time.Duration {
	return time.Duration(d.uvarint(math.MaxInt64/uint64(time.Microsecond))) * time.Microsecond
}

func (d *decoder) text() string { return d.shared(d.take(int(d.uvarint(uint64(len(d.b)))))) }

func (d *decoder) try1(t *Try) {
	flags := d.byte()
	d.bad = d.bad || flags&^(flagTrial|flagCanceled) != 0
	*t = Try{
		Trial: flags&flagTrial != 0, Canceled: flags&flagCanceled != 0, Status: int(d.uvarint(math.MaxInt32)),
		Begin: d.micros(), Took: d.micros(), FirstToken: d.micros(), Group: d.text(), Deployment: d.text(), Error: d.text(),
	}
}

func (d *decoder) pick1(p *Pick) {
	p.Outcome = d.byte()
	p.Try = int(d.uvarint(math.MaxInt32)) - 1
	p.By, p.Reason = d.text(), d.text()
	d.header1(&p.Header)
	p.Candidates = resize(p.Candidates, d.count(50))
	for i := range p.Candidates {
		d.candidate1(&p.Candidates[i])
	}
	p.Scores = resize(p.Scores, d.count(8))
	for i := range p.Scores {
		p.Scores[i] = d.float()
	}
	p.Filtered = resize(p.Filtered, d.count(1))
	for i := range p.Filtered {
		p.Filtered[i] = d.bool()
	}
	p.Calls = resize(p.Calls, d.count(6))
	for i := range p.Calls {
		p.Calls[i] = Call{Policy: d.bool(), Fuel: d.uvarint(math.MaxUint64), Strategy: d.text(), Version: d.text(), Failed: d.text(), Reason: d.text()}
	}
}

func (d *decoder) header1(h *abi.Header) {
	*h = abi.Header{Seed: d.u64(), Now: d.u64()}
	for _, v := range [...]*uint32{&h.Features, &h.PromptTokens, &h.MaxOutput, &h.ExpectedOutput, &h.Attempt, &h.Messages, &h.BodyBytes} {
		*v = d.u32()
	}
	h.RemainingMS = d.float()
	h.TenantHash, h.SessionHash, h.PrefixHash = d.u64(), d.u64(), d.u64()
	h.Endpoint, h.Dialect = abi.Endpoint(d.byte()), abi.Dialect(d.byte())
	for _, s := range [...]*string{&h.Tenant, &h.Group, &h.Tags, &h.LastError} {
		*s = d.text()
	}
}

func (d *decoder) candidate1(c *abi.Candidate) {
	*c = abi.Candidate{
		IDHash: d.u64(), ID: d.text(), Provider: d.text(), Model: d.text(), Tags: d.text(), Abilities: d.u32(), Weight: d.float(), Order: int32(d.u32()),
		PriceInput: d.float(), PriceOutput: d.float(), Context: d.u32(), MaxOutput: d.u32(), RPM: d.u32(), TPM: d.uvarint(math.MaxUint64),
		Flags: d.u32(), Consecutive: d.u32(), InFlight: d.u32(), Samples: d.u32(), ReqMinute: d.u32(), FailMinute: d.u32(),
		TokensMinute: d.uvarint(math.MaxUint64), CoolingUntil: d.uvarint(math.MaxUint64),
	}
	mask := d.take(2)
	if mask == nil {
		return
	}
	known := le.Uint16(mask)
	stats := statistics(c)
	d.bad = d.bad || known>>len(stats) != 0
	for i, f := range stats {
		if *f = math.Float64frombits(nan); known&(1<<i) != 0 {
			*f = d.float()
		}
	}
}
