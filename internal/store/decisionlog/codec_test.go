package decisionlog

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// exactly compares floats by their bits.
var exactly = cmp.Options{
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
	cmpopts.EquateEmpty(),
}

// full has something in every field.
func full() *Record {
	otherNaN := math.Float64frombits(0x7ff8000000000123)
	cand := abi.Candidate{
		IDHash: 1, ID: "a/b", Provider: "a", Model: "b", Tags: "x\ny", Abilities: 2, Flags: 3, Weight: 0.1, Order: -7, Consecutive: 4, PriceInput: 0.3, PriceOutput: math.NaN(),
		PriceCached: math.Copysign(0, -1), Context: 5, MaxOutput: 6, InFlight: 7, Samples: 8, TTFT: 1.1, Total: 2.2, TPOT: math.Inf(1), TTFTP50: 3.3, TTFTP95: otherNaN, TotalP50: 5.5, TotalP95: 6.6,
		ErrorRate: 0.01, ReqMinute: 9, FailMinute: 10, TokensMinute: math.MaxUint64, RPM: 11, TPM: 12, CoolingUntil: 13, TTFTPeak: 7.6, TotalPeak: 7.7,
	}
	return &Record{
		Entry: store.Entry{
			ID: store.NewEntryID(time.UnixMilli(1700000000000)), RequestID: "r", Tenant: "acme", Key: "k", Group: "g", Deployment: "a/b", Provider: "a", Model: "b", Surface: "s",
			Policy: "p", Version: 2, Status: 200, Error: "e", Stream: true, Attempts: 1, Latency: time.Second, FirstToken: time.Millisecond, Counted: true, Priced: true,
			Tokens: store.Tokens{Prompt: 1, Completion: 2, Cached: 3, CacheWrite: 4, Reasoning: 5}, Cost: 6,
		},
		Canary: true,
		Picks: []Pick{
			{
				Header: abi.Header{
					Seed: 1, Now: 2, Features: 3, PromptTokens: 4, MaxOutput: 5, ExpectedOutput: 6, Attempt: 7, Messages: 8, RemainingMS: 9.5, TenantHash: 10, SessionHash: 11,
					PrefixHash: 12, Tenant: "acme", Group: "g", Tags: "t", LastError: "timeout", Endpoint: 1, Dialect: 2, BodyBytes: 13,
				},
				Candidates: []abi.Candidate{cand, {}}, Outcome: 1, Scores: []float64{0.5, math.NaN()}, Filtered: []bool{false, true}, By: "x", Reason: "why", Try: 0,
				Calls: []Call{{Strategy: "s", Policy: true, Version: "v", Fuel: math.MaxUint64, Failed: "fault", Reason: "r"}, {}},
			},
			{Try: -1},
		},
		Tries: []Try{{Group: "g", Deployment: "a/b", Status: 529, Error: "overloaded", Begin: time.Microsecond, Took: time.Second, FirstToken: time.Millisecond, Trial: true, Canceled: true}, {}},
	}
}

func TestRecordsAreExact(t *testing.T) {
	var h history
	var d decoder
	var got Record
	tr, other := newTraffic(8, 3), newTraffic(5, 0)
	other.current[0].IDHash = other.current[1].IDHash // however unlikely
	var r Record
	for i := range 2000 { // into the same memory
		want := full()
		switch i % 7 {
		case 0:
		case 1, 3:
			other.next(&r)
			r.Picks[0].Candidates = r.Picks[0].Candidates[i%3 : 5-i%2]
			want = &r
		default:
			tr.next(&r)
			want = &r
		}
		if i%500 == 499 {
			h.begun = false
			d.begin()
		}
		b := h.append(nil, want)
		if i%11 == 0 { // some are of an earlier version
			h.begun = false
			b = appendRecord1(want)
		}
		if err := d.decode(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*want, got, exactly); diff != "" {
			t.Fatal(diff)
		}
		if idOf(b) != want.Entry.ID {
			t.Fatalf("ID %x of %x", idOf(b), want.Entry.ID)
		}
	}
	h.begun = false
	b := h.append(nil, full())
	for n := range b {
		if d.decode(b[:n], &got) == nil {
			t.Errorf("its first %d bytes are a record", n)
		}
	}
	if d.decode(append(b, 0), &got) == nil {
		t.Error("with a byte behind it is a record")
	}
}

// A block's first record stands for itself, and what stands on one that is not there is refused.
func TestRecordsNeedThoseBefore(t *testing.T) {
	var h history
	var d decoder
	var got Record
	first, second := h.append(nil, full()), h.append(nil, full())
	if d.decode(second, &got) == nil {
		t.Error("the second record was read without the first")
	}
	for _, b := range [][]byte{first, second} {
		if err := d.decode(b, &got); err != nil {
			t.Error(err)
		}
	}
	if len(second)*2 > len(first) {
		t.Errorf("the second of two like records takes %d bytes, the first %d", len(second), len(first))
	}
	d.begin()
	if d.decode(second, &got) == nil {
		t.Error("the second record was read in a block of its own")
	}
	h = history{}
	most := &Record{Picks: []Pick{{Candidates: make([]abi.Candidate, maxSlots+1)}}}
	for i := range most.Picks[0].Candidates {
		most.Picks[0].Candidates[i].IDHash = uint64(i)
	}
	for range 3 { // with so many candidates it begins anew each time
		if err := d.decode(h.append(nil, most), &got); err != nil || len(got.Picks[0].Candidates) != maxSlots+1 {
			t.Error(err)
		}
	}
	if h.used != maxSlots+1 {
		t.Errorf("%d slots", h.used)
	}
}

// Every field of the contract's input is kept: a new one fails here until it is.
func TestAllFieldsOfTheInputAreKept(t *testing.T) {
	r := full()
	for _, v := range []any{r.Picks[0].Header, r.Picks[0].Candidates[0]} {
		empty := 0
		cmp.Diff(v, v, cmp.FilterPath(func(p cmp.Path) bool {
			if step, ok := p.Last().(cmp.StructField); ok {
				a, _ := step.Values()
				if a.IsZero() && step.Name() != "PriceCached" {
					empty++
					t.Errorf("the sample has nothing in %s, so nobody knows whether it is kept", step.Name())
				}
			}
			return false
		}, cmp.Ignore()))
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(appendRecord1(full()))
	fresh := func(r *Record) []byte { var h history; return h.append(nil, r) }
	f.Add(fresh(full()))
	f.Add(fresh(&Record{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d decoder
		var r, again Record
		if d.decode(b, &r) != nil {
			return
		}
		once := fresh(&r)
		if err := d.decode(once, &again); err != nil {
			t.Fatalf("%x was read, and written as %x, which is not: %v", b, once, err)
		}
		if twice := fresh(&again); !bytes.Equal(once, twice) {
			t.Errorf("%x became %x", once, twice)
		}
	})
}

func FuzzBlock(f *testing.F) {
	f.Add(pack([]byte{1, 9}))
	f.Add(pack1(appendFramed(appendFramed(nil, []byte("one")), appendRecord1(full()))))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var u unpacker
		framed, err := u.unpack(b)
		if err != nil {
			return
		}
		var again []byte
		whole, err := records(framed, func(rec []byte) (bool, error) { again = appendFramed(again, rec); return true, nil })
		if whole != (err == nil) || whole && len(again) > len(framed) {
			t.Errorf("%x: %v, %v", framed, whole, err)
		}
	})
}
