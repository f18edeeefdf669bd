package abi

// End says whether a stream call is the last one.
type End uint8

// How a stream ended.
const (
	EndNot     End = iota // more may come
	EndClean              // the upstream closed the stream in order, after these events
	EndAborted            // the connection broke, or the framing did
)

// StreamInput is the input of stream: decoded events of one stream and the state that the
// previous call (or request) returned. Layout:
//
//	u8 endpoint | u8 dialect | u16 flags | u8 end | u8 reserved | u16 reserved | u64 now |
//	str16 model | str16 request_id | bytes32 state | u32 events | events…
//
// One event is str16 name | bytes32 data. An instance sees events of thousands of streams:
// whatever must survive between two calls travels in State.
type StreamInput struct {
	Endpoint  Endpoint
	Dialect   Dialect
	Flags     uint16
	End       End
	Now       uint64
	Model     []byte
	RequestID []byte
	State     []byte
	Count     uint32
	Events    Events
}

// Events is an encoded list of stream events.
type Events []byte

// Append returns the list with one event more.
func (e Events) Append(name, data []byte) Events {
	return appendBytes32(appendBytes16(e, name), data)
}

// All yields the events in order; it ends early on a broken encoding.
func (e Events) All(yield func(name, data []byte) bool) {
	for len(e) > 0 {
		name, data, rest, ok := e.Cut()
		if !ok || !yield(name, data) {
			return
		}
		e = rest
	}
}

// Cut splits off the first event. It is All by hand, for where each event counts; ok is false at the end and on a
// broken encoding.
func (e Events) Cut() (name, data []byte, rest Events, ok bool) {
	if name, rest, ok = cut16(e); ok {
		data, rest, ok = cut32(rest)
	}
	return name, data, rest, ok
}

// Append encodes the input.
func (in *StreamInput) Append(dst []byte) []byte {
	dst = append(dst, byte(in.Endpoint), byte(in.Dialect))
	dst = le.AppendUint16(dst, in.Flags)
	dst = append(dst, byte(in.End), 0, 0, 0)
	dst = le.AppendUint64(dst, in.Now)
	dst = appendBytes16(dst, in.Model)
	dst = appendBytes16(dst, in.RequestID)
	dst = appendBytes32(dst, in.State)
	dst = le.AppendUint32(dst, in.Count)
	return append(dst, in.Events...)
}

// Decode reads an input; its slices alias b.
func (in *StreamInput) Decode(b []byte) error {
	if len(b) < 16 {
		return ErrShort
	}
	in.Endpoint, in.Dialect, in.Flags, in.End = Endpoint(b[0]), Dialect(b[1]), le.Uint16(b[2:]), End(b[4])
	in.Now = le.Uint64(b[8:])
	var ok bool
	if in.Model, b, ok = cut16(b[16:]); !ok {
		return ErrShort
	}
	if in.RequestID, b, ok = cut16(b); !ok {
		return ErrShort
	}
	if in.State, b, ok = cut32(b); !ok || len(b) < 4 {
		return ErrShort
	}
	in.Count, in.Events = le.Uint32(b), b[4:]
	return nil
}

// ChunkKind tells the host what a chunk does to the request's life.
type ChunkKind uint8

// Kinds of chunks.
const (
	ChunkMeta    ChunkKind = iota // role and the like: held back until something commits
	ChunkContent                  // content, reasoning or tool-call delta: the commit point
	ChunkFinish                   // carries finish_reason; commits too
	ChunkUsage                    // the usage chunk; emit it only with FlagIncludeUsage
	ChunkError                    // data is a Refusal's fields: the stream failed
)

// StreamOutput is the output of stream. Layout after the reply byte (0):
//
//	u8 done | u16 reserved | usage (48 bytes) | bytes32 state | u32 chunks | chunks…
//
// One chunk is u8 kind | bytes32 data, data being one JSON text of the client's dialect without
// framing. Done means that the answer is complete: what the upstream still sends is ignored.
// Usage is the total so far, when known; the last one given counts.
type StreamOutput struct {
	Done   bool
	Usage  Usage
	State  []byte
	Count  uint32
	Chunks Chunks
}

// Chunks is an encoded list of chunks.
type Chunks []byte

// Append returns the list with one chunk more.
func (c Chunks) Append(kind ChunkKind, data []byte) Chunks {
	return appendBytes32(append(c, byte(kind)), data)
}

// AppendRefusal returns the list with an error chunk more.
func (c Chunks) AppendRefusal(ref *Refusal) Chunks {
	at := len(c)
	c = ref.appendFields(c.Open(ChunkError))
	c.Close(at)
	return c
}

// Open appends the start of a chunk whose data is appended behind it, piece by piece; Close then ends it, given the
// length that the list had before.
func (c Chunks) Open(kind ChunkKind) Chunks { return append(c, byte(kind), 0, 0, 0, 0) }

// Close ends the chunk that starts at the offset at.
func (c Chunks) Close(at int) { le.PutUint32(c[at+1:], uint32(len(c)-at-5)) }

// Len returns how many chunks there are.
func (c Chunks) Len() (n uint32) {
	for len(c) > 0 {
		_, rest, ok := cut32(c[1:])
		if !ok {
			break
		}
		c = rest
		n++
	}
	return n
}

// All yields the chunks in order; it ends early on a broken encoding. The slices alias the
// list.
func (c Chunks) All(yield func(kind ChunkKind, data []byte) bool) {
	r := reader{b: c}
	for len(r.b) > 0 {
		kind, data := ChunkKind(r.u8()), r.bytes32()
		if r.bad || !yield(kind, data) {
			return
		}
	}
}

// DecodeRefusal reads the data of an error chunk.
func DecodeRefusal(data []byte) (*Refusal, error) {
	r := reader{b: data}
	ref := readRefusal(&r)
	return ref, r.done()
}

// Append encodes the output.
func (out *StreamOutput) Append(dst []byte) []byte {
	var done byte
	if out.Done {
		done = 1
	}
	dst = append(dst, ReplyOK, done, 0, 0)
	dst = out.Usage.append(dst)
	dst = appendBytes32(dst, out.State)
	dst = le.AppendUint32(dst, out.Count)
	return append(dst, out.Chunks...)
}

// Decode reads an output; its slices alias b. The error is ErrShort, or a *Refusal.
func (out *StreamOutput) Decode(b []byte) error {
	r := reader{b: b}
	if err := reply(&r); err != nil {
		return err
	}
	out.Done = r.u8() != 0
	r.u16()
	out.Usage.read(&r)
	out.State = r.bytes32()
	out.Count = r.u32()
	out.Chunks = r.b
	return r.done()
}
