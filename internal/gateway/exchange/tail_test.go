package exchange

import (
	"errors"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// taker is a sink that takes so many chunks.
type taker struct {
	got  []string
	most int
}

func (k *taker) Chunk(_ abi.ChunkKind, data []byte) error {
	if len(k.got) == k.most {
		return errors.New("gone")
	}
	k.got = append(k.got, string(data))
	return nil
}

func (*taker) Flush() error { return nil }

// kinds of chunks, by their first letter.
var kinds = map[byte]abi.ChunkKind{'c': abi.ChunkContent, 'f': abi.ChunkFinish, 'u': abi.ChunkUsage, 'm': abi.ChunkMeta}

func TestTail(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		chunks, before, after string // what the sink has before and after the release
	}{
		{"", "", ""},
		{"m1 c2 c3", "m1 c2 c3", "m1 c2 c3"},
		{"m1 c2 f3", "m1 c2", "m1 c2 f3"},
		{"c1 f2 u3", "c1 f2", "c1 f2 u3"},
		{"c1 u2 c3", "c1 u2 c3", "c1 u2 c3"},
		{"c1 f2 c3", "c1 f2 c3", "c1 f2 c3"}, // of another choice
		{"c1 f2 c3 f4", "c1 f2 c3", "c1 f2 c3 f4"},
		{"c1 f2 m3", "c1 f2", "c1 f2 m3"},
		{"u1", "", "u1"},
	} {
		k := &taker{most: 100}
		tail := Tail{Sink: k}
		for c := range strings.FieldsSeq(tc.chunks) {
			data := []byte(c)
			if err := tail.Chunk(kinds[c[0]], data); err != nil {
				t.Fatal(err)
			}
			copy(data, "xx") // it is valid only during the call
		}
		if got := strings.Join(k.got, " "); got != tc.before {
			t.Errorf("%q: before %q", tc.chunks, got)
		}
		for range 2 {
			if err := tail.Release(); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(k.got, " "); got != tc.after {
			t.Errorf("%q: after %q", tc.chunks, got)
		}
	}
	tail := Tail{Sink: &taker{most: 1}}
	if err := errors.Join(tail.Chunk(abi.ChunkContent, nil), tail.Chunk(abi.ChunkFinish, nil)); err != nil {
		t.Fatal(err)
	}
	if tail.Chunk(abi.ChunkUsage, nil) == nil {
		t.Error("the sink's error is lost")
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		chunks  string
		said    abi.Usage
		want    abi.Usage
		guessed bool
	}{
		{"", abi.Usage{}, abi.Usage{Present: true, Prompt: 7}, true},
		{"m c c u", abi.Usage{}, abi.Usage{Present: true, Prompt: 7, Completion: 2}, true},
		{"c c", abi.Usage{Present: true, Prompt: 5, Completion: 1, Cached: 4}, abi.Usage{Present: true, Prompt: 5, Completion: 2, Cached: 4}, true},
		{"c c", abi.Usage{Present: true, Prompt: 5, Completion: 2}, abi.Usage{Present: true, Prompt: 5, Completion: 2}, false},
		{"c c f", abi.Usage{Present: true, Prompt: 5, Completion: 1}, abi.Usage{Present: true, Prompt: 5, Completion: 1}, false},
		{"c c f", abi.Usage{}, abi.Usage{Present: true, Prompt: 7, Completion: 2}, true},
	} {
		tail := Tail{Sink: &taker{most: 100}}
		for c := range strings.FieldsSeq(tc.chunks) {
			if err := tail.Chunk(kinds[c[0]], nil); err != nil {
				t.Fatal(err)
			}
		}
		u := tc.said
		if guessed := tail.Complete(&u, 7); u != tc.want || guessed != tc.guessed {
			t.Errorf("%q, %+v was said: %+v, guessed %v", tc.chunks, tc.said, u, guessed)
		}
	}
}
