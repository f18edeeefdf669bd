package upstream

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// frame builds one message with string headers, given as pairs.
func frame(payload string, pairs ...string) []byte {
	var headers []byte
	for i := 0; i < len(pairs); i += 2 {
		headers = append(headers, byte(len(pairs[i])))
		headers = append(headers, pairs[i]...)
		headers = append(headers, valueString)
		headers = binary.BigEndian.AppendUint16(headers, uint16(len(pairs[i+1])))
		headers = append(headers, pairs[i+1]...)
	}
	return rawFrame(headers, payload)
}

func rawFrame(headers []byte, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(frameOverhead+len(headers)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, headers...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func prelude(total, headers uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, total)
	b = binary.BigEndian.AppendUint32(b, headers)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// The bytes of the smallest message, with its two checksums, as the AWS documentation of the format gives them.
func TestEventStreamEmptyMessage(t *testing.T) {
	want := "\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff"
	if got := string(frame("")); got != want {
		t.Fatalf("the test's own encoder is wrong: %x", got)
	}
	checkSplits(t, EventStream, 100, want, []string{"|"}, nil)
}

func TestEventStream(t *testing.T) {
	text := func(b []byte) string { return string(b) }
	event := text(frame(`{"a":1}`, ":event-type", "messageStart", ":content-type", "application/json", ":message-type", "event"))
	exception := text(frame(`{"message":"slow down"}`, ":exception-type", "throttlingException", ":message-type", "exception"))
	failure := text(frame("", ":error-code", "500", ":error-message", "broken", ":message-type", "error"))
	// One header of each type before the ones that count.
	odd := []byte("\x01a\x00\x01b\x01\x01c\x02x\x01d\x03xx\x01e\x04xxxx\x01f\x05xxxxxxxx\x01g\x06\x00\x02xx\x01h\x08xxxxxxxx\x01i\x09xxxxxxxxxxxxxxxx" +
		"\x0b:event-type\x07\x00\x03odd")
	typed := text(rawFrame(odd, "p"))

	checkSplits(t, EventStream, 1000, event+exception+failure+typed, []string{
		`messageStart|{"a":1}`, `:exception/throttlingException|{"message":"slow down"}`, ":error/500|broken", "odd|p",
	}, nil)
	checkSplits(t, EventStream, 1000, event+event[:20], []string{`messageStart|{"a":1}`}, ErrTruncated)
	checkSplits(t, EventStream, 1000, event[:3], nil, ErrTruncated)
	checkSplits(t, EventStream, len(event), event, []string{`messageStart|{"a":1}`}, nil)
	checkSplits(t, EventStream, len(event)-1, event, nil, &Error{Kind: TooLarge})
}

func TestEventStreamDamage(t *testing.T) {
	damaged := &Error{Kind: Malformed}
	good := frame("payload", ":event-type", "x")
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		if got, err := decode(EventStream, 1000, bad); len(got) != 0 || KindOf(err) != Malformed {
			t.Errorf("byte %d flipped: events %q, error %v", i, got, err)
		}
	}
	for name, stream := range map[string][]byte{
		"length below the overhead": prelude(15, 0),
		"headers beyond the end":    prelude(100, 85),
		"headers too large":         prelude(200<<10, 129<<10),
		"header without a name":     rawFrame([]byte{0, valueTrue}, ""),
		"header name too long":      rawFrame([]byte{200, 'a'}, ""),
		"header type unknown":       rawFrame([]byte{1, 'a', 10}, ""),
		"header value too long":     rawFrame([]byte{1, 'a', valueString, 0xff, 0xff}, ""),
		"header value without size": rawFrame([]byte{1, 'a', valueBytes, 0}, ""),
		"header int cut":            rawFrame([]byte{1, 'a', valueInt64, 0}, ""),
	} {
		t.Run(name, func(t *testing.T) { checkSplits(t, EventStream, 1<<20, string(stream), nil, damaged) })
	}
	// A claimed length is refused before anything is reserved for it, whatever the caller's limit.
	checkSplits(t, EventStream, 1<<30, string(prelude(17<<20, 0)), nil, &Error{Kind: TooLarge})
}

// FuzzEventStreamHeaders gets past the checksums, which random bytes never do.
func FuzzEventStreamHeaders(f *testing.F) {
	f.Add([]byte("\x0b:event-type\x07\x00\x01x"), "{}")
	f.Add([]byte("\x01a\x08xxxxxxxx\x01b\x09"), "")
	f.Fuzz(func(t *testing.T, headers []byte, payload string) {
		stream := rawFrame(headers, payload)
		got, err := decode(EventStream, 1<<16, append(stream, stream...))
		switch {
		case KindOf(err) == TooLarge, KindOf(err) == Malformed:
			if len(got) != 0 {
				t.Fatalf("events %q and error %v", got, err)
			}
		case err != nil:
			t.Fatal(err)
		case len(got) != 2 || got[0] != got[1]:
			t.Fatalf("the same message twice gave %q", got)
		}
	})
}
