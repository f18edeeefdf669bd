package decisionlog

import (
	"context"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkAdd is what a request spends; packing is the background's.
func BenchmarkAdd(b *testing.B) {
	l := Open(&memory{}, Options{Interval: time.Hour})
	defer closing(b, l)
	var r Record
	newTraffic(8, 1).next(&r)
	s := &l.shards[abi.Hash("acme")%shards]
	b.ReportAllocs()
	for b.Loop() {
		l.Add(&r)
		if p := s.pending["acme"]; len(p.framed) > targetBytes/2 { // as if it were packed
			s.take(everything)
			s.recycle(p)
			l.bytes.Store(0)
		}
	}
}

// packed fills a store with decisions among eight deployments, between which others' requests were
// served.
func packed(b *testing.B, decisions int) (*Log, func() int64) {
	sink := openStore(b)
	l := Open(sink, Options{MaxAge: 10 * 365 * 24 * time.Hour}) // the traffic is of a day in the past
	b.Cleanup(func() { closing(b, l) })
	tr := newTraffic(8, 5)
	var r Record
	for i := range decisions {
		tr.next(&r)
		l.Add(&r)
		if i%1000 == 999 {
			if err := l.store(context.Background(), l.due, 1); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := l.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	return l, func() (bytes int64) {
		blocks, err := sink.ListBlocks(context.Background(), "acme")
		if err != nil {
			b.Fatal(err)
		}
		for _, x := range blocks {
			bytes += x.Bytes
		}
		return bytes
	}
}

func BenchmarkScan100000(b *testing.B) {
	const decisions = 100_000
	l, bytes := packed(b, decisions)
	for b.Loop() {
		n := 0
		if err := l.Scan(b.Context(), "acme", decisions, func(r *Record) error { n += len(r.Picks); return nil }); err != nil || n != decisions {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(bytes())/decisions, "bytes/decision")
}
