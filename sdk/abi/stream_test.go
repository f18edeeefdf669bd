package abi

import (
	"bytes"
	"testing"
)

func TestChunksInPieces(t *testing.T) {
	var c Chunks
	for i, text := range []string{"", "a", "some text"} {
		at := len(c)
		c = append(c.Open(ChunkContent), text...)
		c.Close(at)
		if want := uint32(i + 1); c.Len() != want {
			t.Errorf("%d chunks, want %d", c.Len(), want)
		}
	}
	if whole := Chunks(nil).Append(ChunkContent, nil).Append(ChunkContent, []byte("a")).Append(ChunkContent, []byte("some text")); !bytes.Equal(c, whole) {
		t.Errorf("%q, want %q", c, whole)
	}
	if n := c[:len(c)-1].Len(); n != 2 {
		t.Errorf("%d chunks in a cut list", n)
	}
}

func TestCut(t *testing.T) {
	e := Events(nil).Append([]byte("ping"), nil).Append(nil, []byte("{}"))
	var got []string
	for name, data, rest, ok := e.Cut(); ok; name, data, rest, ok = rest.Cut() {
		got = append(got, string(name)+"="+string(data))
	}
	if len(got) != 2 || got[0] != "ping=" || got[1] != "={}" {
		t.Errorf("%q", got)
	}
	for n := range e {
		seen := 0
		for _, _, rest, ok := e[:n].Cut(); ok; _, _, rest, ok = rest.Cut() {
			seen++
		}
		if seen > 1 {
			t.Errorf("%d events in %d of %d bytes", seen, n, len(e))
		}
	}
}
