package decisionlog

import (
	"encoding/binary"
	"math/bits"
)

// appendWord writes a number of which some bytes at its ends are zero as
//
//	u8 leading zero bytes << 4 | trailing zero bytes | the bytes between, little-endian
//
// Zero has eight of the former and none of the latter.
func appendWord(dst []byte, w uint64) []byte {
	high := bits.LeadingZeros64(w) / 8
	low := bits.TrailingZeros64(w) / 8
	if w == 0 {
		low = 0
	}
	n := 8 - high - low
	dst = append(dst, byte(high<<4|low))
	dst = le.AppendUint64(dst, w>>(8*low))
	return dst[:len(dst)-8+n]
}

// appendText writes what follows after the bytes that a text has in common with an earlier one:
//
//	uvarint how many these are << 1 | uvarint the length of the rest << 1 | 1 if it is in hex | the rest
//
// A rest in hex, as IDs have it, takes half of its length.
func appendText[T string | []byte](dst []byte, was T, s string) []byte {
	same := 0
	for same < min(len(was), len(s)) && was[same] == s[same] {
		same++
	}
	if rest := s[same:]; len(rest) >= minHex {
		from := same
		if len(rest)%2 != 0 && from > 0 {
			from--
		}
		at := len(dst)
		dst = binary.AppendUvarint(dst, uint64(from)<<1)
		dst = binary.AppendUvarint(dst, uint64((len(s)-from)/2)<<1|1)
		var ok bool
		if dst, ok = appendHex(dst, s[from:]); ok {
			return dst
		}
		dst = dst[:at]
	}
	dst = binary.AppendUvarint(dst, uint64(same)<<1)
	dst = binary.AppendUvarint(dst, uint64(len(s)-same)<<1)
	return append(dst, s[same:]...)
}

// minHex is from what length on it is looked whether a text is in hex.
const minHex = 8

// appendHex decodes a text, unless it is not in hex as this package writes it.
func appendHex(dst []byte, s string) (_ []byte, ok bool) {
	if len(s)%2 != 0 {
		return dst, false
	}
	for i := 0; i < len(s); i += 2 {
		high, low := digits[s[i]], digits[s[i+1]]
		if high|low > 0xf {
			return dst, false
		}
		dst = append(dst, high<<4|low)
	}
	return dst, true
}

// digits are the values of hex digits; what is none has a larger one.
var digits = func() (v [256]byte) {
	for c := range v {
		v[c] = 0xff
	}
	for i, c := range "0123456789abcdef" {
		v[c] = byte(i)
	}
	return v
}()
