package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestEventStream(t *testing.T) {
	t.Parallel()
	withUsage := strings.Replace(streamBody, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)
	pretty := "{\r\n  \"id\" : \"c1\",\n\t\"choices\": [ {\"index\":0,\"delta\":{\"content\":\"a \\n b\"},\"finish_reason\":null} ]\n}"
	for _, tc := range []struct{ name, body, vendor, want string }{
		{"whole", streamBody, helloStream, events(roleChunk, helChunk, loChunk, finishChunk, "[DONE]")},
		{"with usage", withUsage, helloStream, helloStream},
		{"chunks over several lines", streamBody, "data: " + strings.ReplaceAll(strings.ReplaceAll(pretty, "\r", ""), "\n", "\ndata: ") + "\n\n" + events(finishChunk, "[DONE]"),
			events(`{"id":"c1","choices":[{"index":0,"delta":{"content":"a \n b"},"finish_reason":null}]}`, finishChunk, "[DONE]")},
		{"cut", streamBody, events(roleChunk, helChunk),
			events(roleChunk, helChunk, `{"error":{"message":"The upstream ended the stream early.","type":"server_error","param":null,"code":"bad_upstream_response"}}`)},
		{"error inside", streamBody, events(roleChunk, helChunk, `{"error":{"message":"Out of \"luck\".","type":"vendor_error","param":"messages","code":"luck"}}`, "[DONE]"),
			events(roleChunk, helChunk, `{"error":{"message":"Out of \"luck\".","type":"vendor_error","param":"messages","code":"luck"}}`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newFixture(t, setting{vendor: piecemeal(tc.vendor)}).chat(tc.body)
			if w.Code != 200 || w.Body.String() != tc.want {
				t.Errorf("got %d\n%s\nwant\n%s", w.Code, w.Body, tc.want)
			}
		})
	}
}

// piecemeal is a vendor whose stream arrives event by event.
func piecemeal(stream string) vendor {
	return func(context.Context, *upstream.Request) (*upstream.Response, error) {
		var parts []io.Reader
		for event := range strings.SplitAfterSeq(stream, "\n\n") {
			parts = append(parts, strings.NewReader(event))
		}
		return &upstream.Response{Status: 200, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(parts...))}, nil
	}
}

// counter counts what reaches the connection.
type counter struct {
	http.ResponseWriter
	writes, flushes int
}

func (c *counter) Write(b []byte) (int, error) { c.writes++; return c.ResponseWriter.Write(b) }

func (c *counter) Flush() { c.flushes++ }

// TestStreamBatches has the vendor send everything at once: it must leave in few writes.
func TestStreamBatches(t *testing.T) {
	t.Parallel()
	chunks := append([]string{roleChunk}, strings.Split(strings.Repeat(helChunk+"\n", 60), "\n")[:60]...)
	f := newFixture(t, setting{vendor: constant(events(append(chunks, finishChunk, "[DONE]")...))})
	c := &counter{ResponseWriter: httptest.NewRecorder()}
	f.Handler().ServeHTTP(c, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(streamBody)))
	if c.writes > 3 || c.flushes == 0 || c.flushes > 3 {
		t.Errorf("%d writes and %d flushes for 62 chunks that came at once", c.writes, c.flushes)
	}
}

// TestStreamPanics checks that a stream whose handler panics is broken off rather than ended.
func TestStreamPanics(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setting{vendor: func(context.Context, *upstream.Request) (*upstream.Response, error) {
		body := io.MultiReader(strings.NewReader(events(roleChunk, helChunk)), panicking{})
		return &upstream.Response{Status: 200, Header: http.Header{}, Body: io.NopCloser(body)}, nil
	}})
	srv := httptest.NewServer(f.Handler())
	defer srv.Close()
	resp, err := srv.Client().Post(srv.URL+"/v1/chat/completions", jsonType, strings.NewReader(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(string(got), "DONE") {
		t.Errorf("got %q and %v, want an unexpected end", got, err)
	}
	if rec := <-f.records; rec.Err == nil {
		t.Error("the request counts as answered")
	}
	srv.Close() // the log is written after the connection broke
	if log := f.log.String(); !strings.Contains(log, "nothing to read") || !strings.Contains(log, "stream_test.go") {
		t.Errorf("the log lacks the panic or its stack: %s", log)
	}
}

// TestClientThatTakesNothing has every write fail, as it does when the client is gone.
func TestClientThatTakesNothing(t *testing.T) {
	t.Parallel()
	long := strings.Replace(chatAnswer, "Hello", strings.Repeat("x", bigBody), 1)
	for _, tc := range []struct {
		name, path, body string
		vendor           vendor
	}{
		{"answer", "/v1/chat/completions", chatBody, constant(chatAnswer)},
		{"long answer", "/complete", chatBody, constant(long)},
		{"stream", "/v1/chat/completions", streamBody, piecemeal(helloStream)},
		{"stream at once", "/complete/stream", chatBody, constant(helloStream)},
		{"long chunk", "/v1/chat/completions", streamBody, constant(events(strings.Replace(helChunk, "Hel", strings.Repeat("x", outletFull), 1)))},
	} {
		f := newFixture(t, setting{vendor: tc.vendor})
		f.Handler().ServeHTTP(deaf{httptest.NewRecorder()}, httptest.NewRequest(http.MethodPost, tc.path, strings.NewReader(tc.body)))
		<-f.records
		if log := f.log.String(); !strings.Contains(log, `"status":499`) || strings.Contains(log, `"ERROR"`) {
			t.Errorf("%s: log %s", tc.name, log)
		}
	}
}

// deaf is a connection whose other end is gone.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("nothing to read") }

// nowhere is a client that takes everything.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) Flush()                      {}

func outlets() map[string]*outlet {
	w := nowhere{http.Header{}}
	return map[string]*outlet{
		"sse":    newOutlet(w, http.NewResponseController(w), &sse{}),
		"ndjson": newOutlet(w, http.NewResponseController(w), &ndjson{}),
	}
}

func TestChunksDoNotAllocate(t *testing.T) {
	pretty := []byte(strings.ReplaceAll(helChunk, ",", ",\n"))
	for name, o := range outlets() {
		for what, data := range map[string][]byte{"compact": []byte(helChunk), "pretty": pretty} {
			if n := testing.AllocsPerRun(1000, func() { _ = o.Chunk(abi.ChunkContent, data) }); n != 0 {
				t.Errorf("%s: %v allocations for a %s chunk", name, n, what)
			}
		}
	}
}

func BenchmarkChunk(b *testing.B) {
	for name, o := range outlets() {
		b.Run(name, func(b *testing.B) {
			data := []byte(helChunk)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				_ = o.Chunk(abi.ChunkContent, data)
			}
		})
	}
}

// BenchmarkCompletion is the server's and the gateway's share of an unstreamed request.
func BenchmarkCompletion(b *testing.B) {
	f := newFixture(b, setting{})
	f.quiet()
	w := nowhere{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(chatBody))
		f.Handler().ServeHTTP(w, r)
		<-f.records
	}
}
