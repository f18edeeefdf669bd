package codecache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// abandoned is the age at which a file that belongs to no entry, or a work folder, is nobody's: far more than any
// compilation may take.
const abandoned = time.Hour

// stored is an entry as pruning sees it.
type stored struct {
	path string
	code string // absolute; entries may share it
	size int64  // of the entry's file
	used time.Time
	keep bool
}

// Prune removes what belongs to no entry any more, then the entries used longest ago, until the folder has at most max
// bytes. Those that inUse names stay, and count as used now. It does nothing while anybody else loads, keeps or prunes.
func (f *Folder) Prune(max int64, inUse func(Key) bool) error {
	unlock, err := f.tryLock()
	if err != nil || unlock == nil {
		return err
	}
	defer unlock()
	now := time.Now()
	entries, err := f.entries(inUse, now)
	codes := map[string]*code{}
	err = errors.Join(err, f.codes(codes))
	var total int64
	for _, e := range entries {
		total += e.size
		if c := codes[e.code]; c != nil {
			c.entries++
		}
	}
	for path, c := range codes {
		if c.entries == 0 && now.Sub(c.written) > abandoned {
			err = errors.Join(err, remove(path))
		} else {
			total += c.size
		}
	}
	err = errors.Join(err, f.removeWork(now))
	slices.SortFunc(entries, func(a, b stored) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if total <= max {
			break
		}
		if e.keep {
			continue
		}
		err = errors.Join(err, remove(e.path))
		total -= e.size
		if c := codes[e.code]; c != nil {
			if c.entries--; c.entries == 0 {
				err = errors.Join(err, remove(e.code))
				total -= c.size
			}
		}
	}
	if err != nil {
		return fmt.Errorf("pruning the compilation cache %q: %w", f.dir, err)
	}
	return nil
}

// entries lists all entries, touching those in use. One that can't be read is removed.
func (f *Folder) entries(inUse func(Key) bool, now time.Time) (list []stored, err error) {
	files, err := os.ReadDir(filepath.Join(f.dir, modulesDir))
	for _, file := range files {
		e := stored{path: filepath.Join(f.dir, modulesDir, file.Name())}
		info, infoErr := file.Info()
		if infoErr != nil {
			continue // gone
		}
		h, readErr := readHeader(e.path)
		if readErr != nil {
			err = errors.Join(err, remove(e.path))
			continue
		}
		e.code, e.size, e.used = filepath.Join(f.dir, filepath.FromSlash(h.code)), info.Size(), info.ModTime()
		var key Key
		if n, _ := hex.Decode(key[:], []byte(file.Name())[:min(2*len(key), len(file.Name()))]); n == len(key) && inUse(key) {
			e.used, e.keep = now, true
			_ = os.Chtimes(e.path, now, now) // at worst it goes too early
		}
		list = append(list, e)
	}
	return list, err
}

func readHeader(path string) (header, error) {
	file, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer file.Close()
	line := make([]byte, maxLine)
	n, err := io.ReadFull(file, line)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return header{}, err
	}
	h, _, err := parseHeader(line[:n])
	return h, err
}

// code is a file of native code.
type code struct {
	size    int64
	written time.Time
	entries int // that need it
}

// codes adds all files of native code, by path.
func (f *Folder) codes(to map[string]*code) error {
	paths, err := filepath.Glob(filepath.Join(f.dir, "wazero-*", "*"))
	for _, path := range paths {
		info, statErr := os.Lstat(path)
		if statErr == nil {
			to[path] = &code{size: info.Size(), written: info.ModTime()}
		} else if !errors.Is(statErr, fs.ErrNotExist) {
			err = errors.Join(err, statErr)
		}
	}
	return err
}

// removeWork removes the work folders of compilations that ended without their parent.
func (f *Folder) removeWork(now time.Time) error {
	dirs, err := filepath.Glob(filepath.Join(f.dir, workPrefix+"*"))
	for _, dir := range dirs {
		if info, statErr := os.Lstat(dir); statErr == nil && now.Sub(info.ModTime()) > abandoned {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}
