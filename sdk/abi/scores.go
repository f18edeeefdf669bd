package abi

import "math"

// Directives that a score output may carry beside the scores.
const (
	DirectiveReject            uint32 = 1 << iota // refuse the request with RejectStatus and RejectCode
	DirectiveHedge                                // start a second attempt after HedgeAfterMS
	DirectiveAttemptTimeout                       // cap one attempt at AttemptTimeoutMS
	DirectiveFirstTokenTimeout                    // give up an attempt that has no token after FirstTokenTimeoutMS
)

// ScoreOutput is the output of score. Fixed 48 bytes, then the scores, then two strings:
//
//	0  u8  0 (reply byte)      12 u32 hedge_after_ms          24 u16 reject_status
//	1  u8  reserved            16 u32 attempt_timeout_ms      26 u16 length of reject_code
//	2  u16 48 (size of this)   20 u32 first_token_timeout_ms  28 u32 length of reason
//	4  u32 count                                              32..47 reserved, zero
//	8  u32 directives
//	48 count × f64, lower is better, NaN removes the candidate; then reject_code, then reason
//
// Count equals the number of candidates. Reason is for humans, at most MaxReason bytes.
type ScoreOutput struct {
	Scores              []float64
	Directives          uint32
	HedgeAfterMS        uint32
	AttemptTimeoutMS    uint32
	FirstTokenTimeoutMS uint32
	RejectStatus        uint16
	RejectCode          string
	Reason              string
}

// Append encodes the output.
func (out *ScoreOutput) Append(dst []byte) []byte {
	base := len(dst)
	dst = append(dst, noScores...)
	b := dst[base:]
	code := out.RejectCode[:min(len(out.RejectCode), MaxReason)]
	reason := out.Reason[:min(len(out.Reason), MaxReason)]
	b[0] = ReplyOK
	le.PutUint16(b[2:], ScoreReplySize)
	le.PutUint32(b[4:], uint32(len(out.Scores)))
	le.PutUint32(b[8:], out.Directives)
	le.PutUint32(b[12:], out.HedgeAfterMS)
	le.PutUint32(b[16:], out.AttemptTimeoutMS)
	le.PutUint32(b[20:], out.FirstTokenTimeoutMS)
	le.PutUint16(b[24:], out.RejectStatus)
	le.PutUint16(b[26:], uint16(len(code)))
	le.PutUint32(b[28:], uint32(len(reason)))
	for _, s := range out.Scores {
		dst = le.AppendUint64(dst, math.Float64bits(s))
	}
	dst = append(dst, code...)
	return append(dst, reason...)
}

// noScores is the fixed part of the zero ScoreOutput but for its size; a guest copies a constant sooner than it clears
// memory.
const noScores = noUsage

// Decode reads an output and appends its scores to out.Scores[:0]. The error is ErrShort, or a
// *Refusal.
func (out *ScoreOutput) Decode(b []byte) error {
	r := reader{b: b}
	if err := reply(&r); err != nil {
		return err
	}
	if len(b) < ScoreReplySize {
		return ErrShort
	}
	size, n := int(le.Uint16(b[2:])), le.Uint32(b[4:])
	out.Directives = le.Uint32(b[8:])
	out.HedgeAfterMS, out.AttemptTimeoutMS, out.FirstTokenTimeoutMS = le.Uint32(b[12:]), le.Uint32(b[16:]), le.Uint32(b[20:])
	out.RejectStatus = le.Uint16(b[24:])
	code, reason := int(le.Uint16(b[26:])), int(min(le.Uint32(b[28:]), MaxScoreOutput))
	if size < ScoreReplySize || size > len(b) || n > MaxCandidates {
		return ErrShort
	}
	r = reader{b: b[size:]}
	out.Scores = out.Scores[:0]
	for range n {
		out.Scores = append(out.Scores, r.f64())
	}
	out.RejectCode = string(r.take(code))
	out.Reason = string(r.take(reason))
	return r.done()
}

// Feedback tells a strategy that asks for it (by exporting feedback) how an attempt ended.
// Layout:
//
//	u64 id_hash | u64 tenant_hash | u64 now (unix ms) | f64 ttft_ms | f64 total_ms | u32 output_tokens |
//	u16 status | u8 class | u8 ok | str16 id | str16 group
//
// A strategy with feedback keeps state, so the host runs it as a single instance; its decisions
// can't be replayed.
type Feedback struct {
	IDHash       uint64
	TenantHash   uint64
	Now          uint64
	TTFTMS       float64 // NaN: not a stream, or no token came
	TotalMS      float64
	OutputTokens uint32
	Status       uint16
	Class        Class
	OK           bool
	ID           []byte
	Group        []byte
}

// Append encodes the feedback.
func (f *Feedback) Append(dst []byte) []byte {
	dst = le.AppendUint64(dst, f.IDHash)
	dst = le.AppendUint64(dst, f.TenantHash)
	dst = le.AppendUint64(dst, f.Now)
	dst = le.AppendUint64(dst, math.Float64bits(f.TTFTMS))
	dst = le.AppendUint64(dst, math.Float64bits(f.TotalMS))
	dst = le.AppendUint32(dst, f.OutputTokens)
	dst = le.AppendUint16(dst, f.Status)
	var ok byte
	if f.OK {
		ok = 1
	}
	dst = append(dst, byte(f.Class), ok)
	dst = appendBytes16(dst, f.ID)
	return appendBytes16(dst, f.Group)
}

// Decode reads a feedback; its slices alias b.
func (f *Feedback) Decode(b []byte) error {
	r := reader{b: b}
	f.IDHash, f.TenantHash, f.Now = r.u64(), r.u64(), r.u64()
	f.TTFTMS, f.TotalMS, f.OutputTokens = r.f64(), r.f64(), r.u32()
	f.Status, f.Class, f.OK = r.u16(), Class(r.u8()), r.u8() != 0
	f.ID, f.Group = r.bytes16(), r.bytes16()
	return r.done()
}

// Hash is FNV-1a, 64 bit: the hash behind every *Hash field.
func Hash[T ~string | ~[]byte](s T) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h ^= uint64(s[i])
		h *= 1099511628211
	}
	return h
}
