package decisionlog

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store/ledger"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// ErrRecord means that bytes are no decision that this version knows.
var ErrRecord = errors.New("decision log: not a record of this version")

// decoder reads records one after the other into the same memory. Texts that come again are shared.
type decoder struct {
	b     []byte
	bad   bool
	texts map[string]string
}

// maxTexts bounds what is remembered of texts.
const maxTexts = 4096

// decode reads a record into r, whose slices are used again.
func (d *decoder) decode(b []byte, r *Record) error {
	d.b, d.bad = b, false
	head := d.take(4)
	if head == nil || head[0] != recordVersion || head[1]&^allRecordFlags != 0 {
		return ErrRecord
	}
	r.Canary = head[1]&flagCanary != 0
	entry := d.take(int(le.Uint16(head[2:])))
	if d.bad || ledger.DecodeRecord(entry, &r.Entry) != nil {
		return ErrRecord
	}
	r.Tries = resize(r.Tries, d.count(5))
	for i := range r.Tries {
		d.try(&r.Tries[i])
	}
	r.Picks = resize(r.Picks, d.count(60))
	for i := range r.Picks {
		d.pick(&r.Picks[i])
	}
	if d.bad || len(d.b) > 0 {
		return ErrRecord
	}
	return nil
}

// resize gives a slice a length and leaves what its elements hold, for them to be used again.
func resize[T any](s []T, n int) []T {
	return slices.Grow(s[:0], n)[:n]
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) bool() bool {
	b := d.byte()
	d.bad = d.bad || b > 1
	return b == 1
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return le.Uint64(b)
	}
	return 0
}

func (d *decoder) float() float64 { return math.Float64frombits(d.u64()) }

func (d *decoder) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if d.bad || n <= 0 || v > most {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) u32() uint32 { return uint32(d.uvarint(math.MaxUint32)) }

func (d *decoder) micros() time.Duration {
	return time.Duration(d.uvarint(math.MaxInt64/uint64(time.Microsecond))) * time.Microsecond
}

// count reads how many things follow, each of at least so many bytes.
func (d *decoder) count(size int) int { return int(d.uvarint(uint64(len(d.b) / size))) }

func (d *decoder) text() string {
	b := d.take(int(d.uvarint(uint64(len(d.b)))))
	if len(b) == 0 {
		return ""
	}
	if s, ok := d.texts[string(b)]; ok {
		return s
	}
	if d.texts == nil || len(d.texts) >= maxTexts {
		d.texts = make(map[string]string)
	}
	s := string(b)
	d.texts[s] = s
	return s
}

func (d *decoder) try(t *Try) {
	flags := d.byte()
	d.bad = d.bad || flags&^allTryFlags != 0
	*t = Try{
		Trial: flags&flagTrial != 0, Canceled: flags&flagCanceled != 0, Status: int(d.uvarint(math.MaxInt32)),
		Begin: d.micros(), Took: d.micros(), FirstToken: d.micros(), Group: d.text(), Deployment: d.text(), Error: d.text(),
	}
}

func (d *decoder) pick(p *Pick) {
	p.Outcome = d.byte()
	p.Try = int(d.uvarint(math.MaxInt32)) - 1
	p.By, p.Reason = d.text(), d.text()
	d.header(&p.Header)
	p.Candidates = resize(p.Candidates, d.count(50))
	for i := range p.Candidates {
		d.candidate(&p.Candidates[i])
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

func (d *decoder) header(h *abi.Header) {
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

func (d *decoder) candidate(c *abi.Candidate) {
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
