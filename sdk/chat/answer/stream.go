package answer

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Stream appends chat.completion.chunk objects to the output of a stream call. It holds nothing of a request
// beyond one call: what all chunks share is the head, which an adapter keeps in the stream's state.
//
// Values are raw strings of the vendor's event, quotes included.
type Stream struct {
	Choice   int           // index of the choice that the next chunks belong to
	Logprobs jsonraw.Value // an object that the next chunk carries, and that one alone; null when missing

	out       *abi.StreamOutput
	head      []byte
	withUsage bool
	at        int // where the chunk being written starts in out.Chunks
}

// AppendHead appends what all chunks of one answer begin with. id and model are raw strings, created is in Unix
// seconds.
func AppendHead(dst []byte, id, model jsonraw.Value, created uint64) []byte {
	dst = append(append(dst, `{"id":`...), id...)
	dst = strconv.AppendUint(append(dst, `,"object":"chat.completion.chunk","created":`...), created, 10)
	return append(append(dst, `,"model":`...), model...)
}

// Begin starts a call: chunks go to out, with the head that AppendHead made; it may be set later with SetHead,
// before the first chunk. flags are the call's: with [abi.FlagIncludeUsage] the usage chunk is written and the
// others carry "usage":null.
func (s *Stream) Begin(out *abi.StreamOutput, head []byte, flags uint16) {
	s.out, s.head, s.withUsage, s.Choice, s.Logprobs = out, head, flags&abi.FlagIncludeUsage != 0, 0, nil
}

// SetHead replaces the head.
func (s *Stream) SetHead(head []byte) { s.head = head }

// Role writes the first chunk, which names the role.
func (s *Stream) Role() {
	s.close(append(s.open(abi.ChunkMeta), `"role":"assistant","content":""`...), "")
}

// Content writes a piece of the answer's text.
func (s *Stream) Content(text jsonraw.Value) {
	s.close(append(append(s.open(abi.ChunkContent), `"content":`...), text...), "")
}

// Reasoning writes a piece of the model's reasoning.
func (s *Stream) Reasoning(text jsonraw.Value) { s.Delta("reasoning_content", text) }

// Delta writes a chunk whose delta has one member, of any raw value.
func (s *Stream) Delta(name string, value jsonraw.Value) {
	b := append(append(append(s.open(abi.ChunkContent), '"'), name...), `":`...)
	s.close(append(b, value...), "")
}

// Call begins the call number index, with arguments so far, a raw string (none when missing).
func (s *Stream) Call(index int, id, name, arguments jsonraw.Value) {
	b := append(append(s.openCall(index), `,"id":`...), id...)
	b = append(append(b, `,"type":"function","function":{"name":`...), name...)
	b = append(b, `,"arguments":`...)
	if len(arguments) == 0 {
		b = append(b, `""`...)
	} else {
		b = append(b, arguments...)
	}
	s.close(append(b, `}}]`...), "")
}

// Arguments writes a piece of the arguments of call number index.
func (s *Stream) Arguments(index int, fragment jsonraw.Value) {
	b := append(append(s.openCall(index), `,"function":{"arguments":`...), fragment...)
	s.close(append(b, `}}]`...), "")
}

// QuotedArguments writes the JSON value as the whole arguments of call number index.
func (s *Stream) QuotedArguments(index int, value jsonraw.Value) {
	b := jsonraw.AppendQuoted(append(s.openCall(index), `,"function":{"arguments":`...), value)
	s.close(append(b, `}}]`...), "")
}

// Finish writes the chunk with the finish reason.
func (s *Stream) Finish(reason string) { s.close(s.open(abi.ChunkFinish), reason) }

// Usage notes what the answer cost so far, and with last writes the usage chunk if the client asked for one.
func (s *Stream) Usage(u abi.Usage, last bool) {
	s.out.Usage = u
	if !last || !s.withUsage || !u.Present {
		return
	}
	at := len(s.out.Chunks)
	c := append(append(s.out.Chunks.Open(abi.ChunkUsage), s.head...), `,"choices":[],"usage":`...)
	c = append(AppendUsage(c, &u), '}')
	c.Close(at)
	s.out.Chunks = c
}

// Fail writes the error that ends the stream, and says that it is done.
func (s *Stream) Fail(ref *abi.Refusal) {
	s.out.Chunks = s.out.Chunks.AppendRefusal(ref)
	s.out.Done = true
}

// open returns the output's chunks with the start of one more, up to the inside of the delta. The chunk is written
// where it will be sent from; close ends it.
func (s *Stream) open(kind abi.ChunkKind) []byte {
	s.at = len(s.out.Chunks)
	b := append(s.out.Chunks.Open(kind), s.head...)
	if s.Choice == 0 {
		return append(b, `,"choices":[{"index":0,"delta":{`...)
	}
	b = strconv.AppendInt(append(b, `,"choices":[{"index":`...), int64(s.Choice), 10)
	return append(b, `,"delta":{`...)
}

func (s *Stream) openCall(index int) []byte {
	return strconv.AppendInt(append(s.open(abi.ChunkContent), `"tool_calls":[{"index":`...), int64(index), 10)
}

func (s *Stream) close(b []byte, finish string) {
	switch {
	case s.Logprobs == nil && finish == "":
		b = append(b, `},"logprobs":null,"finish_reason":null}]`...)
	case finish == "":
		b = append(append(append(b, `},"logprobs":`...), s.Logprobs...), `,"finish_reason":null}]`...)
	case s.Logprobs == nil:
		b = append(append(append(b, `},"logprobs":null,"finish_reason":"`...), finish...), `"}]`...)
	default:
		b = append(append(append(b, `},"logprobs":`...), s.Logprobs...), `,"finish_reason":"`...)
		b = append(append(b, finish...), `"}]`...)
	}
	if s.Logprobs != nil {
		s.Logprobs = nil
	}
	if s.withUsage {
		b = append(b, `,"usage":null}`...)
	} else {
		b = append(b, '}')
	}
	if cap(b) == cap(s.out.Chunks) { // it did not grow, so that no pointer need be written: see jsonraw.Writer
		s.out.Chunks = s.out.Chunks[:len(b)]
	} else {
		s.out.Chunks = b
	}
	s.out.Chunks.Close(s.at)
}
