package http1

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
)

// bufferSize is what a request's head, with a small body, and an answer's head should fit into.
const bufferSize = 8 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:0] }

// putBuffer takes a buffer back, unless it has grown.
func putBuffer(b []byte) {
	if cap(b) == bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}

// errRequest is a request that would not be one on the wire.
var errRequest = errors.New("the request line or a header has a byte that may not stand there")

// appendHead appends the request line and the headers. The caller has checked what they say; here it is only made sure
// that nothing ends a line early.
func appendHead(dst []byte, host string, r *Request) ([]byte, error) {
	for _, part := range [...]string{r.Method, r.URI, host} {
		if part == "" || !clean(part, ' '+1) {
			return dst, errRequest
		}
	}
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, r.URI...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	dst = append(dst, '\r', '\n')
	for name, values := range r.Header {
		if name == "" || !clean(name, ' '+1) {
			return dst, errRequest
		}
		for _, v := range values {
			if !clean(v, ' ') {
				return dst, errRequest
			}
			dst = append(dst, name...)
			dst = append(dst, ':', ' ')
			dst = append(dst, v...)
			dst = append(dst, '\r', '\n')
		}
	}
	if r.length() > 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(r.length()), 10)
		dst = append(dst, '\r', '\n')
	}
	return append(dst, '\r', '\n'), nil
}

// clean reports whether s has no byte below lowest, but for tabs, and no DEL.
func clean(s string, lowest byte) bool {
	for i := range len(s) {
		if c := s[i]; c < lowest && (c != '\t' || lowest > ' ') || c == 0x7f {
			return false
		}
	}
	return true
}
