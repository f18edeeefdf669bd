package upstream

import "bytes"

// lineDecoder reads one JSON value a line. Blank lines are skipped; some vendors send them to keep a connection alive.
type lineDecoder struct {
	window
	lf      mark
	max     int
	closed  bool
	last    []byte // the unended last line, when it is complete
	hasLast bool
	err     error
}

func (d *lineDecoder) Err() error { return d.err }

func (d *lineDecoder) Write(p []byte) error {
	if d.err != nil {
		return d.err
	}
	if d.closed {
		return errClosed
	}
	if n := d.push(p); n > 0 {
		d.lf.shift(n)
	}
	return nil
}

func (d *lineDecoder) Next() (Event, bool) {
	for d.err == nil {
		end := d.lf.next(d.buf, d.start, '\n')
		size := end - d.start
		if end < 0 {
			size = len(d.buf) - d.start
		}
		if size > d.max {
			d.err = tooLarge(opStream, "one line", d.max)
			break
		}
		if end < 0 {
			break
		}
		line := trimLine(d.buf[d.start:end])
		d.start = end + 1
		if len(line) > 0 {
			return Event{Data: line}, true
		}
	}
	if d.hasLast {
		d.hasLast = false
		return Event{Data: d.last}, true
	}
	return Event{}, false
}

func (d *lineDecoder) Close() error {
	if d.closed || d.err != nil {
		return d.err
	}
	d.closed = true
	end := d.start + bytes.LastIndexByte(d.buf[d.start:], '\n') + 1
	rest := trimLine(d.buf[end:])
	switch {
	case len(rest) == 0:
	case isComplete(rest):
		d.last, d.hasLast = rest, true
	default:
		d.err = ErrTruncated
	}
	return d.err
}

func trimLine(line []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(line, bom))
}
