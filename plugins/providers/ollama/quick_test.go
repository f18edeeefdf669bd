package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

// TestQuick changes every byte of a line that is handled without being parsed: it must give what the same line gives
// behind a space, which sends it the long way.
func TestQuick(t *testing.T) {
	host := sdktest.NewProvider(t, newPlugin(), "")
	play := func(state []byte, line string) (state2, chunks []byte, done bool) {
		out, err := host.Stream(streamInput(state, line))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(out.State), bytes.Clone(out.Chunks), out.Done
	}
	state, _, _ := play(nil, textLine)
	for _, line := range []string{textLine, benchLoad.Event(""), benchLoad.Event(`\"é\u00e9`)} {
		for i := range len(line) + 1 {
			for _, c := range []string{"", "\"", "\\", "1", "}", " ", "\n"} {
				changed := line
				if i < len(line) {
					changed = line[:i] + c + line[i+1:]
				}
				s1, c1, d1 := play(state, changed)
				s2, c2, d2 := play(state, " "+changed)
				if !bytes.Equal(s1, s2) || !bytes.Equal(c1, c2) || d1 != d2 {
					t.Fatalf("%s\ngives        %q\nthe long way %q", changed, c1, c2)
				}
			}
		}
	}
}
