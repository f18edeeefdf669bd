package upstream

import (
	"encoding/binary"
	"hash/crc32"
)

// The layout of one message of application/vnd.amazon.eventstream, big endian:
//
//	u32 total length | u32 headers length | u32 CRC-32 of these 8 bytes | headers | payload | u32 CRC-32 of all before
//
// and of one header: u8 name length | name | u8 type | value.
const (
	framePrelude    = 12
	frameOverhead   = framePrelude + 4
	frameMaxHeaders = 128 << 10
	frameMaxTotal   = 16 << 20
)

// Header value types; only strings matter here, the others are skipped.
const (
	valueTrue = iota
	valueFalse
	valueInt8
	valueInt16
	valueInt32
	valueInt64
	valueBytes
	valueString
	valueTimestamp
	valueUUID
)

// frameDecoder reads application/vnd.amazon.eventstream.
type frameDecoder struct {
	window
	max     int
	total   int    // the length of the frame at start, once its prelude was checked; 0 before
	headers int    // the length of its headers
	name    []byte // backs Event.Name for exceptions and errors
	closed  bool
	err     error
}

func (d *frameDecoder) Err() error { return d.err }

func (d *frameDecoder) Write(p []byte) error {
	if d.err != nil {
		return d.err
	}
	if d.closed {
		return errClosed
	}
	d.push(p)
	return nil
}

func (d *frameDecoder) Next() (Event, bool) {
	if d.err != nil {
		return Event{}, false
	}
	if d.total == 0 {
		if len(d.buf)-d.start < framePrelude {
			return Event{}, false
		}
		if d.err = d.prelude(d.buf[d.start : d.start+framePrelude]); d.err != nil {
			return Event{}, false
		}
	}
	if len(d.buf)-d.start < d.total {
		return Event{}, false
	}
	frame := d.buf[d.start : d.start+d.total]
	d.start += d.total
	d.total = 0
	body := frame[:len(frame)-4]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(frame[len(body):]) {
		d.err = malformed(opStream, "a message has a wrong checksum")
		return Event{}, false
	}
	e, err := d.message(body[framePrelude:framePrelude+d.headers], body[framePrelude+d.headers:])
	d.err = err
	return e, err == nil
}

// prelude checks the first bytes of a frame before anything is allocated for it.
func (d *frameDecoder) prelude(p []byte) error {
	if crc32.ChecksumIEEE(p[:8]) != binary.BigEndian.Uint32(p[8:]) {
		return malformed(opStream, "a message prelude has a wrong checksum")
	}
	total, headers := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
	switch limit := min(d.max, frameMaxTotal); {
	case total < frameOverhead:
		return malformed(opStream, "a message claims a length of %d bytes", total)
	case uint64(total) > uint64(limit):
		return tooLarge(opStream, "one message", limit)
	case headers > frameMaxHeaders || headers > total-frameOverhead:
		return malformed(opStream, "a message of %d bytes claims headers of %d bytes", total, headers)
	}
	d.total, d.headers = int(total), int(headers)
	return nil
}

// message reads the headers and builds the event.
func (d *frameDecoder) message(headers, payload []byte) (Event, error) {
	var kind, event, exception, code, text []byte
	for len(headers) > 0 {
		name, value, rest, ok := cutHeader(headers)
		if !ok {
			return Event{}, malformed(opStream, "a message has a damaged header")
		}
		headers = rest
		switch string(name) {
		case ":message-type":
			kind = value
		case ":event-type":
			event = value
		case ":exception-type":
			exception = value
		case ":error-code":
			code = value
		case ":error-message":
			text = value
		}
	}
	switch string(kind) {
	case "exception":
		d.name = append(append(d.name[:0], ":exception/"...), exception...)
		return Event{Name: d.name, Data: payload}, nil
	case "error":
		d.name = append(append(d.name[:0], ":error/"...), code...)
		if len(payload) == 0 {
			payload = text
		}
		return Event{Name: d.name, Data: payload}, nil
	}
	return Event{Name: event, Data: payload}, nil
}

// cutHeader splits off the first header. value is nil for types other than string and bytes.
func cutHeader(p []byte) (name, value, rest []byte, ok bool) {
	n := int(p[0])
	if n == 0 || len(p) < 1+n+1 {
		return nil, nil, nil, false
	}
	name, kind, p := p[1:1+n], p[1+n], p[2+n:]
	size := 0
	switch kind {
	case valueTrue, valueFalse:
	case valueInt8:
		size = 1
	case valueInt16:
		size = 2
	case valueInt32:
		size = 4
	case valueInt64, valueTimestamp:
		size = 8
	case valueUUID:
		size = 16
	case valueBytes, valueString:
		if len(p) < 2 {
			return nil, nil, nil, false
		}
		size = int(binary.BigEndian.Uint16(p))
		p = p[2:]
	default:
		return nil, nil, nil, false
	}
	if len(p) < size {
		return nil, nil, nil, false
	}
	if kind == valueBytes || kind == valueString {
		value = p[:size]
	}
	return name, value, p[size:], true
}

func (d *frameDecoder) Close() error {
	if d.closed || d.err != nil {
		return d.err
	}
	d.closed = true
	if rest := len(d.buf) - d.start; rest > 0 && (d.total == 0 || rest < d.total) {
		d.err = ErrTruncated
	}
	return d.err
}
