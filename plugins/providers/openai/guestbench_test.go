package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkGuestStreamEvent is BenchmarkStreamEvent in the module.
func BenchmarkGuestStreamEvent(b *testing.B) {
	p := hosttest.LoadProvider(b, ".", genericConfig)
	var out abi.StreamOutput
	buf, err := p.Stream(b.Context(), streamInput(nil, benchEvent, benchEvent), &out, nil)
	if err != nil {
		b.Fatal(err)
	}
	in := streamInput(bytes.Clone(out.State), benchEvent)
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = p.Stream(b.Context(), in, &out, buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGuestRequest is BenchmarkRequest in the module.
func BenchmarkGuestRequest(b *testing.B) {
	p := hosttest.LoadProvider(b, ".", `{}`)
	in := requestInput(``)
	in.Flags |= abi.FlagStream | abi.FlagBodyWithheld
	var out abi.RequestOutput
	var buf []byte
	var err error
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = p.Request(b.Context(), in, &out, buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
