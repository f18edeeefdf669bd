package mock

import (
	"bytes"
	"errors"
	"net"
	"strconv"
)

// maxBody bounds what a request may hold, so that a broken contender does not take all memory.
const maxBody = 16 << 20

// request is valid until the next one is read.
type request struct {
	path   []byte
	stream bool // the body asks for a stream
}

// reader takes requests off a connection. buf holds what was read and not yet used.
type reader struct {
	conn net.Conn
	buf  []byte
	used int // bytes of buf that belong to the request handed out last
}

var (
	errHead  = errors.New("the head of a request is malformed or too long")
	errBody  = errors.New("the body of a request is malformed or too long")
	headEnd  = []byte("\r\n\r\n")
	lineEnd  = []byte("\r\n")
	lastPart = []byte("0\r\n\r\n")
)

func (r *reader) next() (request, error) {
	r.buf = r.buf[:copy(r.buf, r.buf[r.used:])]
	r.used = 0
	end := -1
	for end < 0 {
		if end = bytes.Index(r.buf, headEnd); end >= 0 {
			break
		}
		if len(r.buf) > 64<<10 {
			return request{}, errHead
		}
		if err := r.fill(); err != nil {
			return request{}, err
		}
	}
	body := end + len(headEnd)
	length, chunked, hold, err := framing(r.buf[:body])
	if err != nil {
		return request{}, err
	}
	if hold && len(r.buf) == body {
		if _, err := r.conn.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return request{}, err
		}
	}
	if chunked {
		// Contenders that send a body in parts send the last one last: where exactly parts begin need not be known.
		for !bytes.HasSuffix(r.buf[body:], lastPart) {
			if len(r.buf) > maxBody {
				return request{}, errBody
			}
			if err := r.fill(); err != nil {
				return request{}, err
			}
		}
		length = len(r.buf) - body
	}
	for len(r.buf) < body+length {
		if err := r.fill(); err != nil {
			return request{}, err
		}
	}
	r.used = body + length
	line, _, _ := bytes.Cut(r.buf[:end], lineEnd)
	_, line, _ = bytes.Cut(line, []byte(" "))
	path, _, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return request{}, errHead
	}
	return request{path: path, stream: streams(r.buf[body:r.used])}, nil
}

func (r *reader) fill() error {
	if len(r.buf) == cap(r.buf) {
		grown := make([]byte, len(r.buf), 4*cap(r.buf))
		copy(grown, r.buf)
		r.buf = grown
	}
	n, err := r.conn.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// framing reads off a head how its body is delimited, and whether the sender holds it back until asked.
func framing(head []byte) (length int, chunked, hold bool, err error) {
	_, rest, _ := bytes.Cut(head, lineEnd)
	for len(rest) > len(lineEnd) {
		var line []byte
		line, rest, _ = bytes.Cut(rest, lineEnd)
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch len(name) {
		case len("content-length"):
			if bytes.EqualFold(name, []byte("content-length")) {
				length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
				if err != nil || length < 0 || length > maxBody {
					return 0, false, false, errBody
				}
			}
		case len("transfer-encoding"):
			chunked = chunked || bytes.EqualFold(name, []byte("transfer-encoding"))
		case len("expect"):
			hold = hold || bytes.EqualFold(name, []byte("expect"))
		}
	}
	return length, chunked, hold, nil
}

// streams reports whether a JSON body has "stream": true in it, wherever: bodies of the benchmark say it at most once.
func streams(body []byte) bool {
	_, rest, ok := bytes.Cut(body, []byte(`"stream":`))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, " "), []byte("true"))
}
