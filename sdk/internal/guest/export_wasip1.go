//go:build wasip1

package guest

//go:wasmexport switchyard_abi_1
func marker() {}

//go:wasmexport input
func input(size uint32) uint32 { return Shared.Input(size) }
