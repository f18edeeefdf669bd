// Package http1 sends requests over kept HTTP/1.1 connections: import it where the client of net/http costs more than the
// request is worth. It writes a request in one system call on the caller's goroutine, reads the answer there too, and
// starts no goroutine for a connection.
//
// It does one thing of what an HTTP client may do. Redirects, cookies, compression, proxies, HTTP/2, trailers and upgrades
// are left to others. What it reads it takes strictly: where RFC 9112 lets a recipient choose between repair and
// refusal it refuses, because a repaired answer is one that the next reader may see differently.
package http1
