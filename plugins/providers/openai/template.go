package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// template is the shortest way from an event to its chunk. Most events of a stream differ from the one before in a
// single text; where that is so, the chunk does too. A template is what stands around the text on either side. It
// holds until an event does not fit it, since up to there nothing else in the stream's state can change.
type template struct {
	before, after       []byte // of the event, up to the text's opening and from its closing quote, both included
	outBefore, outAfter []byte // of the chunk

	own [4][]byte // memory for the four
}

// maxTemplate is how much of the state a template may take.
const maxTemplate = 4 << 10

func (t *template) drop() {
	if t.before != nil {
		t.before, t.after, t.outBefore, t.outAfter = nil, nil, nil, nil
	}
}

// apply writes the chunk of the event data if it fits.
func (p *plugin) apply(data []byte, out *abi.StreamOutput) bool {
	t := &p.stream.template
	n := len(data) - len(t.after) + 1 // behind the closing quote
	if len(t.before) == 0 || n <= len(t.before)+1 || !begins(data, t.before) || !begins(data[n-1:], t.after) {
		return false
	}
	text := data[len(t.before)-1 : n]
	if jsonraw.Valid(text) != nil {
		return false
	}
	at := len(out.Chunks)
	c := append(append(out.Chunks.Open(abi.ChunkContent), t.outBefore...), text[1:len(text)-1]...)
	if c = append(c, t.outAfter...); cap(c) == cap(out.Chunks) {
		out.Chunks = out.Chunks[:len(c)]
	} else {
		out.Chunks = c
	}
	out.Chunks.Close(at)
	return true
}

// begins is bytes.HasPrefix. In a guest, where that goes word by word, it is several times as quick.
func begins(data, prefix []byte) bool {
	if len(data) < len(prefix) {
		return false
	}
	for len(prefix) >= 32 {
		d, p := data[:32], prefix[:32]
		if (le.Uint64(d)^le.Uint64(p))|(le.Uint64(d[8:])^le.Uint64(p[8:]))|
			(le.Uint64(d[16:])^le.Uint64(p[16:]))|(le.Uint64(d[24:])^le.Uint64(p[24:])) != 0 {
			return false
		}
		data, prefix = data[32:], prefix[32:]
	}
	return string(data[:len(prefix)]) == string(prefix)
}

// spot is where the one text of an event stands in the chunk that is being written.
type spot struct {
	text  jsonraw.Node // a string of the event; 0 unless it is the only thing that the event says
	start int          // behind its opening quote in the chunk
}

// learn makes a template of an event that was one chunk, if the chunk says nothing but one text.
func (p *plugin) learn(data, chunk []byte) {
	inner := len(p.doc.Inner(p.spot.text))
	if inner == 0 || len(data)+len(chunk) > maxTemplate {
		return
	}
	t, start := &p.stream.template, p.doc.Offset(p.spot.text)
	t.before = append(t.own[0][:0], data[:start+1]...)
	t.after = append(t.own[1][:0], data[start+1+inner:]...)
	t.outBefore = append(t.own[2][:0], chunk[:p.spot.start]...)
	t.outAfter = append(t.own[3][:0], chunk[p.spot.start+inner:]...)
	t.own = [4][]byte{t.before, t.after, t.outBefore, t.outAfter}
}
