//go:build unix

package http1

import "syscall"

// probe asks a socket, without waiting, whether anything has come. Nothing may come while no request is under way, so an
// end, an error and a byte are alike.
type probe struct {
	raw   syscall.RawConn // nil for what is no socket
	ask   func(fd uintptr) bool
	quiet bool
	room  [1]byte
}

// watch prepares the probe. What it needs is made once for a connection.
func (c *conn) watch() {
	socket, ok := c.socket.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	p := &c.probe
	p.raw = raw
	p.ask = func(fd uintptr) bool {
		n, err := syscall.Read(int(fd), p.room[:])
		p.quiet = n < 0 && (err == syscall.EAGAIN || err == syscall.EWOULDBLOCK)
		return true
	}
}

// quiet reports whether an unused connection is still good, as far as can be seen from here.
func (c *conn) quiet() bool {
	p := &c.probe
	return p.raw == nil || p.raw.Read(p.ask) == nil && p.quiet
}
