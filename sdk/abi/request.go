package abi

// Flags of a request.
const (
	FlagStream       uint16 = 1 << iota // the client asked for a stream
	FlagIncludeUsage                    // and for a usage chunk in it
	FlagStrictParams                    // dropped parameters will be refused by the host
	FlagBodyWithheld                    // the body was left out: describe listed the dialect under passthrough
)

// RequestInput is the input of request. Layout:
//
//	u8 endpoint | u8 dialect | u16 flags | u32 reserved | u64 now (unix seconds) | u64 seed |
//	str16 model | str16 request_id | bytes32 body
//
// Body is the client's JSON as it came; Model is the vendor's name of the chosen deployment's
// model. Seed and Now are the only sources of randomness and time.
type RequestInput struct {
	Endpoint  Endpoint
	Dialect   Dialect
	Flags     uint16
	Now       uint64
	Seed      uint64
	Model     []byte
	RequestID []byte
	Body      []byte
}

// Append encodes the input.
func (in *RequestInput) Append(dst []byte) []byte {
	dst = append(dst, byte(in.Endpoint), byte(in.Dialect))
	dst = le.AppendUint16(dst, in.Flags)
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint64(dst, in.Now)
	dst = le.AppendUint64(dst, in.Seed)
	dst = appendBytes16(dst, in.Model)
	dst = appendBytes16(dst, in.RequestID)
	return appendBytes32(dst, in.Body)
}

// Decode reads an input; its slices alias b.
func (in *RequestInput) Decode(b []byte) error {
	if len(b) < 24 {
		return ErrShort
	}
	in.Endpoint, in.Dialect, in.Flags = Endpoint(b[0]), Dialect(b[1]), le.Uint16(b[2:])
	in.Now, in.Seed = le.Uint64(b[8:]), le.Uint64(b[16:])
	var ok bool
	if in.Model, b, ok = cut16(b[24:]); !ok {
		return ErrShort
	}
	if in.RequestID, b, ok = cut16(b); !ok {
		return ErrShort
	}
	if in.Body, _, ok = cut32(b); !ok {
		return ErrShort
	}
	return nil
}

// How the body to send, or the answer to give, is made.
const (
	ModeTranslate   = 0 // Body is the vendor's body; response and stream translate the answer
	ModePassthrough = 1 // Edits are spliced into the client's bytes; the answer is forwarded untouched
)

// EditOp is one kind of body edit.
type EditOp uint8

// Body edits. A path is a member name, or two joined by a dot; escapes are not interpreted.
const (
	EditSet    EditOp = iota // set path to the raw JSON value, creating it
	EditDelete               // drop path if present
	EditRename               // rename the top-level member path to the name in value, if present
)

// RequestOutput is the output of request. Layout after the reply byte (0):
//
//	u8 request_mode | u8 response_mode | u8 auth | u8 framing | str16 auth_name | str16 path | str16 query |
//	bytes32 headers (Pairs) | bytes32 edits | bytes32 dropped | bytes32 state | bytes32 body
//
// One edit is u8 op | str16 path | bytes32 value. Dropped is a list of str16: names of client
// parameters that the vendor can't take. Path starts with a slash and is appended to the
// operator's base_url; Query has no question mark. State (at most MaxState) is handed to
// response, or to the first stream call, of the same version of the plugin.
type RequestOutput struct {
	RequestMode  uint8
	ResponseMode uint8
	Auth         AuthScheme
	Framing      Framing // of the answer; FramingNone when it is not a stream
	AuthName     []byte
	Path         []byte
	Query        []byte
	Headers      Pairs
	Edits        Edits
	Dropped      Names
	State        []byte
	Body         []byte
}

// Edits is an encoded list of body edits.
type Edits []byte

// Append returns the list with one edit more.
func (e Edits) Append(op EditOp, path, value string) Edits {
	return appendBytes32(appendBytes16(append(e, byte(op)), path), value)
}

// Edit is one body edit; its slices alias the list.
type Edit struct {
	Op    EditOp
	Path  []byte
	Value []byte
}

// All yields the edits in order; it ends early on a broken encoding.
func (e Edits) All(yield func(Edit) bool) { e.walk(yield) }

// Valid reports whether the encoding is whole and every operation is known.
func (e Edits) Valid() bool {
	return e.walk(func(ed Edit) bool { return ed.Op <= EditRename })
}

func (e Edits) walk(yield func(Edit) bool) bool {
	r := reader{b: e}
	for len(r.b) > 0 {
		ed := Edit{Op: EditOp(r.u8()), Path: r.bytes16(), Value: r.bytes32()}
		if r.bad || !yield(ed) {
			return false
		}
	}
	return true
}

// Names is an encoded list of names.
type Names []byte

// Append returns the list with one name more.
func (n Names) Append(name string) Names { return appendBytes16(n, name) }

// All yields the names in order; it ends early on a broken encoding.
func (n Names) All(yield func(name []byte) bool) {
	r := reader{b: n}
	for len(r.b) > 0 {
		s := r.bytes16()
		if r.bad || !yield(s) {
			return
		}
	}
}

// Append encodes the output.
func (out *RequestOutput) Append(dst []byte) []byte {
	// In loops, since in a guest the code of each append is a kilobyte.
	dst = append(dst, ReplyOK, out.RequestMode, out.ResponseMode, byte(out.Auth), byte(out.Framing))
	for _, s := range [...]*[]byte{&out.AuthName, &out.Path, &out.Query} {
		dst = appendBytes16(dst, *s)
	}
	for _, s := range [...]*[]byte{(*[]byte)(&out.Headers), (*[]byte)(&out.Edits), (*[]byte)(&out.Dropped), &out.State, &out.Body} {
		dst = appendBytes32(dst, *s)
	}
	return dst
}

// Decode reads an output; its slices alias b. The error is ErrShort, or a *Refusal.
func (out *RequestOutput) Decode(b []byte) error {
	r := reader{b: b}
	if err := reply(&r); err != nil {
		return err
	}
	out.RequestMode, out.ResponseMode = r.u8(), r.u8()
	out.Auth, out.Framing = AuthScheme(r.u8()), Framing(r.u8())
	out.AuthName, out.Path, out.Query = r.bytes16(), r.bytes16(), r.bytes16()
	out.Headers, out.Edits, out.Dropped = r.bytes32(), r.bytes32(), r.bytes32()
	out.State, out.Body = r.bytes32(), r.bytes32()
	return r.done()
}
