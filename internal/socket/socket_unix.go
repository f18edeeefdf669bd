//go:build unix && !linux

package socket

import (
	"net"
	"syscall"
)

// conn is a connection as it is, which can be looked at.
type conn struct{ *net.TCPConn }

func wrap(tcp *net.TCPConn) net.Conn { return conn{tcp} }

func (c conn) quiet() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	err = raw.Read(func(fd uintptr) bool {
		var room [1]byte
		_, err := syscall.Read(int(fd), room[:])
		silent = err == syscall.EAGAIN
		return true
	})
	return err == nil && silent
}

func (c conn) plain() *net.TCPConn { return c.TCPConn }
