package main

import (
	"bytes"
	"unsafe"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// template is the shortest way from an event to its chunk. Most events of a stream differ from the one before in a
// single text; where that is so, the chunk does too. A template is what stands around the text on either side. It
// holds until an event does not fit it, since up to there nothing else in the stream's state can change.
type template struct {
	before, after       []byte // of the event, up to the text's opening and from its closing quote, both included
	outBefore, outAfter []byte // of the chunk
}

// maxTemplate is how much of the state a template may take.
const maxTemplate = 4 << 10

func (t *template) drop() {
	t.before, t.after, t.outBefore, t.outAfter = t.before[:0], t.after[:0], t.outBefore[:0], t.outAfter[:0]
}

// apply writes the chunk of the event data if it fits.
func (p *plugin) apply(data []byte, out *abi.StreamOutput) bool {
	t := &p.stream.template
	n := len(data) - len(t.after) + 1 // behind the closing quote
	if len(t.before) == 0 || n <= len(t.before)+1 || !bytes.HasPrefix(data, t.before) || !bytes.HasSuffix(data, t.after) {
		return false
	}
	text := data[len(t.before)-1 : n]
	if jsonraw.Valid(text) != nil {
		return false
	}
	p.buf = append(append(p.buf[:0], t.outBefore...), text[1:len(text)-1]...)
	p.buf = append(p.buf, t.outAfter...)
	out.Chunks = out.Chunks.Append(abi.ChunkContent, p.buf)
	return true
}

// spot is where the one text of an event stands in the chunk that is being written.
type spot struct {
	text  jsonraw.Value // a string of the event; nil unless it is the only thing that the event says
	start int           // behind its opening quote in the chunk
}

// learn makes a template of an event that was one chunk, if the chunk says nothing but one text.
func (p *plugin) learn(data, chunk []byte) {
	text := p.spot.text
	if len(text.Inner()) == 0 || len(data)+len(chunk) > maxTemplate {
		return
	}
	start := int(uintptr(unsafe.Pointer(unsafe.SliceData(text))) - uintptr(unsafe.Pointer(unsafe.SliceData(data))))
	if start < 0 || start+len(text) > len(data) { // it is no part of data
		return
	}
	t, inner := &p.stream.template, len(text)-2
	t.before = append(t.before, data[:start+1]...)
	t.after = append(t.after, data[start+1+inner:]...)
	t.outBefore = append(t.outBefore, chunk[:p.spot.start]...)
	t.outAfter = append(t.outAfter, chunk[p.spot.start+inner:]...)
}
