package upstream

import "bytes"

// sseDecoder reads text/event-stream as the HTML standard describes it, and what vendors make of it: no space after the
// colon, JSON without "data:", a last event without its blank line.
type sseDecoder struct {
	window         // buf[start:] begins with the first line of the pending event
	pos     int    // where the next line begins
	lf, cr  mark   // searched line ends
	max     int    // bytes of one event
	name    []byte // the pending event's name, copied because data lines are joined over it
	hasData bool
	a, b    int // the pending event's data is buf[a:b], if it has data
	hasName bool
	bare    jsonSpan // JSON that stands in the stream without a field name
	skipLF  bool     // the last line ended in CR at the end of what had arrived
	begun   bool     // the byte order mark has been dealt with
	closed  bool
	tail    []Event // what Close found, still to be delivered
	err     error
}

var bom = []byte("\xef\xbb\xbf")

func (d *sseDecoder) Err() error { return d.err }

func (d *sseDecoder) Write(p []byte) error {
	if d.err != nil {
		return d.err
	}
	if d.closed {
		return errClosed
	}
	if n := d.push(p); n > 0 {
		d.pos -= n
		d.a -= n
		d.b -= n
		d.lf.shift(n)
		d.cr.shift(n)
	}
	return nil
}

func (d *sseDecoder) Next() (Event, bool) {
	if d.closed {
		if len(d.tail) == 0 {
			return Event{}, false
		}
		e := d.tail[0]
		d.tail = d.tail[1:]
		return e, true
	}
	return d.next()
}

func (d *sseDecoder) next() (Event, bool) {
	if !d.begun && !d.begin() {
		return Event{}, false
	}
	for d.err == nil {
		from, to, ok := d.line()
		if !ok {
			if d.pos < len(d.buf) && len(d.buf)-d.start > d.max {
				d.err = tooLarge(opStream, "one event", d.max)
			}
			break
		}
		if to > from && to-d.start > d.max {
			d.err = tooLarge(opStream, "one event", d.max)
			break
		}
		e, ok := d.take(from, to)
		if !d.pending() {
			d.start = d.pos
		}
		if ok {
			return e, true
		}
	}
	return Event{}, false
}

// begin drops a leading byte order mark. It reports false while too little has arrived to tell.
func (d *sseDecoder) begin() bool {
	if len(d.buf) < len(bom) && bytes.HasPrefix(bom, d.buf) && !d.closed {
		return false
	}
	if bytes.HasPrefix(d.buf, bom) {
		d.pos, d.start = len(bom), len(bom)
	}
	d.begun = true
	return true
}

func (d *sseDecoder) pending() bool { return d.hasData || d.hasName || d.bare.open() }

// line finds the next line that has its end, buf[from:to] without it, and moves past it.
func (d *sseDecoder) line() (from, to int, ok bool) {
	if d.skipLF {
		if d.pos == len(d.buf) {
			return 0, 0, false
		}
		d.skipLF = false
		if d.buf[d.pos] == '\n' {
			d.pos++
			if !d.pending() {
				d.start = d.pos
			}
		}
	}
	from = d.pos
	lf := d.lf.next(d.buf, from, '\n')
	cr := d.cr.next(d.buf, from, '\r')
	switch {
	case lf < 0 && cr < 0:
		return 0, 0, false
	case cr < 0 || (lf >= 0 && lf < cr):
		d.pos = lf + 1
		return from, lf, true
	}
	d.pos = cr + 1
	switch {
	case d.pos == len(d.buf):
		d.skipLF = true
	case d.buf[d.pos] == '\n':
		d.pos++
	}
	return from, cr, true
}

// take consumes the line buf[from:to] and returns the event that it completes, if it does.
func (d *sseDecoder) take(from, to int) (Event, bool) {
	line := d.buf[from:to]
	if d.bare.open() {
		return d.takeBare(from, to)
	}
	if len(line) == 0 {
		return d.dispatch()
	}
	if line[0] == ':' {
		return Event{Name: commentName, Data: dropSpace(line[1:])}, true
	}
	if bytes.HasPrefix(line, []byte("data:")) {
		v := from + len("data:")
		if v < to && d.buf[v] == ' ' {
			v++
		}
		d.addData(v, to)
		return Event{}, false
	}
	if name, ok := bytes.CutPrefix(line, []byte("event:")); ok {
		d.name = append(d.name[:0], dropSpace(name)...)
		d.hasName = true
		return Event{}, false
	}
	switch {
	case string(line) == "data":
		d.addData(to, to)
	case string(line) == "event":
		d.name, d.hasName = d.name[:0], true
	case startsJSON(line):
		if d.hasData || d.hasName {
			// The pending event was not ended; it comes first and this line is read again.
			d.pos, d.skipLF = from, false
			return d.dispatch()
		}
		d.bare.begin()
		return d.takeBare(from, to)
	}
	return Event{}, false // "id", "retry" and unknown fields say nothing to an adapter
}

// addData appends buf[from:to] to the pending data. Later lines are moved up inside the buffer to touch the earlier
// ones: at least a line end and a field name lie between, so they always fit.
func (d *sseDecoder) addData(from, to int) {
	if !d.hasData {
		d.hasData, d.a, d.b = true, from, to
		return
	}
	d.buf[d.b] = '\n'
	d.b += 1 + copy(d.buf[d.b+1:], d.buf[from:to])
}

// dispatch ends the pending event. One without data says nothing and is dropped.
func (d *sseDecoder) dispatch() (Event, bool) {
	var e Event
	ok := d.hasData && d.b > d.a
	if ok {
		e.Data = d.buf[d.a:d.b]
		if d.hasName {
			e.Name = d.name
		}
	}
	d.hasData, d.hasName = false, false
	return e, ok
}

// takeBare consumes the line buf[from:to] of JSON without a field name. What follows the value is read as a line of its own.
func (d *sseDecoder) takeBare(from, to int) (Event, bool) {
	n, done := d.bare.scan(d.buf[from:to])
	if !done {
		return Event{}, false
	}
	d.pos, d.skipLF = from+n, false
	return Event{Data: bytes.TrimSpace(d.buf[d.start : from+n])}, true
}

func (d *sseDecoder) Close() error {
	if d.closed || d.err != nil {
		return d.err
	}
	partial := false
	if rest := d.buf[d.pos:]; len(rest) > 0 {
		// The unfinished last line is read like a finished one; what it lacks shows in the data.
		partial = len(rest) < len("event:") && (bytes.HasPrefix([]byte("data:"), rest) || bytes.HasPrefix([]byte("event:"), rest))
		d.buf = append(d.buf, '\n')
	}
	d.closed = true
	for {
		e, ok := d.next()
		if !ok {
			break
		}
		e.Name = bytes.Clone(e.Name) // a later one would overwrite it
		d.tail = append(d.tail, e)
	}
	if d.err != nil {
		return d.err
	}
	switch {
	case d.hasData && isComplete(d.buf[d.a:d.b]):
		e, _ := d.dispatch()
		d.tail = append(d.tail, e)
	case d.hasData && d.b > d.a, d.hasName, d.bare.open(), partial:
		d.err = ErrTruncated
	}
	return d.err
}

// dropSpace removes the one space that may follow a field's colon.
func dropSpace(v []byte) []byte {
	if len(v) > 0 && v[0] == ' ' {
		return v[1:]
	}
	return v
}

// startsJSON reports whether a line looks like the beginning of an object, of an array of objects, or is "[DONE]".
func startsJSON(line []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || (line[0] != '{' && line[0] != '[') {
		return false
	}
	rest := bytes.TrimLeft(line[1:], " \t")
	if len(rest) == 0 || bytes.Equal(line, doneMark) {
		return true
	}
	if line[0] == '{' {
		return rest[0] == '"' || rest[0] == '}'
	}
	return rest[0] == '{' || rest[0] == '[' || rest[0] == ']'
}

// jsonSpan finds the end of a JSON object or array by its brackets, resumable between lines.
type jsonSpan struct {
	active  bool
	depth   int
	inText  bool
	escaped bool
}

func (s *jsonSpan) open() bool { return s.active }
func (s *jsonSpan) begin()     { *s = jsonSpan{active: true} }

// scan reads p and returns how many bytes belong to the value, and whether it ended there.
func (s *jsonSpan) scan(p []byte) (n int, done bool) {
	for i, c := range p {
		switch {
		case s.escaped:
			s.escaped = false
		case s.inText:
			s.escaped = c == '\\'
			s.inText = c != '"'
		case c == '"':
			s.inText = true
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			if s.depth--; s.depth == 0 {
				s.active = false
				return i + 1, true
			}
		}
	}
	return len(p), false
}
