// Package abi is the contract between the host and its plugins: names, versions, layouts and
// limits. Both sides import it; it imports nothing but the standard library's smallest parts.
//
// # A call
//
// Every call is pure. The host asks once for an input buffer (export "input", which gets a size
// and returns an address), writes the input there, calls one export with the input's length, and
// reads the output where the returned i64 points: address in the high 32 bits, length in the
// low 32. The buffer stays the guest's; it is valid until "input" is called again, so the host
// asks again only for something larger. The output stays valid until the next call. One
// instance is never called by two goroutines at once.
//
// A guest refuses with data (a Refusal), never with a trap: after a trap the instance is thrown
// away.
//
// # Numbers
//
// Integers are little-endian. u8, u16, u32, u64 are unsigned, f64 is IEEE 754 double. str16 is
// a u16 length and that many bytes, bytes32 a u32 length and that many bytes. Nothing is
// aligned or padded beyond what a layout shows.
//
// # Worked bytes
//
// A request call for model "m" with the body {} (chat, openai, streaming, 2 bytes of body):
//
//	01                        endpoint: chat
//	01                        dialect: openai
//	01 00                     flags: FlagStream
//	00 00 00 00               reserved
//	80 1d 2c 04 00 00 00 00   now 70 000 000
//	07 00 00 00 00 00 00 00   seed 7
//	01 00 6d                  model "m"
//	02 00 72 31               request id "r1"
//	02 00 00 00 7b 7d         body {}
//
// The adapter's answer: passthrough to /v1/chat/completions with a bearer credential, and one
// edit that sets model to "m":
//
//	00                        reply: ok
//	01                        request mode: passthrough (edits)
//	01                        response mode: passthrough
//	01                        auth: bearer
//	01                        framing: SSE
//	00 00                     auth name ""
//	14 00 2f 76 … 73          path, 20 bytes: "/v1/chat/completions"
//	00 00                     query ""
//	00 00 00 00               headers: none
//	0f 00 00 00               edits, 15 bytes:
//	   00                     set
//	   05 00 6d 6f 64 65 6c   "model"
//	   03 00 00 00 22 6d 22   — value, 3 bytes: "m" with its quotes
//	00 00 00 00               dropped: none
//	00 00 00 00               state: none
//	00 00 00 00               body: none
//
// A score call has a header of 160 bytes, 256 bytes per candidate, then the strings; the offsets
// stand in score.go. The answer for two candidates, the second removed, reason "ok":
//
//	00 00 30 00               reply ok, reserved, size 48
//	02 00 00 00               2 scores
//	00 × 24                   no directives; reject status and code length 0 in the last four
//	02 00 00 00               reason: 2 bytes — this is offset 28
//	00 × 16                   reserved
//	00 00 00 00 00 00 f0 3f   1.0
//	01 00 00 00 00 00 f8 7f   NaN
//	6f 6b                     "ok"
//
// TestWorkedBytes holds these bytes against the code.
package abi
