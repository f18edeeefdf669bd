package decisionlog

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"math"

	"github.com/switchyard-gateway/switchyard/internal/store/ledger"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// pack1 packs framed records as version 1 did.
func pack1(framed []byte) []byte {
	out := bytes.NewBuffer([]byte{blockVersion1})
	w, _ := flate.NewWriter(out, 2) // the level exists
	_, _ = w.Write(framed)          // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func appendFramed(dst, record []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(record))), record...)
}

func appendUint[T ~uint8 | ~uint16 | ~uint32 | ~uint64](dst []byte, v T) []byte {
	return binary.AppendUvarint(dst, uint64(v))
}

func appendInt(dst []byte, v int64) []byte { return binary.AppendUvarint(dst, uint64(max(0, v))) }

func appendFloat(dst []byte, v float64) []byte { return le.AppendUint64(dst, math.Float64bits(v)) }

func appendText1(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// appendRecord1 encodes a record as version 1 did.
func appendRecord1(r *Record) []byte {
	var dst []byte
	flags := byte(0)
	if r.Canary {
		flags |= flagCanary
	}
	dst = append(dst, version1, flags)
	// The entry's length is not known before it is written: room for two bytes, which always do.
	at := len(dst)
	dst = ledger.AppendRecord(append(dst, 0, 0), &r.Entry)
	le.PutUint16(dst[at:], uint16(len(dst)-at-2))
	dst = appendInt(dst, int64(len(r.Tries)))
	for i := range r.Tries {
		dst = appendTry(dst, &r.Tries[i])
	}
	dst = appendInt(dst, int64(len(r.Picks)))
	for i := range r.Picks {
		dst = appendPick(dst, &r.Picks[i])
	}
	return dst
}

func appendTry(dst []byte, t *Try) []byte {
	flags := byte(0)
	if t.Trial {
		flags |= flagTrial
	}
	if t.Canceled {
		flags |= flagCanceled
	}
	dst = append(dst, flags)
	dst = appendInt(dst, int64(t.Status))
	dst = appendInt(dst, t.Begin.Microseconds())
	dst = appendInt(dst, t.Took.Microseconds())
	dst = appendInt(dst, t.FirstToken.Microseconds())
	dst = appendText1(dst, t.Group)
	dst = appendText1(dst, t.Deployment)
	return appendText1(dst, t.Error)
}

func appendPick(dst []byte, p *Pick) []byte {
	dst = append(dst, p.Outcome)
	dst = appendInt(dst, int64(p.Try)+1)
	dst = appendText1(dst, p.By)
	dst = appendText1(dst, p.Reason)
	dst = appendHeader(dst, &p.Header)
	dst = appendInt(dst, int64(len(p.Candidates)))
	for i := range p.Candidates {
		dst = appendCandidate(dst, &p.Candidates[i])
	}
	dst = appendInt(dst, int64(len(p.Scores)))
	for _, s := range p.Scores {
		dst = appendFloat(dst, s)
	}
	dst = appendInt(dst, int64(len(p.Filtered)))
	for _, f := range p.Filtered {
		dst = appendBool(dst, f)
	}
	dst = appendInt(dst, int64(len(p.Calls)))
	for i := range p.Calls {
		c := &p.Calls[i]
		dst = appendBool(dst, c.Policy)
		dst = appendUint(dst, c.Fuel)
		dst = appendText1(dst, c.Strategy)
		dst = appendText1(dst, c.Version)
		dst = appendText1(dst, c.Failed)
		dst = appendText1(dst, c.Reason)
	}
	return dst
}

func appendHeader(dst []byte, h *abi.Header) []byte {
	dst = le.AppendUint64(dst, h.Seed)
	dst = le.AppendUint64(dst, h.Now)
	for _, v := range [...]uint32{h.Features, h.PromptTokens, h.MaxOutput, h.ExpectedOutput, h.Attempt, h.Messages, h.BodyBytes} {
		dst = appendUint(dst, v)
	}
	dst = appendFloat(dst, h.RemainingMS)
	dst = le.AppendUint64(dst, h.TenantHash)
	dst = le.AppendUint64(dst, h.SessionHash)
	dst = le.AppendUint64(dst, h.PrefixHash)
	dst = append(dst, byte(h.Endpoint), byte(h.Dialect))
	for _, s := range [...]string{h.Tenant, h.Group, h.Tags, h.LastError} {
		dst = appendText1(dst, s)
	}
	return dst
}

func appendCandidate(dst []byte, c *abi.Candidate) []byte {
	dst = le.AppendUint64(dst, c.IDHash)
	dst = appendText1(dst, c.ID)
	dst = appendText1(dst, c.Provider)
	dst = appendText1(dst, c.Model)
	dst = appendText1(dst, c.Tags)
	dst = appendUint(dst, c.Abilities)
	dst = appendFloat(dst, c.Weight)
	dst = appendUint(dst, uint32(c.Order))
	dst = appendFloat(dst, c.PriceInput)
	dst = appendFloat(dst, c.PriceOutput)
	dst = appendUint(dst, c.Context)
	dst = appendUint(dst, c.MaxOutput)
	dst = appendUint(dst, c.RPM)
	dst = appendUint(dst, c.TPM)
	// From here on statistics.
	dst = appendUint(dst, c.Flags)
	dst = appendUint(dst, c.Consecutive)
	dst = appendUint(dst, c.InFlight)
	dst = appendUint(dst, c.Samples)
	dst = appendUint(dst, c.ReqMinute)
	dst = appendUint(dst, c.FailMinute)
	dst = appendUint(dst, c.TokensMinute)
	dst = appendUint(dst, c.CoolingUntil)
	at := len(dst)
	dst = append(dst, 0, 0)
	known := uint16(0)
	for i, f := range statistics(c) {
		if bits := math.Float64bits(*f); bits != nan {
			known |= 1 << i
			dst = le.AppendUint64(dst, bits)
		}
	}
	le.PutUint16(dst[at:], known)
	return dst
}
