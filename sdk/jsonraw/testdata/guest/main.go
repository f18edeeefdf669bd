//go:build wasip1

// The guest of the jsonraw benchmarks: the host writes the input to the buffer's address, calls one export, and
// gets the output's length, or a negative number for an error.
package main

import (
	"unsafe"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/testdata/workload"
)

var (
	input  [64 << 10]byte
	output = make([]byte, 0, 64<<10)
	doc    jsonraw.Outline
	edits  = []jsonraw.Edit{
		{Op: jsonraw.Set, Path: []byte("model"), Value: []byte(`"other"`)},
		{Op: jsonraw.Set, Path: []byte("stream_options.include_usage"), Value: []byte("true")},
	}
)

//go:wasmexport buffer
func buffer() unsafe.Pointer { return unsafe.Pointer(&input) }

//go:wasmexport result
func result() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(output)) }

//go:wasmexport request
func request(n int32) int32 {
	out, err := workload.Request(output[:0], input[:n])
	return finish(out, err)
}

//go:wasmexport event
func event(n int32) int32 {
	out, err := workload.Event(output[:0], input[:n])
	return finish(out, err)
}

//go:wasmexport usage
func usage(n int32) int32 {
	tokens, _, err := workload.ChunkUsage(input[:n])
	if err != nil {
		return -1
	}
	return int32(tokens)
}

//go:wasmexport valid
func valid(n int32) int32 { return finish(output[:0], jsonraw.Valid(input[:n])) }

//go:wasmexport outline
func outline(n int32) int32 { return finish(output[:0], doc.Read(input[:n])) }

//go:wasmexport compact
func compact(n int32) int32 { return finish(jsonraw.Compact(output[:0], input[:n]), nil) }

//go:wasmexport quoted
func quoted(n int32) int32 { return finish(jsonraw.AppendQuoted(output[:0], input[:n]), nil) }

//go:wasmexport splice
func splice(n int32) int32 {
	out, err := jsonraw.Splice(output[:0], input[:n], edits)
	return finish(out, err)
}

func finish(out []byte, err error) int32 {
	if err != nil {
		return -1
	}
	output = out
	return int32(len(out))
}

func main() {}
