package compiler

import (
	"encoding/binary"
	"slices"
)

// module encodes a strategy that keeps the contract, with one more function of the given body: its locals, then its
// code.
func module(body []byte) []byte {
	const (
		none, i32toI32, toI64, i32toI64 = 0, 1, 2, 3
	)
	functions := []struct {
		name string
		kind byte
		code []byte
	}{
		{"switchyard_abi_1", none, []byte{0, 0x0b}},
		{"input", i32toI32, []byte{0, 0x41, 0, 0x0b}},
		{"describe", toI64, []byte{0, 0x42, 0, 0x0b}},
		{"configure", i32toI64, []byte{0, 0x42, 0, 0x0b}},
		{"score", i32toI64, []byte{0, 0x42, 0, 0x0b}},
		{"", i32toI32, body},
	}
	kinds, code := []byte{byte(len(functions))}, []byte{byte(len(functions))}
	exports := append([]byte{byte(len(functions))}, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0)
	for i, f := range functions {
		kinds = append(kinds, f.kind)
		code = append(binary.AppendUvarint(code, uint64(len(f.code))), f.code...)
		if f.name != "" {
			exports = append(append(append(exports, byte(len(f.name))), f.name...), 0, byte(i))
		}
	}
	m := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id   byte
		body []byte
	}{
		{1, []byte{4, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 0, 1, 0x7e, 0x60, 1, 0x7f, 1, 0x7e}},
		{3, kinds}, {5, []byte{1, 0, 1}}, {7, exports}, {10, code},
	} {
		m = append(binary.AppendUvarint(append(m, s.id), uint64(len(s.body))), s.body...)
	}
	return m
}

// small is the body of a function that returns its argument.
var small = []byte{0, 0x20, 0, 0x0b}

// bomb is a body of the given size, the code of which takes long, and much memory, to compile: values that live from end to
// end, and blocks that all may skip to.
func bomb(size int) []byte {
	const locals = 200
	body := append(binary.AppendUvarint([]byte{1}, locals), 0x7f)
	for n := 0; len(body) < size; n++ {
		from, to := 1+n%locals, 1+(n*7+3)%locals
		body = append(body, 0x02, 0x40, 0x20) // block, local.get
		body = binary.AppendUvarint(body, uint64(from))
		body = append(body, 0x0d, 0, 0x20) // br_if 0, local.get
		body = binary.AppendUvarint(body, uint64(from))
		body = append(body, 0x20, 0, 0x6a, 0x21) // local.get 0, i32.add, local.set
		body = binary.AppendUvarint(body, uint64(to))
		body = append(body, 0x0b) // end
	}
	return slices.Concat(body, []byte{0x20, 1, 0x0b})
}
