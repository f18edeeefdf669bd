package chat

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
	buf       []byte
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
	s.open()
	s.buf = append(s.buf, `"role":"assistant","content":""`...)
	s.close(abi.ChunkMeta, "")
}

// Content writes a piece of the answer's text.
func (s *Stream) Content(text jsonraw.Value) { s.Delta("content", text) }

// Reasoning writes a piece of the model's reasoning.
func (s *Stream) Reasoning(text jsonraw.Value) { s.Delta("reasoning_content", text) }

// Delta writes a chunk whose delta has one member, of any raw value.
func (s *Stream) Delta(name string, value jsonraw.Value) {
	s.open()
	s.member(name)
	s.buf = append(s.buf, value...)
	s.close(abi.ChunkContent, "")
}

// Call begins the call number index, with arguments so far, a raw string (none when missing).
func (s *Stream) Call(index int, id, name, arguments jsonraw.Value) {
	s.openCall(index)
	s.buf = append(append(s.buf, `,"id":`...), id...)
	s.buf = append(append(s.buf, `,"type":"function","function":{"name":`...), name...)
	s.buf = append(s.buf, `,"arguments":`...)
	if len(arguments) == 0 {
		s.buf = append(s.buf, `""`...)
	} else {
		s.buf = append(s.buf, arguments...)
	}
	s.closeCall()
}

// Arguments writes a piece of the arguments of call number index.
func (s *Stream) Arguments(index int, fragment jsonraw.Value) {
	s.openCall(index)
	s.buf = append(append(s.buf, `,"function":{"arguments":`...), fragment...)
	s.closeCall()
}

// QuotedArguments writes the JSON value as the whole arguments of call number index.
func (s *Stream) QuotedArguments(index int, value jsonraw.Value) {
	s.openCall(index)
	s.buf = jsonraw.AppendQuoted(append(s.buf, `,"function":{"arguments":`...), value)
	s.closeCall()
}

// Finish writes the chunk with the finish reason.
func (s *Stream) Finish(reason string) {
	s.open()
	s.close(abi.ChunkFinish, reason)
}

// Usage notes what the answer cost so far, and with last writes the usage chunk if the client asked for one.
func (s *Stream) Usage(u abi.Usage, last bool) {
	s.out.Usage = u
	if !last || !s.withUsage || !u.Present {
		return
	}
	s.buf = append(append(s.buf[:0], s.head...), `,"choices":[],"usage":`...)
	s.buf = append(AppendUsage(s.buf, &u), '}')
	s.out.Chunks = s.out.Chunks.Append(abi.ChunkUsage, s.buf)
}

// Fail writes the error that ends the stream, and says that it is done.
func (s *Stream) Fail(ref *abi.Refusal) {
	s.out.Chunks = s.out.Chunks.AppendRefusal(ref)
	s.out.Done = true
}

func (s *Stream) open() {
	s.buf = append(append(s.buf[:0], s.head...), `,"choices":[{"index":`...)
	s.buf = append(strconv.AppendInt(s.buf, int64(s.Choice), 10), `,"delta":{`...)
}

func (s *Stream) member(name string) {
	s.buf = append(append(append(s.buf, '"'), name...), `":`...)
}

func (s *Stream) openCall(index int) {
	s.open()
	s.buf = strconv.AppendInt(append(s.buf, `"tool_calls":[{"index":`...), int64(index), 10)
}

func (s *Stream) closeCall() {
	s.buf = append(s.buf, `}}]`...)
	s.close(abi.ChunkContent, "")
}

func (s *Stream) close(kind abi.ChunkKind, finish string) {
	s.buf = append(s.buf, `},"logprobs":`...)
	if s.Logprobs == nil {
		s.buf = append(s.buf, `null`...)
	} else {
		s.buf = append(s.buf, s.Logprobs...)
		s.Logprobs = nil
	}
	s.buf = append(s.buf, `,"finish_reason":`...)
	if finish == "" {
		s.buf = append(s.buf, `null}]`...)
	} else {
		s.buf = append(append(append(s.buf, '"'), finish...), `"}]`...)
	}
	if s.withUsage {
		s.buf = append(s.buf, `,"usage":null`...)
	}
	s.buf = append(s.buf, '}')
	s.out.Chunks = s.out.Chunks.Append(kind, s.buf)
}
