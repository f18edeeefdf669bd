package socket

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// conn is a TCP connection whose reads and writes are raw system calls. They never wait: the descriptor does not block,
// and waiting is left to the network poller.
type conn struct {
	*net.TCPConn
	raw         syscall.RawConn
	read, write transfer
	look        func(fd uintptr) (done bool)
	room        [1]byte
	silent      bool // what look saw
}

// transfer is one direction. The function is made once for a connection.
type transfer struct {
	step func(fd uintptr) (done bool)
	data []byte
	n    int
	err  syscall.Errno
}

func wrap(tcp *net.TCPConn) net.Conn {
	raw, err := tcp.SyscallConn()
	if err != nil { // it is closed; whoever uses it finds out
		return tcp
	}
	c := &conn{TCPConn: tcp, raw: raw}
	c.read.step = func(fd uintptr) bool {
		t := &c.read
		t.n, t.err = call(syscall.SYS_READ, fd, t.data)
		return t.err != syscall.EAGAIN
	}
	c.write.step = func(fd uintptr) bool {
		t := &c.write
		for t.n < len(t.data) {
			var n int
			if n, t.err = call(syscall.SYS_WRITE, fd, t.data[t.n:]); t.err != 0 {
				return t.err != syscall.EAGAIN
			}
			t.n += n
		}
		return true
	}
	c.look = func(fd uintptr) bool {
		_, err := call(syscall.SYS_READ, fd, c.room[:])
		c.silent = err == syscall.EAGAIN
		return true
	}
	return c
}

func (c *conn) quiet() bool { return c.raw.Read(c.look) == nil && c.silent }

// most is how many bytes one call takes, as in Go's own.
const most = 1 << 30

// call reads into or writes from b, which is not empty.
func call(number, fd uintptr, b []byte) (int, syscall.Errno) {
	for {
		n, _, err := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(min(len(b), most))) //nolint:gosec // as package syscall does it
		switch err {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, err
		}
	}
}

// Read is that of [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	t := &c.read
	t.data, t.n, t.err = p, 0, 0
	err := c.raw.Read(t.step)
	t.data = nil
	switch {
	case err != nil:
		return 0, err
	case t.err != 0:
		return 0, c.failure("read", t.err)
	case t.n == 0:
		return 0, io.EOF
	}
	return t.n, nil
}

// Write is that of [net.Conn].
func (c *conn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	t := &c.write
	t.data, t.n, t.err = p, 0, 0
	err := c.raw.Write(t.step)
	t.data = nil
	if err == nil && t.err != 0 {
		err = c.failure("write", t.err)
	}
	return t.n, err
}

// failure looks like that of the connection itself.
func (c *conn) failure(op string, err syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, err)}
}

func (c *conn) plain() *net.TCPConn { return c.TCPConn }
