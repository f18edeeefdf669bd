//go:build !linux && !unix

package socket

import "net"

func wrap(c *net.TCPConn) net.Conn { return c }
