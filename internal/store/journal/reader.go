package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// reader is where the one reader of a journal keeps its file and buffer between calls.
type reader struct {
	number uint64
	file   *os.File
	buf    []byte
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

// at opens the segment's file, unless it is the one that is open.
func (r *reader) at(path string, number uint64) (*os.File, error) {
	if r.file != nil && r.number == number {
		return r.file, nil
	}
	r.close()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r.file, r.number = f, number
	return f, nil
}

// Next passes the records from a position on to yield, as many as fit into limit bytes but at
// least one, and returns the position after them: the same when there is none yet. A record's
// bytes are yield's until it returns. What was torn by a crash, or damaged, is passed over up to
// the segment's end, and counted in Stats.
//
// It is for one goroutine at a time.
func (j *Journal) Next(from Position, limit int, yield func(rec []byte)) (Position, error) {
	for {
		s, last := j.segmentAt(from.Segment)
		if s == nil {
			return from, nil
		}
		if from.Segment != s.number {
			from = Position{Segment: s.number}
		}
		from.Offset = max(from.Offset, headerSize)
		n, err := j.readFrom(s, from.Offset, limit, yield)
		if err != nil {
			return from, fmt.Errorf("reading the journal: %w", err)
		}
		from.Offset += n
		if n > 0 || last {
			return from, nil
		}
		from = Position{Segment: s.number + 1}
	}
}

// segmentAt returns a copy of the first segment whose number is not below, and whether more
// records may still come to it.
func (j *Journal) segmentAt(number uint64) (s *segment, growing bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.segments {
		if t.number >= number {
			return &segment{number: t.number, size: t.size}, t == j.active
		}
	}
	return nil, false
}

// readFrom yields the frames of a segment from an offset on and returns how far it came; 0 is the
// end of what is there.
func (j *Journal) readFrom(s *segment, offset int64, limit int, yield func(rec []byte)) (int64, error) {
	left := s.size - offset
	if left <= 0 {
		return 0, nil
	}
	f, err := j.read.at(path(j.dir, s.number), s.number)
	if err != nil {
		return 0, err
	}
	want := int(min(left, int64(max(limit, frameHead+MaxRecord))))
	if cap(j.read.buf) < want {
		j.read.buf = make([]byte, want)
	}
	b := j.read.buf[:want]
	if n, err := f.ReadAt(b, offset); err != nil && err != io.EOF {
		return 0, err
	} else if n < want { // somebody has shortened the file
		b, left = b[:n], int64(n)
	}
	done := 0
	for done < len(b) {
		rec, n, ok := frame(b[done:])
		if ok && n == 0 && int64(len(b)) < left {
			break // the rest of this frame is behind the buffer
		}
		if !ok || n == 0 {
			j.mu.Lock()
			j.stats.Cut += uint64(left - int64(done))
			j.mu.Unlock()
			return s.size - offset, nil
		}
		yield(rec)
		done += n
	}
	return int64(done), nil
}

// Release deletes the segments that lie wholly before a position. Whoever calls it has put what
// they hold in a safe place.
func (j *Journal) Release(before Position) error {
	j.mu.Lock()
	var gone []*segment
	for len(j.segments) > 0 && j.segments[0] != j.active && j.segments[0].number < before.Segment {
		gone = append(gone, j.segments[0])
		j.bytes -= j.segments[0].size
		j.segments = j.segments[1:]
	}
	j.newFiles = j.newFiles || len(gone) > 0
	j.mu.Unlock()
	var errs []error
	for _, s := range gone {
		if j.read.number == s.number {
			j.read.close()
		}
		if err := os.Remove(path(j.dir, s.number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err) // it will be read again after the next start, and found to be known
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("deleting what the journal no longer needs: %w", err)
	}
	return nil
}
