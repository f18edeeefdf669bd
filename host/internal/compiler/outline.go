package compiler

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
)

// outlineVersion changes whenever the same module gets another outline.
const outlineVersion = 1

// Sections of a module that an outline has of its own.
const (
	customSection = 0
	codeSection   = 10
)

// outlineSection is the name of the custom section that ties an outline to its module.
const outlineSection = "switchyard.outline"

var preamble = []byte("\x00asm\x01\x00\x00\x00")

var errCutShort = errors.New("outlining it: a section is cut short")

// trap is a function body without locals: unreachable, end. It is valid for every type.
const trap = "\x03\x00\x00\x0b"

// outline returns a module which has all of module but the bodies of its functions: each of these traps. It is what the
// machine code of module is kept for.
//
// A runtime decodes and validates a module before it looks for its code, which for one of 5 MB took a processor of the
// process that serves for a fifth of a second; and it keeps the bytes as long as the code. It does not need the bodies for
// either, and the process that made the code of them has validated them. The hash of the module is in the outline, as the
// runtime knows code by the module's bytes, and builds of one program often differ in nothing but bodies.
//
// A runtime that finds no code for an outline makes some of its traps. Such a plugin does not start, and is refused.
func outline(module []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(module, preamble)
	if !ok {
		return nil, errors.New("outlining it: it is no module")
	}
	out := append(make([]byte, 0, len(module)/2), preamble...)
	for len(rest) > 0 {
		body, next, ok := sized(rest[1:])
		if !ok {
			return nil, errCutShort
		}
		if rest[0] == codeSection {
			n, width := binary.Uvarint(body)
			if width <= 0 || n > uint64(len(body)) {
				return nil, errCutShort
			}
			out = append(out, codeSection)
			out = binary.AppendUvarint(out, uint64(width)+n*uint64(len(trap)))
			out = append(out, body[:width]...)
			for range n {
				out = append(out, trap...)
			}
		} else {
			out = append(out, rest[:len(rest)-len(next)]...)
		}
		rest = next
	}
	sum := sha256.Sum256(module)
	name := append(binary.AppendUvarint(nil, uint64(len(outlineSection))), outlineSection...)
	out = append(out, customSection)
	out = binary.AppendUvarint(out, uint64(len(name)+len(sum)))
	return append(append(out, name...), sum[:]...), nil
}

// sized cuts a length in LEB128, and as many bytes, off b.
func sized(b []byte) (body, rest []byte, ok bool) {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > math.MaxUint32 || n > uint64(len(b)-width) {
		return nil, nil, false
	}
	end := width + int(n)
	return b[width:end], b[end:], true
}
