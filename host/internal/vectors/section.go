package vectors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var magic = []byte("\x00asm\x01\x00\x00\x00")

// customSection is the id of sections that mean nothing to WebAssembly itself.
const customSection = 0

// section is one section of a module; its slices alias the module.
type section struct {
	whole   []byte
	vectors bool
	payload []byte // of a section of vectors, behind the name
}

// sections yields a module's sections in order. An error is the last that is yielded.
func sections(module []byte) iter.Seq2[section, error] {
	return func(yield func(section, error) bool) {
		rest, ok := bytes.CutPrefix(module, magic)
		if !ok {
			yield(section{}, fmt.Errorf("it is not a WebAssembly 1.0 module: it starts with %q", module[:min(len(module), len(magic))]))
			return
		}
		for len(rest) > 0 {
			body, next, ok := sized(rest[1:])
			if !ok {
				yield(section{}, fmt.Errorf("its section at byte %d is cut short", len(module)-len(rest)))
				return
			}
			s := section{whole: rest[:len(rest)-len(next)]}
			if rest[0] == customSection {
				name, payload, ok := sized(body)
				s.vectors, s.payload = ok && string(name) == abi.VectorsSection, payload
			}
			if !yield(s, nil) {
				return
			}
			rest = next
		}
	}
}

// sized cuts a length in LEB128, and as many bytes, off b.
func sized(b []byte) (body, rest []byte, ok bool) {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > math.MaxUint32 || n > uint64(len(b)-width) {
		return nil, nil, false
	}
	end := width + int(n)
	return b[width:end:end], b[end:], true
}

// appendSized appends a body behind its length.
func appendSized(dst, body []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(body))), body...)
}
