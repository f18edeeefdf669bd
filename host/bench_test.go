package host_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkScore8 is the whole of a scoring call: encode eight candidates, run a Go guest, check its scores.
func BenchmarkScore8(b *testing.B) {
	s := hosttest.LoadStrategy(b, guests+"mean", "{}")
	list := make([]abi.Candidate, 8)
	for i := range list {
		list[i] = abi.Candidate{ID: fmt.Sprintf("vendor/model-%d", i), Provider: "vendor", Model: "model", Total: float64(i), Tags: "eu"}
	}
	header := abi.Header{Tenant: "acme", Group: "quality"}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		var out abi.ScoreOutput
		for b.Loop() {
			if _, err := s.Score(b.Context(), &header, list, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			var out abi.ScoreOutput
			for pb.Next() {
				if _, err := s.Score(b.Context(), &header, list, &out); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = abi.AppendScore(buf[:0], &header, list)
		}
	})
}

// BenchmarkRequest passes a body of 2 KB through a Go guest that copies it.
func BenchmarkRequest(b *testing.B) {
	p := hosttest.LoadProvider(b, guests+"echo", "{}")
	in := abi.RequestInput{Dialect: abi.DialectAnthropic, Model: []byte("m"), Body: []byte(strings.Repeat("x", 2<<10))}
	var out abi.RequestOutput
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = p.Request(b.Context(), &in, &out, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStream passes one event through a Go guest that quotes it.
func BenchmarkStream(b *testing.B) {
	p := hosttest.LoadProvider(b, guests+"echo", "{}")
	in := abi.StreamInput{Dialect: abi.DialectOpenAI, Model: []byte("m"), Count: 1, Events: abi.Events(nil).Append(nil, []byte("one token"))}
	var out abi.StreamOutput
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = p.Stream(b.Context(), &in, &out, buf); err != nil {
			b.Fatal(err)
		}
	}
}
