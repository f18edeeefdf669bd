package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// answer reads one HTTP answer after the other from a connection, its body in pieces as they come.
type answer struct {
	r      *bufio.Reader
	status int
	left   int64 // of the body, or of the current part when chunked
	parts  bool  // chunked
	within bool  // a part was begun, so its end has to be read
	till   bool  // the body ends with the connection
	closes bool  // the server closes after this answer
	piece  int   // bytes of r that the last piece took
}

// begin reads a head.
func (a *answer) begin() error {
	line, err := a.line()
	if err != nil {
		return fmt.Errorf("reading the status line: %w", err)
	}
	if len(line) < 12 || string(line[:7]) != "HTTP/1." {
		return fmt.Errorf("the status line is %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return fmt.Errorf("the status line is %q", line)
	}
	a.left, a.parts, a.within, a.till, a.closes, a.piece = -1, false, false, false, false, 0
	for {
		line, err := a.line()
		if err != nil {
			return fmt.Errorf("reading the head: %w", err)
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
			if a.left, err = strconv.ParseInt(string(value), 10, 64); err != nil || a.left < 0 {
				return fmt.Errorf("the length is %q", value)
			}
		case len(name) == 17 && bytes.EqualFold(name, []byte("transfer-encoding")):
			a.parts = bytes.EqualFold(value, []byte("chunked"))
		case len(name) == 10 && bytes.EqualFold(name, []byte("connection")):
			a.closes = bytes.EqualFold(value, []byte("close"))
		}
	}
	switch {
	case a.parts:
		a.left = 0
	case a.left < 0:
		a.till = true
	}
	return nil
}

// next returns what of the body is there, waiting for a byte at least; [io.EOF] after its end. A piece is valid until
// the next call.
func (a *answer) next() ([]byte, error) {
	if a.piece > 0 {
		if _, err := a.r.Discard(a.piece); err != nil {
			return nil, err
		}
		a.piece = 0
	}
	if a.left == 0 && a.parts {
		if err := a.part(); err != nil {
			return nil, err
		}
	}
	if a.left == 0 {
		return nil, io.EOF
	}
	if a.r.Buffered() == 0 {
		if _, err := a.r.Peek(1); err != nil {
			if a.till && errors.Is(err, io.EOF) {
				return nil, io.EOF
			}
			return nil, fmt.Errorf("reading the body: %w", short(err))
		}
	}
	n := a.r.Buffered()
	if !a.till {
		n = int(min(int64(n), a.left))
		a.left -= int64(n)
	}
	a.piece = n
	piece, _ := a.r.Peek(n) // it is buffered
	return piece, nil
}

// part reads up to the next part of a chunked body; left stays 0 after the last.
func (a *answer) part() error {
	if a.within {
		if line, err := a.line(); err != nil || len(line) != 0 {
			return fmt.Errorf("reading the end of a part: %q, %w", line, short(err))
		}
		a.within = false
	}
	line, err := a.line()
	if err != nil {
		return fmt.Errorf("reading the size of a part: %w", short(err))
	}
	size, _, _ := bytes.Cut(line, []byte(";"))
	if a.left, err = strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64); err != nil {
		return fmt.Errorf("the size of a part is %q", line)
	}
	if a.left > 0 {
		a.within = true
		return nil
	}
	a.parts = false
	for { // trailers
		line, err := a.line()
		if err != nil {
			return fmt.Errorf("reading the end of the body: %w", short(err))
		}
		if len(line) == 0 {
			return nil
		}
	}
}

func (a *answer) line() ([]byte, error) {
	line, err := a.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// short says that an end came too early.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
