package server

import (
	"bytes"
	"net/http"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// outlet is the client's end of a stream, a [gateway.Sink]. What comes between two flushes goes
// out in one write.
type outlet struct {
	w       http.ResponseWriter
	control *http.ResponseController
	framing framing
	buf     []byte    // has room only while there is something in it
	until   time.Time // when the client counts as gone if it takes nothing
}

const (
	outletSize = 4 << 10
	// outletFull is what is gathered at most before it is written without being asked for.
	outletFull = 32 << 10
)

// rooms are buffers of outlets: a stream that waits for its next event holds none.
var rooms = sync.Pool{New: func() any { return new([outletSize]byte) }}

func newOutlet(w http.ResponseWriter, control *http.ResponseController, f framing) *outlet {
	return &outlet{w: w, control: control, framing: f}
}

// Chunk takes one chunk of the stream.
func (o *outlet) Chunk(kind abi.ChunkKind, data []byte) error {
	if o.buf == nil {
		o.buf = rooms.Get().(*[outletSize]byte)[:0]
	}
	o.buf = o.framing.chunk(o.buf, data, kind)
	if len(o.buf) < outletFull {
		return nil
	}
	return o.write()
}

// Flush sends everything on its way.
func (o *outlet) Flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	if err := o.write(); err != nil {
		return err
	}
	return o.control.Flush()
}

// end hands over what is left. It leaves with the mark that ends the answer, when the handler has ended.
func (o *outlet) end() error {
	if len(o.buf) == 0 {
		return nil
	}
	return o.write()
}

func (o *outlet) write() error {
	if now := time.Now(); o.until.Sub(now) < stall/2 {
		o.until = now.Add(stall)
		_ = o.control.SetWriteDeadline(o.until) // not every writer can
	}
	_, err := o.w.Write(o.buf)
	if cap(o.buf) == outletSize {
		rooms.Put((*[outletSize]byte)(o.buf[:outletSize]))
	}
	o.buf = nil
	return err
}

// sse frames chunks as server-sent events, as the OpenAI dialect has them.
type sse struct{}

func (*sse) contentType() string { return "text/event-stream" }

func (*sse) chunk(dst, data []byte, _ abi.ChunkKind) []byte {
	dst = append(dst, "data: "...)
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		dst = append(dst, data...)
	} else { // a line end would end the data line, and stands only between JSON tokens
		dst = jsonraw.Compact(dst, data)
	}
	return append(dst, '\n', '\n')
}

func (*sse) finish(dst []byte, _ *gateway.Report) []byte { return append(dst, "data: [DONE]\n\n"...) }

func (s *sse) fail(dst []byte, e *gateway.Error) []byte {
	dst = append(dst, "data: "...)
	dst = appendError(dst, e)
	return append(dst, '\n', '\n')
}
