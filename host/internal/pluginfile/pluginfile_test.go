package pluginfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	module := string(magic) + "rest"
	for name, text := range map[string]string{"good.wasm": module, "long.wasm": module + "!", "text.wasm": "#!/bin/sh", "good.txt": module, ".hidden.wasm": module} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := Folder(dir)
	if data, err := f.Read("good", int64(len(module))); err != nil || string(data) != module {
		t.Fatalf("%q, %v", data, err)
	}
	const notAName = "a plugin's name is a file name"
	for _, tc := range []struct{ plugin, want string }{
		{"", notAName}, {"good.wasm", notAName}, {"../good", notAName}, {"/good", notAName}, {"a/good", notAName}, {".hidden", notAName}, {"..", notAName},
		{"long", "more than 12 bytes"},
		{"text", `it starts with "#!/bin/s"`},
		{"goof", `no such file; the folder has .hidden, good, long, text; did you mean "good"?`},
		{"elsewhere", "no such file; the folder has .hidden, good, long, text: "},
	} {
		data, err := f.Read(tc.plugin, int64(len(module)))
		if err == nil {
			t.Errorf("%q: read %q", tc.plugin, data)
			continue
		}
		if said := f.Explain(tc.plugin, err); !strings.Contains(said.Error(), tc.want) {
			t.Errorf("%q: %q does not say %q", tc.plugin, said, tc.want)
		} else if errors.Is(err, fs.ErrNotExist) != errors.Is(said, fs.ErrNotExist) {
			t.Errorf("%q: %v became %v", tc.plugin, err, said)
		}
	}
	empty := Folder(t.TempDir())
	_, err := empty.Read("good", 12)
	if said := empty.Explain("good", err); !strings.Contains(said.Error(), "the folder has no other plugin") {
		t.Errorf("%q does not say that the folder is empty", said)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"latency", "latncy", 1}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("%q to %q: %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
