// Package mark writes and finds the marks by which the load generator knows a token of the mock vendor again, whatever a
// gateway made of the event around it: when it was sent, and which of its stream it is.
package mark

import (
	"bytes"
	"time"
)

// Plain stands in every unstreamed answer.
const Plain = "answer-of-the-mock"

// A mark is '@', the nanoseconds of the Unix time in 19 digits, '.', and the number of the token in 6. Both processes
// are on one machine, so their clocks are one.
const (
	Size   = 1 + stamp + 1 + number
	stamp  = 19
	number = 6
)

// Put writes a mark over the first Size bytes of b.
func Put(b []byte, sent time.Time, n int) {
	b[0], b[1+stamp] = '@', '.'
	digits(b[1:1+stamp], sent.UnixNano())
	digits(b[2+stamp:Size], int64(n))
}

func digits(b []byte, v int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
}

// Scanner finds marks in a byte stream that comes in pieces. The zero value is ready for use.
type Scanner struct {
	held [Size]byte // the beginning of a mark that a piece ended in
	n    int
}

// Scan calls found for each mark that ends in this piece: the nanoseconds at which it was sent, and its number. It
// returns false when what follows an '@' is no mark.
func (s *Scanner) Scan(piece []byte, found func(sent int64, n int)) bool {
	for {
		if s.n == 0 {
			at := bytes.IndexByte(piece, '@')
			if at < 0 {
				return true
			}
			piece = piece[at:]
			if len(piece) >= Size {
				if !parse(piece[:Size], found) {
					return false
				}
				piece = piece[Size:]
				continue
			}
		}
		took := copy(s.held[s.n:], piece)
		s.n += took
		piece = piece[took:]
		if s.n < Size {
			return true
		}
		s.n = 0
		if !parse(s.held[:], found) {
			return false
		}
	}
}

// Reset forgets the beginning of a mark.
func (s *Scanner) Reset() { s.n = 0 }

func parse(b []byte, found func(int64, int)) bool {
	sent, ok := value(b[1 : 1+stamp])
	n, also := value(b[2+stamp : Size])
	if !ok || !also || b[1+stamp] != '.' {
		return false
	}
	found(sent, int(n))
	return true
}

func value(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}
