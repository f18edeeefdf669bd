package server

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// bodyTime is how long a client may take to send its body.
const bodyTime = time.Minute

// awaitBody starts the time. net/http stops it at the end of the body, and not before: it reads
// what a handler left of a body before it sends the answer, and would wait for ever.
func (x *exchange) awaitBody() {
	if x.Request().ContentLength != 0 {
		_ = x.control.SetReadDeadline(x.start.Add(bodyTime)) // not every connection can
	}
}

// linger is how much more than the limit is read of a body that is too large. A client that is
// still writing when the connection closes might never read the answer.
const linger = 16 << 20

// body reads the whole request body. It is bounded before and after decompression.
func (x *exchange) body() ([]byte, error) {
	r, limit := x.Request(), x.s.opts.MaxBody
	compressed := false
	switch coding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		compressed = true
	default:
		return nil, refusal(http.StatusUnsupportedMediaType, typeRequest, "unsupported_content_encoding",
			"Request bodies may be sent as they are or with the content encoding gzip, not %q.", gateway.Clip(coding))
	}
	if r.ContentLength > limit && r.Header.Get("Expect") != "" {
		return nil, tooLarge(limit) // it has not been sent yet
	}
	body, err := readBody(r, limit, compressed)
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, errTooLarge):
		_, _ = io.CopyN(io.Discard, r.Body, linger)
		return nil, tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refusal(http.StatusRequestTimeout, typeRequest, "request_timeout", "The request body did not arrive within %s.", bodyTime)
	case errors.Is(err, errNotGzip):
		return nil, gateway.InvalidRequest("invalid_body", "", "The request body is not valid gzip, as its content encoding says.")
	case errors.Is(err, io.ErrUnexpectedEOF), x.Request().Context().Err() != nil:
		return nil, refusal(statusGone, typeRequest, "client_closed_request", "The client closed the request before its body was complete.")
	default:
		return nil, gateway.InvalidRequest("invalid_body", "", "The request body can't be read to its end.")
	}
}

func tooLarge(limit int64) *gateway.Error {
	return refusal(http.StatusRequestEntityTooLarge, typeRequest, "request_too_large", "request body is larger than %d bytes (server.max_body)", limit)
}

var (
	errTooLarge = errors.New("the body is too large")
	errNotGzip  = errors.New("the body is not gzip")
)

// firstRead is the buffer for a body of unknown length.
const firstRead = 8 << 10

func readBody(r *http.Request, limit int64, compressed bool) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	// The wire is bounded too: a gzip stream can go on for ever without giving a byte.
	wire := &bounded{r: r.Body, left: limit}
	if compressed {
		z, err := gzip.NewReader(wire)
		if err != nil {
			return nil, wire.blame(err)
		}
		body, err := readAll(&bounded{r: z, left: limit}, firstRead)
		if err != nil && !errors.Is(err, errTooLarge) {
			err = wire.blame(err)
		}
		return body, err
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(wire, body)
		return body, err
	}
	return readAll(wire, firstRead)
}

func readAll(r io.Reader, size int) ([]byte, error) {
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// bounded gives at most left bytes and then errTooLarge, if more are there.
type bounded struct {
	r    io.Reader
	left int64
	err  error // the reader's own, other than io.EOF
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > b.left {
		return int(b.left), errTooLarge
	}
	b.left -= int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// blame finds out why decompression failed: because of the connection, or of the bytes.
func (b *bounded) blame(err error) error {
	if b.err != nil {
		return b.err
	}
	if errors.Is(err, errTooLarge) {
		return err
	}
	return errNotGzip
}
