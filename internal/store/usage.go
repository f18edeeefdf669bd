package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// EntryID names a request in the ledger and in the decision log, everywhere and for ever. It begins
// with the time of the request's start in milliseconds, so that IDs sort by it.
type EntryID [16]byte

// NewEntryID makes an ID for a time. The rest of it is random, so that no other has it; it is no secret.
func NewEntryID(at time.Time) EntryID {
	id := FirstEntryID(at)
	binary.LittleEndian.PutUint16(id[6:], uint16(rand.Uint64()))
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	return id
}

// FirstEntryID is the least ID that a time can have.
func FirstEntryID(at time.Time) (id EntryID) {
	binary.BigEndian.PutUint16(id[:], uint16(at.UnixMilli()>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(at.UnixMilli()))
	return id
}

// Time is the time that the ID was made for.
func (id EntryID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint16(id[:]))<<32 | int64(binary.BigEndian.Uint32(id[2:]))).UTC()
}

// Compare orders IDs: -1 when id is the earlier one, 1 when it is the later one.
func (id EntryID) Compare(other EntryID) int { return bytes.Compare(id[:], other[:]) }

// Before reports whether id is the earlier one.
func (id EntryID) Before(other EntryID) bool { return id.Compare(other) < 0 }

// Entry is an answered request in the usage ledger. Prompts and answers are not in it. It counts
// for the day on which the request began.
type Entry struct {
	ID         EntryID
	RequestID  string // as the client saw it; the client may have chosen it, so it need not be unique
	Tenant     string
	Key        string // ID of a stored key, or name of a configured one
	Group      string
	Deployment string
	Provider   string
	Model      string // the vendor's
	Surface    string // "openai.chat"
	Policy     string // that decided, empty: the operator's strategies
	Version    int    // of the policy
	Status     int    // HTTP
	Error      string // stable code, empty: answered
	Stream     bool
	Attempts   int
	Latency    time.Duration
	FirstToken time.Duration // 0: not a stream

	Counted bool // the vendor said how many tokens
	Tokens
	Priced bool // the price of all tokens is known
	Cost   Money
}

// Usage is what the entry adds to sums.
func (e *Entry) Usage() *Usage {
	u := &Usage{Requests: 1, Tokens: e.Tokens, Cost: e.Cost, Latency: e.Latency.Truncate(time.Microsecond)}
	if e.Error != "" {
		u.Failed = 1
	}
	if !e.Priced {
		u.Unpriced = 1
	}
	return u
}

// Tokens are counts. Cached is a part of Prompt, Reasoning of Completion.
type Tokens struct {
	Prompt, Completion, Cached, CacheWrite, Reasoning int64
}

// Batch is what a ledger takes over from a journal at once.
type Batch struct {
	Journal [16]byte // which journal
	Segment uint64   // where in it the batch ends
	Offset  int64
	Entries []Entry
	// Unread are records that this version can't decode. They are kept as they are.
	Unread [][]byte
}

// Dimension is something that usage can be split by.
type Dimension uint8

// The dimensions.
const (
	ByDay Dimension = iota + 1
	ByMonth
	ByTenant
	ByKey
	ByGroup
	ByDeployment
	ByProvider
	ByModel
	BySurface
)

// UsageQuery asks for sums over whole days, in UTC.
type UsageQuery struct {
	From, To Day // the first, and the one after the last
	By       []Dimension
	Tenant   string // empty: all
	Key      string
	Group    string
	Model    string
}

// Usage is one row of sums. Of the names only those asked for are set.
type Usage struct {
	Day        Day // or the first of a month
	Tenant     string
	Key        string
	Group      string
	Deployment string
	Provider   string
	Model      string
	Surface    string

	Requests int64
	Failed   int64
	Unpriced int64 // requests whose cost is not known, so not in Cost
	Tokens
	Cost    Money
	Latency time.Duration // of all together
}

// Add adds the sums of another row.
func (u *Usage) Add(v *Usage) {
	u.Requests += v.Requests
	u.Failed += v.Failed
	u.Unpriced += v.Unpriced
	u.Prompt += v.Prompt
	u.Completion += v.Completion
	u.Cached += v.Cached
	u.CacheWrite += v.CacheWrite
	u.Reasoning += v.Reasoning
	u.Cost = AddMoney(u.Cost, v.Cost)
	u.Latency += v.Latency
}

// Spent is what a tenant's key has cost in a day and in its month so far.
type Spent struct {
	Tenant, Key string
	Day, Month  Money
}

// EntryQuery asks for single entries of a tenant, the newest first.
type EntryQuery struct {
	Tenant string
	Before EntryID // zero: from the newest
	Limit  int
}

// Ledger keeps what requests have used. Every entry that a journal has held comes in exactly once.
type Ledger interface {
	// Position is where the last batch of a journal ended; zero for a journal that is new.
	Position(ctx context.Context, journal [16]byte) (segment uint64, offset int64, err error)
	// Record takes a batch over, with its position, durably: when it returns nil the journal may
	// forget the records. Entries whose ID is there already change nothing.
	Record(ctx context.Context, b *Batch) error
	// Usage sums up, ordered by the dimensions as they are asked for.
	Usage(ctx context.Context, q *UsageQuery) ([]Usage, error)
	// SpentOn returns what every key has spent in the month of a day, up to the day.
	SpentOn(ctx context.Context, day Day) ([]Spent, error)
	// Entries lists single entries.
	Entries(ctx context.Context, q *EntryQuery) ([]Entry, error)
	// TrimEntries deletes the single entries of requests that began before a time, and returns how
	// many they were. Sums stay.
	TrimEntries(ctx context.Context, oldest time.Time) (int, error)
}

// Day counts days since 1970-01-01, in UTC.
type Day int32

// DayOf is the day of a time.
func DayOf(t time.Time) Day {
	s := t.Unix()
	d := s / 86400
	if s%86400 < 0 {
		d--
	}
	return Day(d)
}

// Time is the day's beginning.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Month is the first day of the day's month.
func (d Day) Month() Day {
	y, m, _ := d.Time().Date()
	return DayOf(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
}

// String returns the day as 2006-01-02.
func (d Day) String() string { return d.Time().Format(time.DateOnly) }
