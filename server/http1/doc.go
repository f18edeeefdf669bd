// Package http1 serves plain HTTP/1.1 requests at less cost than net/http's server: import it where a handler is so cheap
// that reading its request and writing its answer is much of the work.
//
// It recognises and never tolerates. A request is plain when it is a GET or a POST with a path that needs no decoding and a
// length that is given or nil, and when its head came whole with the first read, is strictly formed, and asks for nothing but
// an answer. At the first one that is anything else the connection goes to net/http's server, with the bytes that were read,
// and stays there. So whatever is odd, rare or hostile meets net/http's parser, and gets its answers.
//
// A handler finds the same request as behind net/http and may do the same with its [http.ResponseWriter], other than:
//
//   - The request's context belongs to the connection. It ends when the client leaves, but not when the handler returns, so
//     whatever is derived from it has to be cancelled.
//   - The ResponseWriter and its header serve the connection's next request when the handler has returned.
//   - That the client left is noticed within [watchAfter] after the body was read, by requests that take as long, or by writing.
//   - An answer can't be hijacked, has no trailers, no interim answers, and always the framing that the server chooses.
//   - Context values of net/http's server (its own, the local address) are not there.
package http1
