//go:build !unix

package http1

// probe would tell whether the host has closed a connection. Elsewhere the request finds out.
type probe struct{}

func (c *conn) watch() {}

func (c *conn) quiet() bool { return true }
