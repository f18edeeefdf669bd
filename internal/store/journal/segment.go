package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment's file begins with
//
//	"SYJ1" | u32 CRC-32C of the rest of the header | 16 bytes journal ID | u64 number
//
// and goes on with frames of u32 length | u32 CRC-32C of the length and the record | record, all
// little-endian. No record is empty, so a run of zero bytes is no frame.
const (
	magic      = "SYJ1"
	headerSize = 32
	frameHead  = 8
	suffix     = ".journal"
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// segment is one file. Size is where the next record goes, or the file's length when an earlier
// process wrote it.
type segment struct {
	number uint64
	size   int64
	file   file // nil when it is not the active one
}

// file is what the journal needs of a segment's file.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

// files makes segments. Tests put a disk that is full or slow in its place.
type files interface {
	create(path string) (file, error)
}

type disk struct{}

func (disk) create(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
}

func appendFrame(dst, rec []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = append(dst, rec...)
	le.PutUint32(dst[at:], uint32(len(rec)))
	le.PutUint32(dst[at+4:], frameSum(dst[at:at+4], rec))
	return dst
}

func frameSum(length, rec []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, rec)
}

// frame cuts the first record off b. n is the length of its frame, 0 when b does not hold a whole
// one. ok is false when b begins with something else than a frame.
func frame(b []byte) (rec []byte, n int, ok bool) {
	if len(b) < frameHead {
		return nil, 0, true
	}
	size := le.Uint32(b)
	if size == 0 || size > MaxRecord {
		return nil, 0, false
	}
	n = frameHead + int(size)
	if len(b) < n {
		return nil, 0, true
	}
	rec = b[frameHead:n:n]
	if le.Uint32(b[4:]) != frameSum(b[:4], rec) {
		return nil, 0, false
	}
	return rec, n, true
}

func header(id ID, number uint64) []byte {
	b := make([]byte, headerSize)
	copy(b, magic)
	copy(b[8:], id[:])
	le.PutUint64(b[24:], number)
	le.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	return b
}

func path(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x%s", number, suffix))
}

// list finds the segments in a folder, oldest first, and the journal's identity. One whose header
// is not whole was being made when its process ended; it has no records and is deleted.
func list(dir string) (segments []*segment, id ID, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, id, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		number, err := strconv.ParseUint(name, 16, 64)
		if !ok || err != nil || e.Name() != filepath.Base(path(dir, number)) {
			continue
		}
		s, its, err := inspect(path(dir, number), number)
		if err != nil {
			return nil, id, err
		}
		if s == nil {
			continue
		}
		if len(segments) > 0 && its != id {
			return nil, id, fmt.Errorf("segment %q belongs to another journal than those before it", e.Name())
		}
		id = its
		segments = append(segments, s)
	}
	slices.SortFunc(segments, func(a, b *segment) int { return cmp.Compare(a.number, b.number) })
	return segments, id, nil
}

func inspect(path string, number uint64) (*segment, ID, error) {
	var id ID
	f, err := os.Open(path)
	if err != nil {
		return nil, id, err
	}
	defer f.Close()
	head := make([]byte, headerSize)
	_, err = io.ReadFull(f, head)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil && bytes.Equal(head, make([]byte, headerSize)):
		return nil, id, os.Remove(path)
	case err != nil:
		return nil, id, err
	}
	id = ID(head[8:24])
	if !bytes.Equal(head, header(id, number)) {
		return nil, id, fmt.Errorf("%q is not a segment of a journal that this version knows", path)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, id, err
	}
	return &segment{number: number, size: info.Size()}, id, nil
}

// begin makes the next segment the active one. It is the writer's.
func (j *Journal) begin() error {
	j.last++ // a number whose file could not be made is not used again
	name := path(j.dir, j.last)
	f, err := j.fs.create(name)
	if err != nil {
		return fmt.Errorf("beginning a segment: %w", err)
	}
	_, err = f.Write(header(j.id, j.last))
	if err == nil && j.opts.SyncAlways {
		err = syncFolder(j.dir)
	}
	if err != nil {
		f.Close()
		_ = os.Remove(name) // what stays has no records
		return fmt.Errorf("beginning a segment: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.active != nil {
		j.retire()
	}
	j.active = &segment{number: j.last, size: headerSize, file: f}
	j.segments = append(j.segments, j.active)
	j.bytes += headerSize
	j.newFiles = true
	return nil
}

// retire hands the active segment's file to the syncer.
func (j *Journal) retire() {
	j.retired = append(j.retired, j.active.file)
	j.active.file, j.active = nil, nil
}
