package exchange

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

const (
	role   = `{"choices":[{"index":0,"delta":{"role":"assistant"}}]}`
	hello  = `{"choices":[{"index":0,"delta":{"content":"hello"}}]}`
	finish = `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usage  = `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`
)

func eventStream(data ...string) string {
	return "data: " + strings.Join(data, "\n\ndata: ") + "\n\n"
}

// collector is a sink that takes so many chunks.
type collector struct {
	room   int
	chunks []string
}

func (c *collector) Chunk(_ abi.ChunkKind, data []byte) error {
	if c.room--; c.room < 0 {
		return io.ErrClosedPipe
	}
	c.chunks = append(c.chunks, string(data))
	return nil
}

func (*collector) Flush() error { return nil }

// TestPassedStreams reads streams byte by byte: what fails before the commit point is an error of
// Open, what fails after it one of Run.
func TestPassedStreams(t *testing.T) {
	t.Parallel()
	bad := func(err error) bool { _, ok := errors.AsType[*BadAnswer](err); return ok }
	fine := func(err error) bool { return err == nil }
	for _, tc := range []struct {
		name, body string
		flags      uint16
		room       int
		opened     func(error) bool
		ran        func(error) bool
		chunks     []string
	}{
		{"whole", eventStream(role, hello, finish, usage, "[DONE]"), 0, 9, fine, fine, []string{role, hello, finish}},
		{"with usage", eventStream(hello, finish, usage, "[DONE]"), abi.FlagIncludeUsage, 9, fine, fine, []string{hello, finish, usage}},
		{"without a goodbye", eventStream(hello, finish), 0, 9, fine, fine, []string{hello, finish}},
		{"without content", eventStream(role), 0, 9, bad, nil, nil},
		{"not JSON", eventStream("x"), 0, 9, bad, nil, nil},
		{"an error event that the adapter takes for an answer", eventStream(`{"error":{"code":503}}`), 0, 9, bad, nil, nil},
		{"ended early", eventStream(role, hello), 0, 9, fine, bad, []string{role, hello}},
		{"a client that leaves at once", eventStream(hello, finish), 0, 0, fine, func(err error) bool { return errors.Is(err, ErrClient) }, nil},
		{"a client that leaves later", eventStream(hello, finish), 0, 1, fine, func(err error) bool { return errors.Is(err, ErrClient) }, []string{hello}},
	} {
		c := Call{Request: &Request{Flags: tc.flags}, Adapter: &fake{}, plan: abi.RequestOutput{ResponseMode: abi.ModePassthrough, Framing: abi.FramingSSE}}
		body := io.NopCloser(iotest.OneByteReader(strings.NewReader(tc.body)))
		var s Stream
		if err := s.Open(t.Context(), &c, &upstream.Response{Body: body}); !tc.opened(err) {
			t.Errorf("%s: opened with %v", tc.name, err)
		} else if err != nil {
			continue
		}
		sink := &collector{room: tc.room}
		if err := s.Run(sink); !tc.ran(err) || !slices.Equal(sink.chunks, tc.chunks) {
			t.Errorf("%s: %v, chunks %q", tc.name, err, sink.chunks)
		}
	}
}
