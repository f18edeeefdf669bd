package codecache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Key names an entry.
type Key [sha256.Size]byte

// KeyOf derives a key from everything that decides what compiled code looks like.
func KeyOf(parts ...[]byte) Key {
	sum := sha256.New()
	for _, p := range parts {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(p)))
		sum.Write(size[:])
		sum.Write(p)
	}
	return Key(sum.Sum(nil))
}

// DamageError says that an entry could not be used. It is removed, and compiling again puts it right.
type DamageError struct{ Cause string }

func (e *DamageError) Error() string { return "the compiled code in the cache is damaged: " + e.Cause }

// An entry's file starts with a line of text:
//
//	switchyard code 1 <name of the code's file below the folder> <its size> <its checksum> <the module's size> <its checksum>
//
// The module follows. The checksums, CRC-32C in hexadecimal, tell accidents, not attacks: who can write here has won.
const (
	headline = "switchyard code 1 %s %d %08x %d %08x\n"
	maxLine  = 512
)

var crc = crc32.MakeTable(crc32.Castagnoli)

// header is the first line of an entry's file.
type header struct {
	code       string // slash-separated, below the folder
	codeSize   int64
	codeSum    uint32
	moduleSize int64
	moduleSum  uint32
}

func (h *header) String() string {
	return fmt.Sprintf(headline, h.code, h.codeSize, h.codeSum, h.moduleSize, h.moduleSum)
}

// parseHeader reads the start of an entry's file and returns what follows the line.
func parseHeader(data []byte) (h header, rest []byte, err error) {
	line, _, ok := strings.Cut(string(data[:min(len(data), maxLine)]), "\n")
	if !ok {
		return h, nil, errors.New("its first line has no end")
	}
	if _, err := fmt.Sscanf(line+"\n", headline, &h.code, &h.codeSize, &h.codeSum, &h.moduleSize, &h.moduleSum); err != nil {
		return h, nil, fmt.Errorf("its first line can't be read: %w", err)
	}
	if !filepath.IsLocal(filepath.FromSlash(h.code)) || h.String() != line+"\n" {
		return h, nil, errors.New("its first line is not as it was written")
	}
	return h, data[len(line)+1:], nil
}

// Work returns a new folder for one compilation, on the same disk. It ends with [Folder.Discard].
func (f *Folder) Work() (string, error) {
	dir, err := os.MkdirTemp(f.dir, workPrefix)
	if err != nil {
		return "", fmt.Errorf("making room in the compilation cache: %w", err)
	}
	return dir, nil
}

// Discard removes a work folder with what is left there. What can't be removed now, Prune removes later.
func (f *Folder) Discard(work string) { _ = os.RemoveAll(work) }

// entryFile is the entry's name in a work folder.
const entryFile = "entry"

// Finish completes a work folder in which a runtime has compiled module, and nothing else. It may run in another process
// than Keep.
func Finish(work string, module []byte) error {
	code, err := Code(work)
	if err != nil {
		return err
	}
	h := header{code: code, moduleSize: int64(len(module)), moduleSum: crc32.Checksum(module, crc)}
	if h.codeSize, h.codeSum, err = checksum(filepath.Join(work, filepath.FromSlash(code))); err != nil {
		return fmt.Errorf("reading what was compiled: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(work, entryFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keeping what was compiled: %w", err)
	}
	_, err = file.WriteString(h.String())
	if err == nil {
		_, err = file.Write(module)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keeping what was compiled: %w", err)
	}
	return nil
}

// Code returns the slash-separated name, below a work folder, that wazero has given to the only code there. It depends
// on the module, on wazero's version, and on the processor.
func Code(work string) (string, error) {
	found, err := filepath.Glob(filepath.Join(work, "wazero-*", "*"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("the compiler left %d files instead of 1", len(found))
	}
	rel, err := filepath.Rel(work, found[0])
	if err != nil {
		return "", fmt.Errorf("naming what was compiled: %w", err)
	}
	return filepath.ToSlash(rel), nil
}

// Keep moves what Finish left in a work folder into the cache, under a key, and then gives the module to use as Load
// does.
func (f *Folder) Keep(key Key, work string, use func(module []byte) error) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	module, err := f.move(key, work)
	if err != nil {
		return fmt.Errorf("keeping what was compiled: %w", err)
	}
	return use(module)
}

func (f *Folder) move(key Key, work string) (module []byte, err error) {
	data, err := os.ReadFile(filepath.Join(work, entryFile))
	if err != nil {
		return nil, err
	}
	h, module, err := parseHeader(data)
	if err != nil {
		return nil, err
	}
	if code, err := Code(work); err != nil || code != h.code {
		return nil, errors.Join(fmt.Errorf("the code is not %s", h.code), err)
	}
	to := filepath.Join(f.dir, filepath.FromSlash(h.code))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return nil, err
	}
	// The code first: an entry must not name what is not there.
	if err := os.Rename(filepath.Join(work, filepath.FromSlash(h.code)), to); err != nil {
		return nil, err
	}
	return module, os.Rename(filepath.Join(work, entryFile), f.entry(key))
}

// Load looks for an entry and, when it is whole, gives its module to use while nothing of it can be pruned: a runtime on
// this folder finds the code then. Without an entry it returns false; with a damaged one also a *DamageError. When it
// returns true, the error is that of use.
func (f *Folder) Load(key Key, use func(module []byte) error) (bool, error) {
	unlock, err := f.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	data, err := os.ReadFile(f.entry(key))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var module []byte
	if err == nil {
		module, err = f.verify(data)
	}
	if err != nil {
		// A reader that is as late finds nothing either, and compiles too.
		return false, errors.Join(&DamageError{err.Error()}, remove(f.entry(key)))
	}
	// Pruning goes by these times. That a folder can't be written to shows elsewhere.
	now := time.Now()
	_ = os.Chtimes(f.entry(key), now, now)
	return true, use(module)
}

// CodeSize returns how many bytes the code of an entry has.
func (f *Folder) CodeSize(key Key) (int64, error) {
	file, err := os.Open(f.entry(key))
	if err != nil {
		return 0, fmt.Errorf("looking at compiled code: %w", err)
	}
	defer file.Close()
	start := make([]byte, maxLine)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("looking at compiled code: %w", err)
	}
	h, _, err := parseHeader(start[:n])
	if err != nil {
		return 0, fmt.Errorf("looking at compiled code: %w", err)
	}
	return h.codeSize, nil
}

// verify returns the module of an entry whose code is there and as it was.
func (f *Folder) verify(data []byte) ([]byte, error) {
	h, module, err := parseHeader(data)
	if err != nil {
		return nil, err
	}
	if int64(len(module)) != h.moduleSize || crc32.Checksum(module, crc) != h.moduleSum {
		return nil, errors.New("the module has changed")
	}
	size, sum, err := checksum(filepath.Join(f.dir, filepath.FromSlash(h.code)))
	if err != nil {
		return nil, err
	}
	if size != h.codeSize || sum != h.codeSum {
		return nil, errors.New("the code has changed")
	}
	return module, nil
}

func (f *Folder) entry(key Key) string {
	return filepath.Join(f.dir, modulesDir, hex.EncodeToString(key[:]))
}

// checksum returns a file's size and CRC-32C.
func checksum(path string) (size int64, sum uint32, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	h := crc32.New(crc)
	size, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{file}, make([]byte, 256<<10))
	return size, h.Sum32(), err
}

// remove is os.Remove for what another process may have removed already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
