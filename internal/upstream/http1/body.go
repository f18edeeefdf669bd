package http1

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// framing is how the end of a body is found (RFC 9112, section 6.3).
type framing uint8

const (
	nothing framing = iota // there is no body
	sized                  // Content-Length
	chunked                // Transfer-Encoding: chunked
	toClose                // the end of the connection
)

// frame finds out how the body is framed.
func (x *exchange) frame(resp *Response, toHead bool) error {
	lengths, codings := resp.Header["Content-Length"], resp.Header["Transfer-Encoding"]
	length, err := contentLength(lengths)
	if err != nil {
		return err
	}
	if len(codings) > 0 && (len(codings) > 1 || !strings.EqualFold(codings[0], "chunked")) {
		return malformed("a transfer encoding other than chunked")
	}
	switch {
	case toHead || resp.Status == http.StatusNoContent || resp.Status == http.StatusNotModified:
		resp.Length = 0
	case resp.Status == http.StatusSwitchingProtocols:
		resp.Length, x.keep = 0, false
	case len(codings) > 0:
		// With a length beside it, the two may have been meant for different readers.
		x.body, x.keep = chunked, x.keep && len(lengths) == 0
		delete(resp.Header, "Content-Length")
	case length >= 0:
		x.body, x.left, resp.Length = sized, length, length
		if length == 0 {
			x.body = nothing
		}
	default:
		x.body, x.keep = toClose, false
	}
	if x.body == nothing && len(x.rest) > 0 || x.body == sized && int64(len(x.rest)) > length {
		x.keep = false // nobody asked for what follows
	}
	return nil
}

// contentLength reads the length, -1 for none. It may be there several times if it is the same.
func contentLength(values []string) (int64, error) {
	const digits = 18 // fit into an int64
	length := int64(-1)
	for _, v := range values {
		n := int64(0)
		if v == "" || len(v) > digits {
			return 0, malformed("a Content-Length")
		}
		for i := range len(v) {
			if v[i] < '0' || v[i] > '9' {
				return 0, malformed("a Content-Length")
			}
			n = n*10 + int64(v[i]-'0')
		}
		if length >= 0 && n != length {
			return 0, malformed("two lengths that differ")
		}
		length = n
	}
	return length, nil
}

// Read gives the body as it arrives. The end is told with the last bytes, if it is known by then.
func (x *exchange) Read(p []byte) (n int, err error) {
	if x.err != nil {
		return 0, x.err
	}
	if len(p) == 0 && x.body != nothing {
		return 0, nil
	}
	switch x.body {
	case sized:
		n, err = x.take(p[:min(int64(len(p)), x.left)])
		if x.left -= int64(n); x.left == 0 {
			err = io.EOF
		} else if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	case chunked:
		n, err = x.readChunks(p)
	case toClose:
		n, err = x.take(p)
	default:
		err = io.EOF
	}
	if err != nil {
		x.err = err
		if err == io.EOF { //nolint:errorlint // it was set here
			x.finish()
		} else {
			_ = x.Close()
		}
	}
	return n, err
}

// take reads the bytes that follow, first those that came with the head.
func (x *exchange) take(p []byte) (int, error) {
	if len(x.rest) > 0 {
		n := copy(p, x.rest)
		x.rest = x.rest[n:]
		return n, nil
	}
	if x.buf != nil {
		putBuffer(x.buf)
		x.buf, x.rest = nil, nil
	}
	return x.conn.stream.Read(p)
}

// readChunks reads what there is and takes the chunks' frames out of it, in place: nothing is kept back, so that a stream
// that waits holds no buffer here.
func (x *exchange) readChunks(p []byte) (int, error) {
	for {
		n, err := x.take(p)
		out, used := x.chunk.strip(p[:n])
		switch x.chunk.state {
		case chunksEnd:
			x.keep = x.keep && used == n && len(x.rest) == 0
			return out, io.EOF
		case chunksBad:
			return out, malformed("a chunk")
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if out > 0 || err != nil {
			return out, err
		}
	}
}
