// Package socket reads and writes TCP connections without Go's scheduler being told. Import it where most of a
// connection's messages are small and its process is often idle: a system call that can't wait needs nobody to watch
// it, and waking the watcher of a process that was idle costs more than the call itself.
package socket

import (
	"io"
	"net"
)

// Wrap returns a connection that costs less than c if c is one of TCP and the system is known, else c. It is used in
// place of c from then on, by one reader and one writer at a time. Close and deadlines may come from anywhere.
func Wrap(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	return wrap(tcp)
}

// Quiet reports, without waiting, whether a connection of [Wrap] that nobody reads is as it should be while nothing is
// expected: open, and with nothing to read. What is found to read is lost. Of others nothing is known, so they count as quiet.
func Quiet(c net.Conn) bool {
	q, ok := c.(interface{ quiet() bool })
	return !ok || q.quiet()
}

// WriteAll writes all pieces to a connection that may be one of Wrap, in one go if it can. It uses pieces up.
func WriteAll(w io.Writer, pieces *net.Buffers) (int64, error) {
	if c, ok := w.(interface{ plain() *net.TCPConn }); ok {
		return pieces.WriteTo(c.plain())
	}
	return pieces.WriteTo(w)
}

// Listen returns a listener whose connections are those of [Wrap].
func Listen(ln net.Listener) net.Listener { return listener{ln} }

type listener struct{ net.Listener }

// Accept waits for the next connection.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Wrap(c), nil
}
