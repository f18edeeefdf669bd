package ledger

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// A record in the journal is
//
//	u8 1 | 16 bytes ID | u8 flags | uvarints: version, status, attempts, latency µs, first token µs,
//	prompt, completion, cached, cache write, reasoning, cost |
//	strings: request ID, tenant, key, group, deployment, provider, model, surface, policy, error
//
// where a string is uvarint length | bytes. A change of the layout takes another first byte; what
// this version can't read goes to the store as it is, for one that can.
const recordVersion = 1

// Flags of a record.
const (
	flagStream = 1 << iota
	flagCounted
	flagPriced
	allFlags = 1<<iota - 1
)

// Bounds of what a record takes; more is cut to them. They keep sums of absurd figures, which only
// a broken vendor sends, from overflowing, and records far below the journal's longest.
const (
	maxText   = 256
	maxCount  = 1 << 40
	maxCost   = 1_000_000 * store.USD
	maxMicros = int64(24 * time.Hour / time.Microsecond)
)

// ErrRecord means that bytes are no record that this version knows.
var ErrRecord = errors.New("ledger: not a record of this version")

// AppendRecord encodes an entry. Texts and figures beyond the bounds of a record are cut to them.
func AppendRecord(dst []byte, e *store.Entry) []byte {
	dst = append(dst, recordVersion)
	dst = append(dst, e.ID[:]...)
	flags := byte(0)
	if e.Stream {
		flags |= flagStream
	}
	if e.Counted {
		flags |= flagCounted
	}
	if e.Priced {
		flags |= flagPriced
	}
	dst = append(dst, flags)
	f := FiguresOf(e)
	for _, n := range [...]int64{
		f.Version, f.Status, f.Attempts, f.Latency, f.FirstToken, f.Prompt, f.Completion, f.Cached, f.CacheWrite, f.Reasoning, f.Cost,
	} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for _, s := range [...]string{e.RequestID, e.Tenant, e.Key, e.Group, e.Deployment, e.Provider, e.Model, e.Surface, e.Policy, e.Error} {
		s = Text(s)
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

// Figures are an entry's numbers within the bounds of a record. Times are in microseconds.
type Figures struct {
	Version, Status, Attempts, Latency, FirstToken, Prompt, Completion, Cached, CacheWrite, Reasoning, Cost int64
}

// FiguresOf cuts an entry's numbers to the bounds of a record.
func FiguresOf(e *store.Entry) Figures {
	return Figures{
		Version: bounded(int64(e.Version), math.MaxInt32), Status: bounded(int64(e.Status), math.MaxInt32), Attempts: bounded(int64(e.Attempts), math.MaxInt32),
		Latency: bounded(e.Latency.Microseconds(), maxMicros), FirstToken: bounded(e.FirstToken.Microseconds(), maxMicros),
		Prompt: bounded(e.Prompt, maxCount), Completion: bounded(e.Completion, maxCount), Cached: bounded(e.Cached, maxCount),
		CacheWrite: bounded(e.CacheWrite, maxCount), Reasoning: bounded(e.Reasoning, maxCount), Cost: bounded(int64(e.Cost), int64(maxCost)),
	}
}

func bounded(n, most int64) int64 { return max(0, min(n, most)) }

// Text cuts a text to the bound of a record and leaves what every database takes: UTF-8 without NUL.
func Text(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	for i := range len(s) {
		if c := s[i]; c == 0 || c >= utf8.RuneSelf { // seldom
			return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
		}
	}
	return s
}

// DecodeRecord reads what AppendRecord has written, and nothing else: ErrRecord.
func DecodeRecord(b []byte, e *store.Entry) error { return decode(b, e, nil) }

// names remembers texts that come again and again, so that reading them takes no memory.
type names map[string]string

// maxNames bounds what is remembered.
const maxNames = 10_000

// text returns a text that a record holds, unless no record can.
func (n names) text(b []byte) (string, bool) {
	if s, ok := n[string(b)]; ok {
		return s, true
	}
	s := string(b)
	if Text(s) != s {
		return "", false
	}
	if n != nil {
		if len(n) >= maxNames {
			clear(n)
		}
		n[s] = s
	}
	return s, true
}

// decode is DecodeRecord with a memory for names, nil: none.
func decode(b []byte, e *store.Entry, known names) error {
	if len(b) < 18 || b[0] != recordVersion || b[17]&^allFlags != 0 {
		return ErrRecord
	}
	*e = store.Entry{ID: store.EntryID(b[1:17]), Stream: b[17]&flagStream != 0, Counted: b[17]&flagCounted != 0, Priced: b[17]&flagPriced != 0}
	b = b[18:]
	uvarint := func(most int64) int64 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > uint64(most) || n > 1 && b[n-1] == 0 { // the last: longer than needed
			b = nil
			return -1
		}
		b = b[n:]
		return int64(v)
	}
	var n [11]int64
	for i, most := range [...]int64{math.MaxInt32, math.MaxInt32, math.MaxInt32, maxMicros, maxMicros, maxCount, maxCount, maxCount, maxCount, maxCount, int64(maxCost)} {
		if n[i] = uvarint(most); n[i] < 0 {
			return ErrRecord
		}
	}
	e.Version, e.Status, e.Attempts = int(n[0]), int(n[1]), int(n[2])
	e.Latency, e.FirstToken = time.Duration(n[3])*time.Microsecond, time.Duration(n[4])*time.Microsecond
	e.Tokens = store.Tokens{Prompt: n[5], Completion: n[6], Cached: n[7], CacheWrite: n[8], Reasoning: n[9]}
	e.Cost = store.Money(n[10])
	for i, s := range [...]*string{&e.RequestID, &e.Tenant, &e.Key, &e.Group, &e.Deployment, &e.Provider, &e.Model, &e.Surface, &e.Policy, &e.Error} {
		size := uvarint(maxText)
		if size < 0 || int(size) > len(b) {
			return ErrRecord
		}
		memory := known
		if i == 0 { // request IDs do not come again
			memory = nil
		}
		var ok bool
		if *s, ok = memory.text(b[:size]); !ok {
			return ErrRecord
		}
		b = b[size:]
	}
	if len(b) > 0 {
		return ErrRecord
	}
	return nil
}
