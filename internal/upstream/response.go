package upstream

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// Response is a vendor's answer whose body has not been read yet. It belongs to one goroutine, except that Close may be
// called from another.
type Response struct {
	Status int
	// Header is as received, but without Content-Encoding and Content-Length when the body was compressed.
	Header http.Header
	// Body gives bytes as they arrive, decoded, and then io.EOF; every other error is an [*Error]. A body that was
	// read to its end leaves the connection for the next request; one that is closed earlier closes the connection
	// (or, with HTTP/2, resets the stream).
	Body io.ReadCloser
	// length is the number of bytes to come, -1 if unknown.
	length int64
}

const opBody = "read the response body"

// newResponse takes what came. The body is still as it was encoded.
func newResponse(ctx context.Context, status int, header http.Header, length int64, body io.ReadCloser) *Response {
	r := &struct { // in one piece
		Response
		wire wireBody
	}{Response{Status: status, Header: header, length: length}, wireBody{ctx: ctx, rc: body}}
	r.Body = &r.wire
	return &r.Response
}

// decode undoes the content-encoding. After an error the response is closed.
func (r *Response) decode() error {
	coding := r.Header.Get("Content-Encoding")
	if isIdentity(coding) {
		return nil
	}
	decoded, err := newDecodedBody(r.Body.(*wireBody), coding)
	if err != nil {
		_ = r.Close()
		return err
	}
	r.Body, r.length = decoded, -1
	r.Header.Del("Content-Encoding")
	r.Header.Del("Content-Length")
	return nil
}

// Close gives the response up. It may be called more than once.
func (r *Response) Close() error { return r.Body.Close() }

// firstAlloc bounds what a claimed length alone makes ReadAll allocate.
const firstAlloc = 1 << 20

// ReadAll reads the whole body, without blank bytes around it, and closes the response. A body of more than limit bytes
// is an [Error] of kind [TooLarge], one that the connection cut short of kind [Truncated].
func (r *Response) ReadAll(limit int) ([]byte, error) {
	defer func() { _ = r.Body.Close() }()
	if r.length > int64(limit) {
		return nil, tooLarge(opBody, "the body", limit)
	}
	size := 4 << 10
	if r.length >= 0 {
		size = int(min(r.length, firstAlloc))
	}
	// One byte more than expected, so that the end is seen without growing.
	buf := make([]byte, 0, size+1)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return nil, tooLarge(opBody, "the body", limit)
		case err == io.EOF:
			return bytes.TrimSpace(buf), nil
		case err != nil:
			return nil, err
		}
	}
}

// wireBody is the body as it comes from the transport, with classified errors.
type wireBody struct {
	ctx    context.Context // a body lives exactly as long as its request
	rc     io.ReadCloser
	closed atomic.Bool
}

func (b *wireBody) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.EOF itself is the end, one that is wrapped is a failure
		if b.closed.Load() && b.ctx.Err() == nil {
			return n, &Error{Kind: Canceled, Op: opBody, Detail: "the response was closed while it was read"}
		}
		err = classify(b.ctx, opBody, err, true)
	}
	return n, err
}

func (b *wireBody) Close() error {
	b.closed.Store(true)
	return b.rc.Close()
}
