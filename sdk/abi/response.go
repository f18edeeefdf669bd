package abi

// Usage is what a response cost in tokens, as fixed 48 bytes:
//
//	u32 present | u32 reserved | u64 prompt | u64 completion | u64 cached | u64 cache_write | u64 reasoning
//
// Prompt includes cached and cache-write tokens, Completion includes reasoning tokens.
type Usage struct {
	Present    bool
	Prompt     uint64
	Completion uint64
	Cached     uint64
	CacheWrite uint64
	Reasoning  uint64
}

func (u *Usage) append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, noUsage...)
	b := dst[at:]
	if u.Present {
		b[0] = 1
	}
	le.PutUint64(b[8:], u.Prompt)
	le.PutUint64(b[16:], u.Completion)
	le.PutUint64(b[24:], u.Cached)
	le.PutUint64(b[32:], u.CacheWrite)
	le.PutUint64(b[40:], u.Reasoning)
	return dst
}

// noUsage is the encoding of the zero Usage.
const noUsage = "\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func (u *Usage) read(r *reader) {
	u.Present = r.u32() != 0
	r.u32()
	u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning = r.u64(), r.u64(), r.u64(), r.u64(), r.u64()
}

// ResponseInput is the input of response: a whole upstream answer, of any status. Layout:
//
//	u8 endpoint | u8 dialect | u16 flags | u16 status | u16 reserved | u64 now | u64 seed |
//	str16 model | str16 request_id | bytes32 headers (Pairs) | bytes32 state | bytes32 body
type ResponseInput struct {
	Endpoint  Endpoint
	Dialect   Dialect
	Flags     uint16
	Status    int
	Now       uint64
	Seed      uint64
	Model     []byte
	RequestID []byte
	Headers   Pairs
	State     []byte
	Body      []byte
}

// Append encodes the input.
func (in *ResponseInput) Append(dst []byte) []byte {
	dst = append(dst, byte(in.Endpoint), byte(in.Dialect))
	dst = le.AppendUint16(dst, in.Flags)
	dst = le.AppendUint16(dst, uint16(in.Status))
	dst = le.AppendUint16(dst, 0)
	dst = le.AppendUint64(dst, in.Now)
	dst = le.AppendUint64(dst, in.Seed)
	dst = appendBytes16(dst, in.Model)
	dst = appendBytes16(dst, in.RequestID)
	dst = appendBytes32(dst, in.Headers)
	dst = appendBytes32(dst, in.State)
	return appendBytes32(dst, in.Body)
}

// Decode reads an input; its slices alias b.
func (in *ResponseInput) Decode(b []byte) error {
	if len(b) < 24 {
		return ErrShort
	}
	in.Endpoint, in.Dialect, in.Flags, in.Status = Endpoint(b[0]), Dialect(b[1]), le.Uint16(b[2:]), int(le.Uint16(b[4:]))
	in.Now, in.Seed = le.Uint64(b[8:]), le.Uint64(b[16:])
	var ok bool
	if in.Model, b, ok = cut16(b[24:]); !ok {
		return ErrShort
	}
	if in.RequestID, b, ok = cut16(b); !ok {
		return ErrShort
	}
	var headers []byte
	if headers, b, ok = cut32(b); !ok {
		return ErrShort
	}
	in.Headers = headers
	if in.State, b, ok = cut32(b); !ok {
		return ErrShort
	}
	if in.Body, _, ok = cut32(b); !ok {
		return ErrShort
	}
	return nil
}

// ResponseOutput is the output of response when the upstream answered well. Layout after the
// reply byte (0):
//
//	u8 as_is | u16 reserved | usage (48 bytes) | bytes32 body
//
// AsIs true means that the upstream's body goes to the client unchanged and Body is empty. An
// upstream error is a Refusal.
type ResponseOutput struct {
	AsIs  bool
	Usage Usage
	Body  []byte
}

// Append encodes the output.
func (out *ResponseOutput) Append(dst []byte) []byte {
	var asIs byte
	if out.AsIs {
		asIs = 1
	}
	dst = append(dst, ReplyOK, asIs, 0, 0)
	dst = out.Usage.append(dst)
	return appendBytes32(dst, out.Body)
}

// Decode reads an output; Body aliases b. The error is ErrShort, or a *Refusal.
func (out *ResponseOutput) Decode(b []byte) error {
	r := reader{b: b}
	if err := reply(&r); err != nil {
		return err
	}
	out.AsIs = r.u8() != 0
	r.u16()
	out.Usage.read(&r)
	out.Body = r.bytes32()
	return r.done()
}
