package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/mark"
)

// client is one connection, which is dialled anew when the server closed it.
type client struct {
	opt     *Options
	request []byte
	tally   *tally
	conn    net.Conn
	in      answer
	scan    mark.Scanner
	body    []byte // of an answer that came in several pieces
	tail    []byte // the end of a stream
}

// render builds the bytes of a request.
func render(o *Options) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n", o.Path, o.Address, strconv.Itoa(len(o.Body)))
	for _, line := range o.Headers {
		b.WriteString(line + "\r\n")
	}
	return []byte(b.String() + "\r\n" + o.Body)
}

func (c *client) dial(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.opt.Address)
	if err != nil {
		return fmt.Errorf("dialling %s: %w", c.opt.Address, err)
	}
	c.conn = conn
	size := 16 << 10
	if c.opt.Stream {
		size = 4 << 10 // there are thousands
	}
	c.in.r = bufio.NewReaderSize(conn, size)
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is kept in it
		c.conn = nil
	}
}

// exchange sends the request and reads its answer, which began at from on the record.
func (c *client) exchange(ctx context.Context) error {
	if c.conn == nil {
		if err := c.dial(ctx); err != nil {
			return err
		}
	}
	from := time.Now()
	_, err := c.conn.Write(c.request)
	if err == nil {
		err = c.receive(from)
	}
	if err != nil || c.in.closes {
		c.close()
	}
	return err
}

func (c *client) receive(from time.Time) error {
	if err := c.in.begin(); err != nil {
		return err
	}
	if c.in.status != 200 {
		piece, _ := c.in.next()
		c.in.closes = true
		return fmt.Errorf("status %d: %.200q", c.in.status, piece)
	}
	if c.opt.Stream {
		return c.stream(from)
	}
	if err := c.whole(); err != nil {
		return err
	}
	if c.tally.counting.Load() {
		c.tally.answers.Add(1)
		c.tally.latency.add(time.Since(from) - c.opt.Less)
	}
	return nil
}

// whole reads an unstreamed answer and checks that it is the mock's.
func (c *client) whole() error {
	piece, err := c.in.next()
	if err != nil {
		return fmt.Errorf("an empty answer: %w", err)
	}
	found := bytes.Contains(piece, []byte(mark.Plain))
	c.body = c.body[:0]
	for {
		if !found {
			c.body = append(c.body, piece...)
		}
		if piece, err = c.in.next(); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if !found && !bytes.Contains(c.body, []byte(mark.Plain)) {
		return fmt.Errorf("not the mock's answer: %.200q", c.body)
	}
	return nil
}

// stream reads a stream to its end and checks that each token came once and in order.
func (c *client) stream(from time.Time) error {
	c.tally.open.Add(1)
	defer c.tally.open.Add(-1)
	c.scan.Reset()
	c.tail = c.tail[:0]
	began := c.tally.counting.Load()
	next := 0
	var now time.Time
	var counting, disorder bool
	found := func(sent int64, n int) {
		disorder = disorder || n != next
		if n == 0 && began {
			c.tally.first.add(now.Sub(from))
		}
		next++
		if counting {
			c.tally.tokens.Add(1)
			c.tally.transit.add(time.Duration(now.UnixNano() - sent))
		}
	}
	for {
		piece, err := c.in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("a stream after %d of %d tokens: %w", next, c.opt.Tokens, err)
		}
		now, counting = time.Now(), c.tally.counting.Load()
		if !c.scan.Scan(piece, found) {
			return fmt.Errorf("a stream after %d of %d tokens: a token is no longer what was sent", next, c.opt.Tokens)
		}
		c.keep(piece)
	}
	switch {
	case disorder || next != c.opt.Tokens:
		return fmt.Errorf("a stream has %d tokens of %d, in order: %v", next, c.opt.Tokens, !disorder)
	case !bytes.Contains(c.tail, []byte("[DONE]")):
		return fmt.Errorf("a stream ends with %q", c.tail)
	}
	c.tally.streams.Add(1)
	if began {
		c.tally.answers.Add(1)
		c.tally.latency.add(time.Since(from))
	}
	return nil
}

const tailSize = 64

// keep holds on to the last bytes of a stream.
func (c *client) keep(piece []byte) {
	if len(piece) >= tailSize {
		c.tail = append(c.tail[:0], piece[len(piece)-tailSize:]...)
		return
	}
	if over := len(c.tail) + len(piece) - tailSize; over > 0 {
		c.tail = c.tail[:copy(c.tail, c.tail[over:])]
	}
	c.tail = append(c.tail, piece...)
}
