package scan

import "math/bits"

// Words with the same in each of their eight bytes.
const (
	LowBits  = 0x0101010101010101
	HighBits = 0x8080808080808080
	Quotes   = LowBits * '"'
	Slashes  = LowBits * '\\'
)

// Load8 reads eight bytes as a little-endian word; the compiler makes one load of it.
func Load8[T ~string | ~[]byte](s T, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// Load4 is Load8 for four bytes.
func Load4[T ~string | ~[]byte](s T, i int) uint64 {
	b := s[i : i+4]
	return uint64(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
}

// loadTail reads the bytes of s from i on, fewer than eight, as the low end of a little-endian word whose other
// bytes are x. It exists because a loop over single bytes is slow in a guest, where each jump costs.
func loadTail[T ~string | ~[]byte](s T, i int) uint64 {
	const pad = LowBits * 'x'
	n := uint(len(s) - i)
	if len(s) >= 8 {
		return Load8(s, len(s)-8)>>(64-8*n) | pad<<(8*n)
	}
	w, shift := uint64(0), uint(0)
	if n&4 != 0 {
		w, shift = Load4(s, i), 32
		i += 4
	}
	if n&2 != 0 {
		w |= (uint64(s[i]) | uint64(s[i+1])<<8) << shift
		i += 2
		shift += 16
	}
	if n&1 != 0 {
		w |= uint64(s[i]) << shift
	}
	return w | pad<<(8*n)
}

// ZeroBytes sets the high bit of each byte of w that is zero. Bytes above the lowest zero byte may be marked
// wrongly, so only the lowest mark, or whether there is one, may be used.
func ZeroBytes(w uint64) uint64 { return (w - LowBits) &^ w & HighBits }

// Below20 marks in the same way the bytes that are control characters.
func Below20(w uint64) uint64 { return (w - LowBits*0x20) &^ w & HighBits }

// Special marks in the same way the bytes which do not stand for themselves in a string: quotes, backslashes and control
// characters. With its second bit turned a quote is a space, and no other byte comes to be one or less but control
// characters, so that one comparison finds both.
func Special(w uint64) uint64 {
	return (((w ^ LowBits*0x02) - LowBits*0x21) | ((w ^ Slashes) - LowBits)) &^ w & HighBits
}

// IndexSlash returns the offset of the first backslash from i on, or the length of s, and whether all before it is
// ASCII. It may say that it is not because of a byte further on.
func IndexSlash(s []byte, i int) (end int, ascii bool) {
	high := uint64(0)
	for i+8 <= len(s) {
		w := Load8(s, i)
		high |= w
		if hit := ZeroBytes(w ^ Slashes); hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3, high&HighBits == 0
		}
		i += 8
	}
	if i < len(s) {
		w := loadTail(s, i)
		high |= w
		if hit := ZeroBytes(w ^ Slashes); hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3, high&HighBits == 0
		}
	}
	return len(s), high&HighBits == 0
}

// IndexSpecial returns the offset of the first byte from i on that is a backslash or not ASCII and so may need
// decoding, or the length of s.
func IndexSpecial(s []byte, i int) int {
	for i+8 <= len(s) {
		w := Load8(s, i)
		if hit := ZeroBytes(w^Slashes) | w&HighBits; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
		i += 8
	}
	if i < len(s) {
		w := loadTail(s, i)
		if hit := ZeroBytes(w^Slashes) | w&HighBits; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
	}
	return len(s)
}

// IndexUnsafe returns the offset of the first byte from i on that needs an escape or is not ASCII, or the
// length of s.
func IndexUnsafe[T ~string | ~[]byte](s T, i int) int {
	for i+8 <= len(s) {
		w := Load8(s, i)
		if hit := Special(w) | w&HighBits; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
		i += 8
	}
	if i < len(s) {
		w := loadTail(s, i)
		if hit := Special(w) | w&HighBits; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
	}
	return len(s)
}

// IndexToken returns the offset of the first byte from i on that is a quote, a space or a control character, or
// the length of s.
func IndexToken(s []byte, i int) int {
	for i+8 <= len(s) {
		w := Load8(s, i)
		if hit := ZeroBytes(w^Quotes) | (w-LowBits*0x21)&^w&HighBits; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
		i += 8
	}
	for i < len(s) && s[i] > ' ' && s[i] != '"' {
		i++
	}
	return i
}

// SkipBlank skips what text outside strings does not need. Control characters that are not white space do not
// occur there, but would break the string if they did.
func SkipBlank(s []byte, i int) int {
	for i < len(s) && s[i] <= ' ' {
		i++
	}
	return i
}

// IndexEscaped returns the offset of the first byte from i on that needs an escape, or the length of s.
func IndexEscaped(s []byte, i int) int {
	for i+8 <= len(s) {
		w := Load8(s, i)
		if hit := Special(w); hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
		i += 8
	}
	if i < len(s) {
		w := loadTail(s, i)
		if hit := Special(w); hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
	}
	return len(s)
}
