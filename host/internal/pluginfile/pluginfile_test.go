package pluginfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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
	if err := os.Symlink("good.wasm", filepath.Join(dir, "link.wasm")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.wasm"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.wasm"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe.wasm", filepath.Join(dir, "elbow.wasm")); err != nil {
		t.Fatal(err)
	}
	for _, plugin := range []string{"good", "link"} {
		if data, info, err := f.Read(plugin, int64(len(module))); err != nil || string(data) != module || info.Size() != int64(len(module)) {
			t.Fatalf("%s: %q, %v", plugin, data, err)
		}
	}
	const notAName = "a plugin's name is a file name"
	for _, tc := range []struct{ plugin, want string }{
		{"", notAName}, {"good.wasm", notAName}, {"../good", notAName}, {"/good", notAName}, {"a/good", notAName}, {".hidden", notAName}, {"..", notAName},
		{"long", "more than 12 bytes"},
		{"folder", "it is not a regular file: its mode is drwx"},
		{"pipe", "it is not a regular file: its mode is prw"},
		{"elbow", "it is not a regular file: its mode is prw"},
		{"text", `it starts with "#!/bin/s"`},
		{"goof", `no such file; the folder has .hidden, elbow, folder, good, link, long, pipe, text; did you mean "good"?`},
		{"elsewhere", "no such file; the folder has .hidden, elbow, folder, good, link, long, pipe, text: "},
	} {
		data, _, err := f.Read(tc.plugin, int64(len(module)))
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
	_, _, err := empty.Read("good", 12)
	if said := empty.Explain("good", err); !strings.Contains(said.Error(), "the folder has no other plugin") {
		t.Errorf("%q does not say that the folder is empty", said)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.wasm")
	look := func() fs.FileInfo {
		t.Helper()
		_, info, err := Folder(dir).Read("a", 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, string(magic))
	first := look()
	if !Same(first, look()) {
		t.Error("a file that nobody touched differs")
	}
	later := first.ModTime().Add(time.Second)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	touched := look()
	if Same(first, touched) {
		t.Error("a file that was touched is the same")
	}
	write(path+".new", string(magic))
	if err := os.Chtimes(path+".new", later, later); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if Same(touched, look()) {
		t.Error("a file that was replaced is the same")
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

// TestSilentChange changes a file without a trace in its size, its number or the time that it says. The system's clock of changes
// takes milliseconds to move on.
func TestSilentChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, at := filepath.Join(dir, "a.wasm"), time.Now().Add(-time.Hour)
	put := func(text string) fs.FileInfo {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		file, err := Folder(dir).Look("a")
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	first := put("one")
	if file, err := Folder(dir).Look("a"); err != nil || !Same(first, file) {
		t.Errorf("nobody has changed it, and it is another: %v", err)
	}
	same := true
	for n := 0; same && n < 1_000_000; n++ {
		same = Same(first, put("two"))
	}
	if same {
		t.Error("it was changed, and is the same")
	}
	if Changed(first).Equal(at) {
		t.Error("it is as old as it says")
	}
}
