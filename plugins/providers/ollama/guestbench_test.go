package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkGuestStreamEvent is BenchmarkStreamEvent in the module.
func BenchmarkGuestStreamEvent(b *testing.B) {
	p := hosttest.LoadProvider(b, ".", `{}`)
	var out abi.StreamOutput
	buf, err := p.Stream(b.Context(), streamInput(nil, textLine), &out, nil)
	if err != nil {
		b.Fatal(err)
	}
	in := streamInput(bytes.Clone(out.State), textLine)
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = p.Stream(b.Context(), in, &out, buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGuestRequest2KB is BenchmarkRequest2KB in the module.
func BenchmarkGuestRequest2KB(b *testing.B) {
	p := hosttest.LoadProvider(b, ".", `{}`)
	in := requestInput(string(benchBody()))
	var out abi.RequestOutput
	var buf []byte
	var err error
	b.ReportAllocs()
	b.SetBytes(int64(len(in.Body)))
	for b.Loop() {
		if buf, err = p.Request(b.Context(), in, &out, buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
