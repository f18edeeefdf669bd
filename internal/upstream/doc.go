// Package upstream speaks HTTP to model vendors: import it to send one attempt and to read what comes back.
//
// It holds three things that belong together because they meet at the socket:
//
//   - [Client] sends a [Request] to a [Target] and returns a [Response] whose body streams as it arrives;
//   - [Decoder] turns a streamed body into events (SSE, NDJSON, AWS event stream), whatever way the network cut it;
//   - [Credential] is added last, after everything that a plugin chose has been checked by package permit.
//
// A plugin chooses a path, a query and headers. The host name, the secrets and the hop-by-hop headers are the
// operator's, so a plugin can neither read a key nor send one elsewhere. Errors are of type [*Error], carry a [Kind]
// to branch on, and never contain a URL, a host name, a header value or a body.
package upstream
