// Package pluginfile reads plugins from a folder: import it to get a module's bytes by the plugin's name, or a sentence that helps.
package pluginfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

var magic = []byte("\x00asm\x01\x00\x00\x00")

// Folder is the path of a folder of plugins.
type Folder string

// Path returns where a plugin's file is, or would be.
func (f Folder) Path(plugin string) string { return filepath.Join(string(f), plugin+".wasm") }

var errPluginName = errors.New("a plugin's name is a file name without folder and without .wasm")

// Read returns a plugin file's bytes, and what file they are from, if it can be a module of at most limit bytes. It does
// not wait for anything: what is not a regular file, or a link to one, is refused.
func (f Folder) Read(plugin string, limit int64) ([]byte, fs.FileInfo, error) {
	if plugin == "" || plugin != filepath.Base(plugin) || strings.HasSuffix(plugin, ".wasm") || strings.HasPrefix(plugin, ".") {
		return nil, nil, errPluginName
	}
	// Opening a named pipe would else last until somebody writes to it.
	file, err := os.OpenFile(f.Path(plugin), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("it is not a regular file: its mode is %s", info.Mode())
	}
	var content bytes.Buffer
	content.Grow(int(min(info.Size(), limit)) + bytes.MinRead) // modules are large, and growing would allocate several times that
	_, err = content.ReadFrom(io.LimitReader(file, limit+1))
	data := content.Bytes()
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("reading it: %w", err)
	case int64(len(data)) > limit:
		return nil, nil, fmt.Errorf("it has more than %d bytes, the most that a module may have", limit)
	case !bytes.HasPrefix(data, magic):
		return nil, nil, fmt.Errorf("it is not a WebAssembly 1.0 module: it starts with %q", data[:min(len(data), len(magic))])
	}
	return data, info, nil
}

// Look returns what file a plugin has, without reading it.
func (f Folder) Look(plugin string) (fs.FileInfo, error) { return os.Stat(f.Path(plugin)) }

// Same reports whether nobody has replaced, written or touched a file between two looks at it. A file's own time is not
// enough, as archives and copies set it, and a new file may have the old one's number.
func Same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && Changed(a).Equal(Changed(b))
}

// Explain returns the error of a Read; that of a missing file becomes a sentence that says what the folder has.
func (f Folder) Explain(plugin string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, globErr := filepath.Glob(filepath.Join(string(f), "*.wasm"))
	if globErr != nil || len(files) == 0 {
		return fmt.Errorf("no such file, and the folder has no other plugin: %w", fs.ErrNotExist)
	}
	for i, path := range files {
		files[i] = strings.TrimSuffix(filepath.Base(path), ".wasm")
	}
	hint := ""
	if near := nearest(plugin, files); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("no such file; the folder has %s%s: %w", strings.Join(files, ", "), hint, fs.ErrNotExist)
}

// nearest returns the name that is at most a third of its letters away from what was asked for, "" when none is.
func nearest(asked string, names []string) string {
	best, bestAt := "", len(asked)/3+2
	for _, name := range names {
		if d := distance(asked, name); d < bestAt {
			best, bestAt = name, d
		}
	}
	return best
}

// distance counts the insertions, deletions and substitutions between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
