//go:build wasip1

package provider

import "github.com/switchyard-gateway/switchyard/sdk/internal/guest"

//go:wasmexport describe
func describe() uint64 { return guest.Shared.Answer(registered.Describe(guest.Shared.Out[:0])) }

//go:wasmexport configure
func configure(n uint32) uint64 {
	return guest.Shared.Answer(registered.Configure(guest.Shared.Out[:0], guest.Shared.Bytes(n)))
}

//go:wasmexport request
func request(n uint32) uint64 {
	return guest.Shared.Answer(registered.Request(guest.Shared.Out[:0], guest.Shared.Bytes(n)))
}

//go:wasmexport response
func response(n uint32) uint64 {
	return guest.Shared.Answer(registered.Response(guest.Shared.Out[:0], guest.Shared.Bytes(n)))
}

//go:wasmexport stream
func stream(n uint32) uint64 {
	return guest.Shared.Answer(registered.Stream(guest.Shared.Out[:0], guest.Shared.Bytes(n)))
}
