package abi

import "math"

// The input of score is a fixed header, one fixed record per candidate, then the bytes that
// string fields point to. A string field is u32 offset | u32 length, the offset counted from
// the input's first byte. NaN in a float field means unknown. Both sizes stand in the header,
// so that a later host can append fields without breaking older strategies.
const (
	ScoreHeaderSize = 160
	CandidateSize   = 256
	ScoreReplySize  = 48
)

// Offsets of the header's fields.
const (
	offHeaderSize     = 0   // u16
	offCandidateSize  = 2   // u16
	offCount          = 4   // u32
	offSeed           = 8   // u64
	offNow            = 16  // u64, unix milliseconds
	offFeatures       = 24  // u32, Feature bits of the request
	offPromptTokens   = 28  // u32, estimate
	offMaxOutput      = 32  // u32, the client's limit, 0 = none given
	offExpectedOutput = 36  // u32, the host's expectation
	offAttempt        = 40  // u32, 0 for the first attempt in this group
	offMessages       = 44  // u32
	offRemaining      = 48  // f64, milliseconds left of the deadline
	offTenantHash     = 56  // u64, FNV-1a of the tenant's name, 0 = no tenant
	offSessionHash    = 64  // u64, of the session or user the client named, 0 = none
	offPrefixHash     = 72  // u64, of the start of the prompt, 0 = none
	offTenant         = 80  // string
	offGroup          = 88  // string
	offTags           = 96  // string, the request's tags joined by \n
	offLastError      = 104 // string, code of the previous attempt's failure
	offEndpoint       = 112 // u8
	offDialect        = 113 // u8
	offBodyBytes      = 116 // u32
	// 120..159 reserved, zero
)

// Offsets of a candidate's fields, from the record's first byte.
const (
	offIDHash       = 0   // u64, FNV-1a of ID
	offID           = 8   // string
	offProvider     = 16  // string
	offModel        = 24  // string
	offCandTags     = 32  // string, joined by \n
	offAbilities    = 40  // u32, Feature bits; meaningful with CandidateAbilitiesKnown
	offCandFlags    = 44  // u32
	offWeight       = 48  // f64
	offOrder        = 56  // i32
	offConsecutive  = 60  // u32, failures since the last success
	offPriceInput   = 64  // f64, USD per million tokens
	offPriceOutput  = 72  // f64
	offPriceCached  = 80  // f64
	offContext      = 88  // u32, tokens, 0 = unknown
	offCandMaxOut   = 92  // u32, tokens, 0 = unknown
	offInFlight     = 96  // u32
	offSamples      = 100 // u32, finished requests behind the averages, 0 = unknown deployment
	offTTFT         = 104 // f64 ms, decaying average of time to first token (streams)
	offTotal        = 112 // f64 ms, of whole requests
	offTPOT         = 120 // f64 ms, per output token
	offTTFTP50      = 128 // f64 ms
	offTTFTP95      = 136 // f64 ms
	offTotalP50     = 144 // f64 ms
	offTotalP95     = 152 // f64 ms
	offErrorRate    = 160 // f64, 0..1 over the last minute
	offReqMinute    = 168 // u32, requests in the last minute
	offFailMinute   = 172 // u32
	offTokensMinute = 176 // u64
	offRPM          = 184 // u32, limit, 0 = none
	offTPM          = 192 // u64, limit, 0 = none
	offCoolingUntil = 200 // u64, unix milliseconds, 0 = not cooling
	offTTFTPeak     = 208 // f64 ms, peak-sensitive average: jumps up at once, decays slowly
	offTotalPeak    = 216 // f64 ms
	// 224..255 reserved, zero
)

// Flags of a candidate.
const (
	CandidatePinned         uint32 = 1 << iota // the operator pinned this tenant to it
	CandidateFailed                            // failed earlier in this request
	CandidateCooling                           // cooling down, offered because all are
	CandidateTrial                             // this would be its half-open trial
	CandidateAbilitiesKnown                    // Abilities is complete
)

// Header is the request's part of a score input.
type Header struct {
	Seed           uint64
	Now            uint64
	Features       uint32
	PromptTokens   uint32
	MaxOutput      uint32
	ExpectedOutput uint32
	Attempt        uint32
	Messages       uint32
	RemainingMS    float64
	TenantHash     uint64
	SessionHash    uint64
	PrefixHash     uint64
	Tenant         string
	Group          string
	Tags           string
	LastError      string
	Endpoint       Endpoint
	Dialect        Dialect
	BodyBytes      uint32
}

// Candidate is one deployment that could serve the request.
type Candidate struct {
	IDHash       uint64
	ID           string
	Provider     string
	Model        string
	Tags         string
	Abilities    uint32
	Flags        uint32
	Weight       float64
	Order        int32
	Consecutive  uint32
	PriceInput   float64
	PriceOutput  float64
	PriceCached  float64
	Context      uint32
	MaxOutput    uint32
	InFlight     uint32
	Samples      uint32
	TTFT         float64
	Total        float64
	TPOT         float64
	TTFTP50      float64
	TTFTP95      float64
	TotalP50     float64
	TotalP95     float64
	ErrorRate    float64
	ReqMinute    uint32
	FailMinute   uint32
	TokensMinute uint64
	RPM          uint32
	TPM          uint64
	CoolingUntil uint64
	TTFTPeak     float64
	TotalPeak    float64
}

// AppendScore encodes a score input.
func AppendScore(dst []byte, h *Header, cands []Candidate) []byte {
	base := len(dst)
	fixed := ScoreHeaderSize + len(cands)*CandidateSize
	dst = append(dst, make([]byte, fixed)...)
	str := func(at int, s string) {
		le.PutUint32(dst[base+at:], uint32(len(dst)-base))
		le.PutUint32(dst[base+at+4:], uint32(len(s)))
		dst = append(dst, s...)
	}
	b := dst[base:]
	le.PutUint16(b[offHeaderSize:], ScoreHeaderSize)
	le.PutUint16(b[offCandidateSize:], CandidateSize)
	le.PutUint32(b[offCount:], uint32(len(cands)))
	le.PutUint64(b[offSeed:], h.Seed)
	le.PutUint64(b[offNow:], h.Now)
	le.PutUint32(b[offFeatures:], h.Features)
	le.PutUint32(b[offPromptTokens:], h.PromptTokens)
	le.PutUint32(b[offMaxOutput:], h.MaxOutput)
	le.PutUint32(b[offExpectedOutput:], h.ExpectedOutput)
	le.PutUint32(b[offAttempt:], h.Attempt)
	le.PutUint32(b[offMessages:], h.Messages)
	putF64(b[offRemaining:], h.RemainingMS)
	le.PutUint64(b[offTenantHash:], h.TenantHash)
	le.PutUint64(b[offSessionHash:], h.SessionHash)
	le.PutUint64(b[offPrefixHash:], h.PrefixHash)
	b[offEndpoint], b[offDialect] = byte(h.Endpoint), byte(h.Dialect)
	le.PutUint32(b[offBodyBytes:], h.BodyBytes)
	for i := range cands {
		cands[i].put(b[ScoreHeaderSize+i*CandidateSize:])
	}
	str(offTenant, h.Tenant)
	str(offGroup, h.Group)
	str(offTags, h.Tags)
	str(offLastError, h.LastError)
	for i := range cands {
		c, at := &cands[i], ScoreHeaderSize+i*CandidateSize
		str(at+offID, c.ID)
		str(at+offProvider, c.Provider)
		str(at+offModel, c.Model)
		str(at+offCandTags, c.Tags)
	}
	return dst
}

func putF64(b []byte, v float64) { le.PutUint64(b, math.Float64bits(v)) }

func (c *Candidate) put(b []byte) {
	le.PutUint64(b[offIDHash:], c.IDHash)
	le.PutUint32(b[offAbilities:], c.Abilities)
	le.PutUint32(b[offCandFlags:], c.Flags)
	putF64(b[offWeight:], c.Weight)
	le.PutUint32(b[offOrder:], uint32(c.Order))
	le.PutUint32(b[offConsecutive:], c.Consecutive)
	putF64(b[offPriceInput:], c.PriceInput)
	putF64(b[offPriceOutput:], c.PriceOutput)
	putF64(b[offPriceCached:], c.PriceCached)
	le.PutUint32(b[offContext:], c.Context)
	le.PutUint32(b[offCandMaxOut:], c.MaxOutput)
	le.PutUint32(b[offInFlight:], c.InFlight)
	le.PutUint32(b[offSamples:], c.Samples)
	putF64(b[offTTFT:], c.TTFT)
	putF64(b[offTotal:], c.Total)
	putF64(b[offTPOT:], c.TPOT)
	putF64(b[offTTFTP50:], c.TTFTP50)
	putF64(b[offTTFTP95:], c.TTFTP95)
	putF64(b[offTotalP50:], c.TotalP50)
	putF64(b[offTotalP95:], c.TotalP95)
	putF64(b[offErrorRate:], c.ErrorRate)
	le.PutUint32(b[offReqMinute:], c.ReqMinute)
	le.PutUint32(b[offFailMinute:], c.FailMinute)
	le.PutUint64(b[offTokensMinute:], c.TokensMinute)
	le.PutUint32(b[offRPM:], c.RPM)
	le.PutUint64(b[offTPM:], c.TPM)
	le.PutUint64(b[offCoolingUntil:], c.CoolingUntil)
	putF64(b[offTTFTPeak:], c.TTFTPeak)
	putF64(b[offTotalPeak:], c.TotalPeak)
}

// View reads a score input in place: nothing is copied, every accessor is a load. Check it with
// Valid before anything else.
type View []byte

// Valid reports whether the header and all records lie inside the bytes. Strings are checked by
// the accessors, which return nothing for one that points outside.
func (v View) Valid() bool {
	if len(v) < ScoreHeaderSize {
		return false
	}
	h, c := int(le.Uint16(v[offHeaderSize:])), int(le.Uint16(v[offCandidateSize:]))
	if h < ScoreHeaderSize || c < CandidateSize {
		return false
	}
	n := uint64(le.Uint32(v[offCount:]))
	return n <= MaxCandidates && uint64(h)+n*uint64(c) <= uint64(len(v))
}

func viewString(v, rec []byte, at int) []byte {
	off, n := uint64(le.Uint32(rec[at:])), uint64(le.Uint32(rec[at+4:]))
	if off+n > uint64(len(v)) {
		return nil
	}
	return v[off : off+n]
}

func viewF64(b []byte, at int) float64 { return math.Float64frombits(le.Uint64(b[at:])) }

// The request's fields; see Header.

func (v View) Len() int               { return int(le.Uint32(v[offCount:])) }
func (v View) Seed() uint64           { return le.Uint64(v[offSeed:]) }
func (v View) Now() uint64            { return le.Uint64(v[offNow:]) }
func (v View) Features() uint32       { return le.Uint32(v[offFeatures:]) }
func (v View) PromptTokens() uint32   { return le.Uint32(v[offPromptTokens:]) }
func (v View) MaxOutput() uint32      { return le.Uint32(v[offMaxOutput:]) }
func (v View) ExpectedOutput() uint32 { return le.Uint32(v[offExpectedOutput:]) }
func (v View) Attempt() uint32        { return le.Uint32(v[offAttempt:]) }
func (v View) Messages() uint32       { return le.Uint32(v[offMessages:]) }
func (v View) RemainingMS() float64   { return viewF64(v, offRemaining) }
func (v View) TenantHash() uint64     { return le.Uint64(v[offTenantHash:]) }
func (v View) SessionHash() uint64    { return le.Uint64(v[offSessionHash:]) }
func (v View) PrefixHash() uint64     { return le.Uint64(v[offPrefixHash:]) }
func (v View) Tenant() []byte         { return viewString(v, v, offTenant) }
func (v View) Group() []byte          { return viewString(v, v, offGroup) }
func (v View) Tags() []byte           { return viewString(v, v, offTags) }
func (v View) LastError() []byte      { return viewString(v, v, offLastError) }
func (v View) Endpoint() Endpoint     { return Endpoint(v[offEndpoint]) }
func (v View) Dialect() Dialect       { return Dialect(v[offDialect]) }
func (v View) BodyBytes() uint32      { return le.Uint32(v[offBodyBytes:]) }

// Candidate returns the view of the i-th record, 0 <= i < Len.
func (v View) Candidate(i int) CandidateView {
	h, c := int(le.Uint16(v[offHeaderSize:])), int(le.Uint16(v[offCandidateSize:]))
	return CandidateView{all: v, rec: v[h+i*c : h+i*c+c]}
}

// CandidateView reads one record in place.
type CandidateView struct{ all, rec []byte }

// The candidate's fields; see Candidate.

func (c CandidateView) IDHash() uint64       { return le.Uint64(c.rec[offIDHash:]) }
func (c CandidateView) ID() []byte           { return viewString(c.all, c.rec, offID) }
func (c CandidateView) Provider() []byte     { return viewString(c.all, c.rec, offProvider) }
func (c CandidateView) Model() []byte        { return viewString(c.all, c.rec, offModel) }
func (c CandidateView) Tags() []byte         { return viewString(c.all, c.rec, offCandTags) }
func (c CandidateView) Abilities() uint32    { return le.Uint32(c.rec[offAbilities:]) }
func (c CandidateView) Flags() uint32        { return le.Uint32(c.rec[offCandFlags:]) }
func (c CandidateView) Weight() float64      { return viewF64(c.rec, offWeight) }
func (c CandidateView) Order() int32         { return int32(le.Uint32(c.rec[offOrder:])) }
func (c CandidateView) Consecutive() uint32  { return le.Uint32(c.rec[offConsecutive:]) }
func (c CandidateView) PriceInput() float64  { return viewF64(c.rec, offPriceInput) }
func (c CandidateView) PriceOutput() float64 { return viewF64(c.rec, offPriceOutput) }
func (c CandidateView) PriceCached() float64 { return viewF64(c.rec, offPriceCached) }
func (c CandidateView) Context() uint32      { return le.Uint32(c.rec[offContext:]) }
func (c CandidateView) MaxOutput() uint32    { return le.Uint32(c.rec[offCandMaxOut:]) }
func (c CandidateView) InFlight() uint32     { return le.Uint32(c.rec[offInFlight:]) }
func (c CandidateView) Samples() uint32      { return le.Uint32(c.rec[offSamples:]) }
func (c CandidateView) TTFT() float64        { return viewF64(c.rec, offTTFT) }
func (c CandidateView) Total() float64       { return viewF64(c.rec, offTotal) }
func (c CandidateView) TPOT() float64        { return viewF64(c.rec, offTPOT) }
func (c CandidateView) TTFTP50() float64     { return viewF64(c.rec, offTTFTP50) }
func (c CandidateView) TTFTP95() float64     { return viewF64(c.rec, offTTFTP95) }
func (c CandidateView) TotalP50() float64    { return viewF64(c.rec, offTotalP50) }
func (c CandidateView) TotalP95() float64    { return viewF64(c.rec, offTotalP95) }
func (c CandidateView) ErrorRate() float64   { return viewF64(c.rec, offErrorRate) }
func (c CandidateView) ReqMinute() uint32    { return le.Uint32(c.rec[offReqMinute:]) }
func (c CandidateView) FailMinute() uint32   { return le.Uint32(c.rec[offFailMinute:]) }
func (c CandidateView) TokensMinute() uint64 { return le.Uint64(c.rec[offTokensMinute:]) }
func (c CandidateView) RPM() uint32          { return le.Uint32(c.rec[offRPM:]) }
func (c CandidateView) TPM() uint64          { return le.Uint64(c.rec[offTPM:]) }
func (c CandidateView) CoolingUntil() uint64 { return le.Uint64(c.rec[offCoolingUntil:]) }
func (c CandidateView) TTFTPeak() float64    { return viewF64(c.rec, offTTFTPeak) }
func (c CandidateView) TotalPeak() float64   { return viewF64(c.rec, offTotalPeak) }
