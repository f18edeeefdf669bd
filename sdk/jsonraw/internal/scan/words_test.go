package scan

import (
	"bytes"
	"strings"
	"testing"
)

// TestIndexes compares the searches by words with ones by bytes, on every byte at every place of texts around the length of
// a word.
func TestIndexes(t *testing.T) {
	for name, search := range map[string]struct {
		index func(s []byte, i int) int
		stop  func(c byte) bool
	}{
		"slash":   {func(s []byte, i int) int { n, _ := IndexSlash(s, i); return n }, func(c byte) bool { return c == '\\' }},
		"special": {IndexSpecial, func(c byte) bool { return c == '\\' || c >= 0x80 }},
		"unsafe":  {IndexUnsafe[[]byte], func(c byte) bool { return c == '\\' || c == '"' || c < 0x20 || c >= 0x80 }},
		"token":   {IndexToken, func(c byte) bool { return c == '"' || c <= ' ' }},
		"escaped": {IndexEscaped, func(c byte) bool { return c == '\\' || c == '"' || c < 0x20 }},
	} {
		for size := range 20 {
			for at := range size {
				for c := range 256 {
					text := bytes.Repeat([]byte{'a'}, size)
					text[at] = byte(c)
					want := size
					if search.stop(byte(c)) {
						want = at
					}
					if got := search.index(text, 0); got != want {
						t.Fatalf("%s in %q: %d, want %d", name, text, got, want)
					}
					if got := search.index(text, at+1); got != size {
						t.Fatalf("%s in %q from %d: %d, want %d", name, text, at+1, got, size)
					}
				}
			}
		}
	}
}

// TestSkipValue: a checked value ends where the text around it goes on.
func TestSkipValue(t *testing.T) {
	for _, value := range []string{
		`1`, `-1.5e+7`, `true`, `null`, `""`, `"a"`, `"\\"`, `"\""`, `"` + strings.Repeat(`a\"`, 40) + `"`, `[]`, `{}`,
		`[[["]"]]]`, `{"}":["{",{"\\\"":[1,2]}]}`, `["` + strings.Repeat("long ", 30) + `]"]`,
	} {
		if at, reason := Valid([]byte(value)); reason != "" {
			t.Fatalf("%s: %s at %d", value, reason, at)
		}
		for _, behind := range []string{"", ",", "]", "}", " ", `,"a"`, strings.Repeat(" ", 20)} {
			if got := SkipValue([]byte(value+behind), 0); got != len(value) {
				t.Errorf("%s before %q ends at %d", value, behind, got)
			}
		}
		for i := 1; i < len(value)-1; i++ {
			if got := SkipValue([]byte(value[:i]), 0); got > i {
				t.Errorf("%s, cut to %d bytes, ends at %d", value, i, got)
			}
		}
	}
}
