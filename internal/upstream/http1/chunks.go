package http1

// chunks takes apart the frames of a chunked body (RFC 9112, section 7.1), however the network has cut it. Lines must end
// in CR LF. Trailers are read and dropped.
type chunks struct {
	state  chunkState
	left   uint64 // of the current chunk
	digits int    // of its length
	// excess is how many bytes of frames have come beyond what small chunks need.
	excess int64
}

type chunkState uint8

const (
	chunkSize     chunkState = iota // in the digits of a length
	chunkBlank                      // in blanks behind them
	chunkExt                        // in an extension, up to CR
	chunkSizeLF                     // before the LF of that line
	chunkData                       // in a chunk
	chunkCR                         // before the CR behind it
	chunkLF                         // before the LF behind that
	trailerBegin                    // at the beginning of a line behind the last chunk
	trailerName                     // in such a line, before the colon
	trailerLine                     // behind it
	trailerLineLF                   // before its LF
	trailerEndLF                    // before the LF of the empty line at the end
	chunksEnd
	chunksBad
)

const (
	maxDigits = 15 // of a chunk's length
	// maxExcess bounds extensions and trailers, and how wasteful small chunks may be.
	maxExcess = 16 << 10
	// What a chunk's frame may take without counting: a length, two line ends, a short extension. Large chunks may have
	// larger ones.
	freeFrame = 16
)

// strip moves the data in p to its front and returns how much that is, and how many bytes of p belong to the body. They
// are all, unless the state is an end.
func (c *chunks) strip(p []byte) (out, used int) {
	for used < len(p) {
		if c.state == chunkData {
			n := int(min(uint64(len(p)-used), c.left))
			if out != used {
				copy(p[out:], p[used:used+n])
			}
			out, used = out+n, used+n
			if c.left -= uint64(n); c.left == 0 {
				c.state = chunkCR
			}
			continue
		}
		c.frame(p[used])
		used++
		if c.state >= chunksEnd {
			break
		}
	}
	return out, used
}

// frame takes one byte that is no data.
func (c *chunks) frame(b byte) {
	c.excess++
	next := chunksBad
	switch c.state {
	case chunkSize:
		next = c.size(b)
	case chunkBlank:
		next = after(b == '\r', chunkSizeLF, after(b == ' ' || b == '\t', chunkBlank, chunksBad))
	case chunkExt:
		next = text(b, chunkExt, chunkSizeLF)
	case chunkSizeLF:
		if b == '\n' {
			next = c.begin()
		}
	case chunkCR:
		next = after(b == '\r', chunkLF, chunksBad)
	case chunkLF:
		next = after(b == '\n', chunkSize, chunksBad)
	case trailerBegin:
		next = after(b == '\r', trailerEndLF, after(token[b], trailerName, chunksBad))
	case trailerName:
		next = after(b == ':', trailerLine, after(token[b], trailerName, chunksBad))
	case trailerLine:
		next = text(b, trailerLine, trailerLineLF)
	case trailerLineLF:
		next = after(b == '\n', trailerBegin, chunksBad)
	case trailerEndLF:
		next = after(b == '\n', chunksEnd, chunksBad)
	}
	if c.excess > maxExcess {
		next = chunksBad
	}
	c.state = next
}

func after(is bool, then, otherwise chunkState) chunkState {
	if is {
		return then
	}
	return otherwise
}

// text stays in a line up to its CR. Other control bytes have no place there.
func text(b byte, stay, end chunkState) chunkState {
	return after(b == '\r', end, after(b >= ' ' && b != 0x7f || b == '\t', stay, chunksBad))
}

// size takes a byte of a chunk's length, or what ends it.
func (c *chunks) size(b byte) chunkState {
	var v byte
	switch {
	case '0' <= b && b <= '9':
		v = b - '0'
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		v = b | 0x20 - 'a' + 10
	case c.digits == 0:
		return chunksBad
	case b == '\r':
		return chunkSizeLF
	case b == ';':
		return chunkExt
	case b == ' ' || b == '\t':
		return chunkBlank
	default:
		return chunksBad
	}
	if c.digits++; c.digits > maxDigits {
		return chunksBad
	}
	c.left = c.left<<4 | uint64(v)
	return chunkSize
}

// begin starts a chunk whose length is known.
func (c *chunks) begin() chunkState {
	c.digits = 0
	if c.left == 0 {
		return trailerBegin
	}
	c.excess = max(c.excess-freeFrame-2*int64(min(c.left, 1<<40)), 0)
	return chunkData
}
