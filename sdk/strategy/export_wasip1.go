//go:build wasip1

package strategy

import "github.com/switchyard-gateway/switchyard/sdk/internal/guest"

//go:wasmexport describe
func describe() uint64 { return guest.Shared.Answer(registered.Describe(guest.Shared.Out[:0])) }

//go:wasmexport configure
func configure(n uint32) uint64 {
	return guest.Shared.Answer(registered.Configure(guest.Shared.Out[:0], guest.Shared.Bytes(n)))
}

//go:wasmexport score
func score(n uint32) uint64 {
	return guest.Shared.Answer(registered.Score(guest.Shared.Out[:0], guest.Shared.Bytes(n)))
}
