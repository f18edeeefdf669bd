package exchange

import "github.com/switchyard-gateway/switchyard/sdk/abi"

// Tail stands before a stream's sink. It keeps back a chunk that may be the last, until there is
// another or the answer is accounted for, and counts what it has passed on. One goroutine uses it.
type Tail struct {
	Sink
	contents uint64 // chunks
	bytes    uint64 // in them
	least    uint64 // in one of them
	finished bool   // a finish reason came
	holds    bool
	kind     abi.ChunkKind
	data     []byte
}

// Chunk passes a chunk on, or keeps it.
func (t *Tail) Chunk(kind abi.ChunkKind, data []byte) error {
	if err := t.Release(); err != nil {
		return err
	}
	if kind == abi.ChunkContent {
		n := uint64(len(data))
		if t.contents++; t.contents == 1 || n < t.least {
			t.least = n
		}
		t.bytes += n
		return t.Sink.Chunk(kind, data)
	}
	t.finished = t.finished || kind == abi.ChunkFinish
	if !t.finished && kind != abi.ChunkUsage {
		return t.Sink.Chunk(kind, data)
	}
	t.holds, t.kind, t.data = true, kind, append(t.data[:0], data...)
	return nil
}

// Release passes on what is kept.
func (t *Tail) Release() error {
	if !t.holds {
		return nil
	}
	t.holds = false
	return t.Sink.Chunk(t.kind, t.data)
}

// Complete makes, of what the vendor has said, the usage of an answer that ended before its end, unless the
// vendor has counted to there. It reports whether anything was guessed.
func (t *Tail) Complete(u *abi.Usage, prompt uint32) bool {
	seen := t.tokens()
	if u.Present && (t.finished || u.Completion >= seen) {
		return false
	}
	if !u.Present {
		*u = abi.Usage{Present: true, Prompt: uint64(prompt)}
	}
	u.Completion = seen
	return true
}

// tokens guesses how many went by: one a chunk, or more where chunks carry much. What the smallest has
// is taken for the frame that all have, and four bytes of the rest for a token.
func (t *Tail) tokens() uint64 { return max(t.contents, (t.bytes-t.contents*t.least)/4) }
