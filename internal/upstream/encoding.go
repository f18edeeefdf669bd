package upstream

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
)

// isIdentity reports whether a Content-Encoding leaves the body as it is.
func isIdentity(coding string) bool {
	return coding == "" || strings.EqualFold(coding, "identity")
}

// decodedBody undoes a content-encoding that the vendor applied although it was asked not to. It reads nothing before the
// first Read, so that headers can be acted upon while a stream has not begun.
type decodedBody struct {
	wire *wireBody
	src  *bufio.Reader
	open func(*bufio.Reader) (io.Reader, error)
	r    io.Reader
}

func newDecodedBody(wire *wireBody, coding string) (*decodedBody, error) {
	d := &decodedBody{wire: wire, src: bufio.NewReader(wire)}
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "gzip", "x-gzip":
		d.open = func(r *bufio.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case "deflate":
		d.open = openDeflate
	default:
		return nil, malformed(opBody, "it has a content-encoding that was not asked for and cannot be decoded")
	}
	return d, nil
}

// openDeflate reads zlib, which the name stands for, and bare deflate, which some servers send under it.
func openDeflate(r *bufio.Reader) (io.Reader, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(r)
	}
	return flate.NewReader(r), nil
}

func (d *decodedBody) Read(p []byte) (int, error) {
	if d.r == nil {
		if _, err := d.src.Peek(1); err != nil {
			return 0, err // an empty body, or the wire's own error
		}
		r, err := d.open(d.src)
		if err != nil {
			return 0, d.failure(err)
		}
		d.r = r
	}
	n, err := d.r.Read(p)
	if err == io.EOF { //nolint:errorlint // an *Error of the wire may have io.EOF as its cause, and is no end
		return n, d.finish()
	}
	if err != nil {
		err = d.failure(err)
	}
	return n, err
}

// finish reads what follows the compressed data, normally nothing, so that the connection can be used again.
func (d *decodedBody) finish() error {
	const tolerated = 4 << 10
	if _, err := io.CopyN(io.Discard, d.src, tolerated); err != nil {
		return err // io.EOF is what is wanted
	}
	return malformed(opBody, "there are bytes after the compressed body")
}

// failure tells a body that was cut from one that is not what its encoding says.
func (d *decodedBody) failure(err error) error {
	if KindOf(err) != Unknown {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return &Error{Kind: Truncated, Op: opBody, Detail: "the compressed body ended too early", causes: []error{io.ErrUnexpectedEOF}}
	}
	return malformed(opBody, "the compressed body is damaged")
}

func (d *decodedBody) Close() error { return d.wire.Close() }
