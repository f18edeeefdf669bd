package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// decode feeds the pieces to a decoder and returns one line per event, "name|data", and the stream's error.
func decode(f Framing, limit int, pieces ...[]byte) ([]string, error) {
	d := NewDecoder(f, limit)
	var events []string
	drain := func() {
		for e, ok := d.Next(); ok; e, ok = d.Next() {
			events = append(events, string(e.Name)+"|"+string(e.Data))
		}
	}
	for _, p := range pieces {
		mine := bytes.Clone(p)
		if err := d.Write(mine); err != nil {
			return events, err
		}
		clear(mine) // a decoder must not keep what it was given
		drain()
		if d.Err() != nil {
			return events, d.Err()
		}
	}
	err := d.Close()
	drain()
	if !errors.Is(d.Err(), err) {
		err = fmt.Errorf("Close said %w, Err said %w", err, d.Err())
	}
	return events, err
}

// checkSplits decodes the stream whole, split in two at every byte, and byte by byte, and wants the same each time.
func checkSplits(t *testing.T, f Framing, limit int, stream string, want []string, wantErr error) {
	t.Helper()
	same := func(how string, got []string, err error) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Fatalf("%s:\n got %q\nwant %q", how, got, want)
		}
		if !sameFailure(err, wantErr) {
			t.Fatalf("%s: error %v, want %v", how, err, wantErr)
		}
	}
	b := []byte(stream)
	got, err := decode(f, limit, b)
	same("whole", got, err)
	for i := range b {
		got, err = decode(f, limit, b[:i], b[i:])
		same(fmt.Sprintf("split at %d", i), got, err)
	}
	got, err = decode(f, limit, singles(b)...)
	same("byte by byte", got, err)
}

func sameFailure(a, b error) bool {
	if (a == nil) != (b == nil) {
		return false
	}
	return a == nil || KindOf(a) == KindOf(b)
}

func singles(b []byte) [][]byte {
	var pieces [][]byte
	for i := range b {
		pieces = append(pieces, b[i:i+1])
	}
	return pieces
}

func TestSSE(t *testing.T) {
	cases := []struct {
		name, stream string
		want         []string
		err          error
	}{
		{"openai", "data: {\"a\":1}\n\ndata: {\"a\":2}\n\ndata: [DONE]\n\n", []string{`|{"a":1}`, `|{"a":2}`, "|[DONE]"}, nil},
		{"anthropic", "event: ping\ndata: {\"type\": \"ping\"}\n\nevent: message_stop\ndata: {}\n\n", []string{`ping|{"type": "ping"}`, "message_stop|{}"}, nil},
		{"name does not stick", "event: a\ndata: 1\n\ndata: 2\n\n", []string{"a|1", "|2"}, nil},
		{"crlf", "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", []string{"a|1", "|2"}, nil},
		{"cr", "event: a\rdata: 1\r\rdata: 2\r\r", []string{"a|1", "|2"}, nil},
		{"mixed line ends", "data: 1\r\rdata: 2\n\r\ndata: 3\r\n\ndata: 4\r\n\r", []string{"|1", "|2", "|3", "|4"}, nil},
		{"no space, one space, two spaces", "data:1\n\ndata: 2\n\ndata:  3\n\n", []string{"|1", "|2", "| 3"}, nil},
		{"several data lines", "data: {\ndata:\ndata: \"a\":1\r\ndata:}\n\n", []string{"|{\n\n\"a\":1\n}"}, nil},
		{"name between data lines", "data: 1\nevent: long-name\ndata: 2\nid: 7\ndata: 3\n\n", []string{"long-name|1\n2\n3"}, nil},
		{"comments", ": keep-alive\n\n:\ndata: 1\n: in between\ndata: 2\n\n", []string{":|keep-alive", ":|", ":|in between", "|1\n2"}, nil},
		{"byte order mark", "\xef\xbb\xbfdata: 1\n\n", []string{"|1"}, nil},
		{"byte order mark in the middle is not one", "data: 1\n\n\xef\xbb\xbfdata: 2\n\n", []string{"|1"}, nil},
		{"id, retry and unknown fields", "id: 1\nretry: 5\nfoo: bar\nfoo\ndata: 1\n\n", []string{"|1"}, nil},
		{"event without data", "event: a\n\nevent: b\ndata\n\ndata:\n\ndata: 1\n\n", []string{"|1"}, nil},
		{"utf-8", "data: \"žluťoučký 🐎\"\n\n", []string{"|\"žluťoučký 🐎\""}, nil},
		{"nothing", "", nil, nil},
		{"only blank lines", "\n\r\n\r", nil, nil},

		{"last event complete, no blank line", "data: {\"a\":1}\n", []string{`|{"a":1}`}, nil},
		{"last event complete, no line end", "event: x\ndata: {\"a\":1}", []string{`x|{"a":1}`}, nil},
		{"done without line end", "data: 1\n\ndata: [DONE]", []string{"|1", "|[DONE]"}, nil},
		{"ends in cr", "data: {}\r", []string{"|{}"}, nil},
		{"cut in the data", "data: 1\n\ndata: {\"a\":", []string{"|1"}, ErrTruncated},
		{"cut in the data, line ended", "data: {\"a\":\n", nil, ErrTruncated},
		{"cut after the name", "event: message_stop\n", nil, ErrTruncated},
		{"cut in the name", "event: mess", nil, ErrTruncated},
		{"cut in the field", "data: 1\n\nda", []string{"|1"}, ErrTruncated},
		{"cut in a comment", "data: 1\n\n: keep", []string{"|1", ":|keep"}, nil},
		{"cut in data and then a complete value", "data: {\ndata: }", []string{"|{\n}"}, nil},

		{"bare error line", "data: {\"a\":1}\n\n{\"error\":{\"code\":503}}\n", []string{`|{"a":1}`, `|{"error":{"code":503}}`}, nil},
		{"bare error at the end", "{\"error\":{}}", []string{`|{"error":{}}`}, nil},
		{"bare error after an event that was not ended", "event: x\ndata: {\"a\":1}\n{\"error\":1}\n", []string{`x|{"a":1}`, `|{"error":1}`}, nil},
		{"bare error in an array, indented", "[{\r\n  \"error\": {\r\n    \"message\": \"}]\\\"\"\r\n\r\n  }\r\n}\r\n]\r\n\r\ndata: 2\r\n\r\n", []string{"|[{\r\n  \"error\": {\r\n    \"message\": \"}]\\\"\"\r\n\r\n  }\r\n}\r\n]", "|2"}, nil},
		{"bare values on one line", "{\"a\":1} {\"a\":2}\n[{}],\n", []string{`|{"a":1}`, `|{"a":2}`, "|[{}]"}, nil},
		{"bare json cut", "{\"error\": {\n", nil, ErrTruncated},
		{"bare done", "[DONE]\n", []string{"|[DONE]"}, nil},
		{"log lines and pages are not json", "[info] hello\n<html>{}</html>\n{x}\ndata: 1\n\n", []string{"|1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checkSplits(t, SSE, 1<<10, c.stream, c.want, c.err)
		})
	}
}

func TestSSELimit(t *testing.T) {
	tooLarge := &Error{Kind: TooLarge}
	fits := "data: 1\n\n" + "data: 34567890\n\n" // the second event has 14 bytes
	checkSplits(t, SSE, 14, fits, []string{"|1", "|34567890"}, nil)
	checkSplits(t, SSE, 13, fits, []string{"|1"}, tooLarge)
	checkSplits(t, SSE, 14, "data: 1\n\nid: 1\ndata: 2\ndata: 3\n\n", []string{"|1", "|2\n3"}[:1], tooLarge)
	checkSplits(t, SSE, 14, ":234567890123\r\n:2345678901234\n", []string{":|234567890123", ":|2345678901234"}, nil)
	checkSplits(t, SSE, 14, "data: 1\n\n{\"a\":\n1234567890}\n", []string{"|1"}, tooLarge)
	checkSplits(t, SSE, 14, strings.Repeat("x", 15), nil, tooLarge)
}

func TestSSEOneLargeEvent(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB, as an inline image has
	got, err := decode(SSE, 2<<20, slices.Collect(slices.Chunk([]byte("data: "+big+"\n\n"), 1400))...)
	if err != nil || len(got) != 1 || got[0] != "|"+big {
		t.Fatalf("%d events, error %v", len(got), err)
	}
}

func TestNDJSON(t *testing.T) {
	checkSplits(t, NDJSON, 100, "{\"a\":1}\n\n \r\n{\"a\":2}\r\n", []string{`|{"a":1}`, `|{"a":2}`}, nil)
	checkSplits(t, NDJSON, 100, "\xef\xbb\xbf{\"a\":1}\n{\"done\":true}", []string{`|{"a":1}`, `|{"done":true}`}, nil)
	checkSplits(t, NDJSON, 100, "{\"a\":1}\n{\"done\":tr", []string{`|{"a":1}`}, ErrTruncated)
	checkSplits(t, NDJSON, 100, "", nil, nil)
	checkSplits(t, NDJSON, 5, "12345\n123456\n", []string{"|12345"}, &Error{Kind: TooLarge})
	checkSplits(t, NDJSON, 5, "12345\n123456", []string{"|12345"}, &Error{Kind: TooLarge})
}

func TestWholeBody(t *testing.T) {
	checkSplits(t, None, 100, "\n\n {\"a\":\n1} \r\n", []string{"|{\"a\":\n1}"}, nil)
	checkSplits(t, None, 100, "<html>", []string{"|<html>"}, nil)
	checkSplits(t, None, 100, " \n", nil, nil)
	checkSplits(t, None, 3, "1234", nil, &Error{Kind: TooLarge})
}

func TestDecoderRefusesBytesAfterItsEnd(t *testing.T) {
	for _, f := range []Framing{None, SSE, NDJSON, EventStream} {
		d := NewDecoder(f, 100)
		if err := d.Close(); err != nil {
			t.Fatal(f, err)
		}
		if KindOf(d.Write([]byte("x"))) != Malformed {
			t.Errorf("%s: a Write after Close was accepted", f)
		}
		if err := d.Close(); err != nil {
			t.Errorf("%s: second Close: %v", f, err)
		}
	}
}

// Close is meant to come after Next returned false, but nothing is lost or mixed up when it does not.
func TestSSECloseBeforeNext(t *testing.T) {
	d := NewDecoder(SSE, 100)
	if err := d.Write([]byte("event: a\ndata: 1\n\nevent: b\ndata: 2\n\n{\"c\":3}")); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, ok := d.Next(); ok; e, ok = d.Next() {
		got = append(got, string(e.Name)+"|"+string(e.Data))
	}
	if want := []string{"a|1", "b|2", `|{"c":3}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An Event must stay as it is until the next call, also while Next has more to come.
func TestEventsAreStableUntilTheNextCall(t *testing.T) {
	d := NewDecoder(SSE, 1000)
	if err := d.Write([]byte("event: one\ndata: a\ndata: b\n\nevent: two\ndata: c\n\n")); err != nil {
		t.Fatal(err)
	}
	e, ok := d.Next()
	if !ok || string(e.Name) != "one" || string(e.Data) != "a\nb" {
		t.Fatalf("got %q %q", e.Name, e.Data)
	}
	if e, ok = d.Next(); !ok || string(e.Name) != "two" || string(e.Data) != "c" {
		t.Fatalf("got %q %q", e.Name, e.Data)
	}
}

func FuzzSSE(f *testing.F) {
	for _, s := range []string{
		"data: {\"a\":1}\n\ndata: [DONE]\n\n", "event: x\r\ndata: 1\r\ndata: 2\r\n\r\n", ": c\rdata:1\r\r", "\xef\xbb\xbfdata: 1\n",
		"{\"error\":\n{}}\n", "data: 1\n{\"e\":\"\\\"}\"} [{}]\r\ndata", "id\nevent: a\n\n",
	} {
		f.Add([]byte(s), []byte{3, 1, 7})
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte) { checkFuzzed(t, SSE, stream, cuts) })
}

func FuzzNDJSON(f *testing.F) {
	f.Add([]byte("{}\n\n{\"a\":1}\r\n12"), []byte{3, 1, 7})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) { checkFuzzed(t, NDJSON, stream, cuts) })
}

func FuzzEventStream(f *testing.F) {
	f.Add(frame("hello", ":message-type", "event", ":event-type", "x"), []byte{3, 1, 7})
	f.Add(append(frame("", ":message-type", "exception", ":exception-type", "t"), 0, 0, 0), []byte{12})
	f.Add(frame("x"), []byte{})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) { checkFuzzed(t, EventStream, stream, cuts) })
}

// checkFuzzed decodes the stream whole, byte by byte, and in pieces whose sizes are in cuts.
func checkFuzzed(t *testing.T, f Framing, stream, cuts []byte) {
	const limit = 64
	want, wantErr := decode(f, limit, stream)
	var pieces [][]byte
	rest := stream
	for _, n := range cuts {
		k := min(int(n), len(rest))
		pieces, rest = append(pieces, rest[:k]), rest[k:]
	}
	for how, p := range map[string][][]byte{"cut": append(pieces, rest), "byte by byte": singles(stream)} {
		got, err := decode(f, limit, p...)
		if !slices.Equal(got, want) || !sameFailure(err, wantErr) {
			t.Fatalf("%s %q:\n got %q, %v\nwant %q, %v", how, stream, got, err, want, wantErr)
		}
	}
}

func BenchmarkSSE(b *testing.B) {
	one := "data: {\"choices\":[{\"delta\":{\"content\":\" and then some more words\"},\"index\":0}],\"model\":\"gpt-4o-mini\"}\n\n"
	benchmarkDecoder(b, SSE, []byte(one))
}

func BenchmarkSSENamed(b *testing.B) {
	one := "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" x\"}}\n\n"
	benchmarkDecoder(b, SSE, []byte(one))
}

func BenchmarkNDJSON(b *testing.B) {
	benchmarkDecoder(b, NDJSON, []byte("{\"model\":\"llama3\",\"message\":{\"role\":\"assistant\",\"content\":\" and then some\"},\"done\":false}\n"))
}

func BenchmarkEventStream(b *testing.B) {
	benchmarkDecoder(b, EventStream, frame(`{"contentBlockIndex":0,"delta":{"text":" and then some more words"},"p":"abcdefgh"}`,
		":event-type", "contentBlockDelta", ":content-type", "application/json", ":message-type", "event"))
}

// benchmarkDecoder writes ten events at a time and reports the cost of one.
func benchmarkDecoder(b *testing.B, f Framing, one []byte) {
	const batch = 10
	piece := bytes.Repeat(one, batch)
	d := NewDecoder(f, 1<<20)
	b.ReportAllocs()
	b.SetBytes(int64(len(piece)))
	for b.Loop() {
		if err := d.Write(piece); err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, ok := d.Next(); ok; _, ok = d.Next() {
			n++
		}
		if n != batch {
			b.Fatalf("%d events", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
}
