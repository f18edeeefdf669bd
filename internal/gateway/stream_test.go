package gateway

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/exchange"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var (
	quick    = retries(0)
	only     = func(r *Request) { r.DisableFallbacks = true }
	fallible = []func(*Request){streamed, quick, only}
)

func translating(w *world) { w.provider.passthrough = false }

func TestStreams(t *testing.T) {
	t.Parallel()
	all := []string{roleEvent, helloEvent, loEvent, finishEvent}
	cut := piece{err: &upstreamCut}
	check(t, []rule{
		{"passthrough forwards the vendor's bytes", func(t *testing.T, w *world) {
			e := w.do("local", streamed)
			e.want(t, "local/llama=200", "")
			if !slices.Equal(e.chunks, all) {
				t.Errorf("chunks %q", e.chunks)
			}
			if want := []abi.ChunkKind{abi.ChunkMeta, abi.ChunkContent, abi.ChunkContent, abi.ChunkFinish}; !slices.Equal(e.kinds, want) {
				t.Errorf("kinds %v", e.kinds)
			}
			if u := e.report.Usage; !u.Present || u.Completion != 20 {
				t.Errorf("usage %+v", u)
			}
			if e.report.Cost != (10*1+20*2)/1e6 {
				t.Errorf("cost %v", e.report.Cost)
			}
		}},
		{"the usage chunk comes only if it was asked for", func(t *testing.T, w *world) {
			e := w.do("local", streamed, usageAsked)
			if !slices.Equal(e.chunks, append(all[:4:4], usageEvent)) || e.kinds[4] != abi.ChunkUsage {
				t.Errorf("chunks %q", e.chunks)
			}
		}},
		{"a usage chunk without choices is one too", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent, finishEvent, `{"usage":{"prompt_tokens":1,"completion_tokens":2}}`, done)))
			e := w.do("local", streamed)
			if !slices.Equal(e.chunks, []string{helloEvent, finishEvent}) || e.report.Usage.Completion != 2 {
				t.Errorf("chunks %q, usage %+v", e.chunks, e.report.Usage)
			}
		}},
		{"chunks are flushed when the next is waited for", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(roleEvent, helloEvent), sse(loEvent, loEvent, loEvent), sse(finishEvent, done)))
			if e := w.do("local", streamed); e.flushes != 2 || len(e.chunks) != 6 {
				t.Errorf("%d flushes, %d chunks", e.flushes, len(e.chunks))
			}
		}},
		{"the time to the first token is that of the first content", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(roleEvent), piece{wait: 2 * time.Second, text: sse(helloEvent).text}, piece{wait: 3 * time.Second, text: sse(finishEvent, usageEvent, done).text}))
			a := w.do("local", streamed).report.Attempts[0]
			if a.TTFT != 2*time.Second || a.Duration != 5*time.Second {
				t.Errorf("TTFT %v, duration %v", a.TTFT, a.Duration)
			}
		}},
		{"without [DONE] a finished answer is whole", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent, finishEvent, usageEvent)))
			e := w.do("local", streamed)
			e.want(t, "local/llama=200", "")
			if !e.report.Usage.Present {
				t.Error("no usage")
			}
		}},
		{"cut after the finish reason the answer is whole", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent), sse(finishEvent), cut))
			w.do("local", streamed).want(t, "local/llama=200", "")
			w.on("local/llama", streaming(sse(helloEvent), sse(finishEvent), text("data: {\"half")))
			w.do("local", streamed).want(t, "local/llama=200", "")
		}},
		{"one finished choice of two is not a whole answer", func(t *testing.T, w *world) {
			second := strings.Replace(helloEvent, `"index":0`, `"index":1`, 1)
			w.on("local/llama", streaming(sse(helloEvent, second), sse(finishEvent)))
			w.do("local", streamed).want(t, "local/llama=200", "bad_upstream_response")
			secondEnd := strings.Replace(finishEvent, `"index":0`, `"index":1`, 1)
			w.on("local/llama", streaming(sse(helloEvent, second), sse(finishEvent), sse(secondEnd)))
			w.do("local", streamed).want(t, "local/llama=200", "")
		}},
		{"a last event without its blank line counts", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent), text("data: "+finishEvent)))
			if e := w.do("local", streamed); e.err != nil || len(e.chunks) != 2 {
				t.Errorf("%v, chunks %q", e.err, e.chunks)
			}
		}},
		{"[DONE] without a finish reason ends an answer that has content", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent, done)))
			w.do("local", streamed).want(t, "local/llama=200", "")
		}},
		{"an answer without content but with a finish reason is one", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(roleEvent, finishEvent, done)))
			w.do("local", streamed).want(t, "local/llama=200", "")
		}},
		{"an answer without content that the vendor called complete is one", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(roleEvent, done)))
			w.do("local", streamed).want(t, "local/llama=200", "")
		}},
		{"an empty stream, one of comments, one without content: an error before the commit point", func(t *testing.T, w *world) {
			for _, s := range []step{
				streaming(), streaming(text(": ping\n\n"), text(": ping\n\n")), streaming(sse(done)), streaming(sse(roleEvent)),
				streaming(sse(roleEvent), cut), streaming(sse(`[1]`)), streaming(sse(`{"a"`)), streaming(sse(`{"choices":[{"text":null}]}`)),
			} {
				w.on("local/llama", s)
				e := w.do("local", fallible...)
				e.want(t, "local/llama=200", "bad_upstream_response")
				if !e.before || e.err.Status != 502 {
					t.Errorf("%+v: %+v", s, e.err)
				}
			}
		}},
		{"a vendor that answers a stream request with a JSON error is refused before the commit point", func(t *testing.T, w *world) {
			w.on("local/llama", step{status: 200, body: errorEvent})
			e := w.do("local", fallible...)
			e.want(t, "local/llama=200", "overloaded")
			if !e.before {
				t.Error("after the commit point")
			}
		}},
		{"endless events without content are given up", func(t *testing.T, w *world) {
			var many []piece
			for range exchange.MaxHeld/len(roleEvent) + 2 {
				many = append(many, sse(roleEvent))
			}
			w.on("local/llama", streaming(many...))
			e := w.do("local", fallible...)
			e.want(t, "local/llama=200", "bad_upstream_response")
			if e.err != nil && !strings.Contains(e.err.Message, "no content in its first") {
				t.Errorf("error %v", e.err)
			}
		}},
		{"an error event after the commit point is in band", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent), sse(loEvent, errorEvent)))
			e := w.do("local", streamed)
			e.want(t, "local/llama=200", "overloaded")
			if e.before || len(e.chunks) != 2 || w.dep("local/llama").Health.Status().Failures != 1 {
				t.Errorf("before %t, chunks %q", e.before, e.chunks)
			}
		}},
		{"an attempt limit after the commit point is in band", func(t *testing.T, w *world) {
			w.dep("local/llama").Timeout = 3 * time.Second
			w.on("local/llama", streaming(sse(helloEvent), piece{hang: true}))
			e := w.do("local", streamed)
			e.want(t, "local/llama=200", "upstream_timeout")
			e.tookBetween(t, 3*time.Second, 3*time.Second)
		}},
		{"the request's deadline after the commit point is in band", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent), piece{hang: true}))
			e := w.do("local", streamed, within(4*time.Second))
			e.want(t, "local/llama=200", "timeout")
			e.tookBetween(t, 4*time.Second, 4*time.Second)
		}},
		{"the end of a stream does not wait for its connection", func(t *testing.T, w *world) {
			w.on("local/llama", streaming(sse(helloEvent, finishEvent, done), piece{hang: true}))
			e := w.do("local", streamed)
			e.want(t, "local/llama=200", "")
			e.tookBetween(t, 0, reuseWait)
			if d := e.report.Attempts[0].Duration; d != 0 {
				t.Errorf("the wait counts as %v", d)
			}
		}},
		{"a client that leaves by an error of the sink cancels the upstream", func(t *testing.T, w *world) {
			w.publish()
			w.on("local/llama", streaming(sse(helloEvent), sse(loEvent), piece{hang: true}))
			for _, s := range []*sink{
				{chunk: func(n int) error { return errorAt(n, 0) }}, {chunk: func(n int) error { return errorAt(n, 1) }},
				{flush: func(n int) error { return errorAt(n, 0) }}, {flush: func(n int) error { return errorAt(n, 1) }},
			} {
				e := w.run(t, context.Background(), s)
				if e == nil || !e.Canceled() || w.up.open != 0 || w.gw.InFlight() != 0 {
					t.Errorf("error %v, %d bodies open, %d in flight", e, w.up.open, w.gw.InFlight())
				}
			}
			if s := w.dep("local/llama").Health.Status(); s.Failures != 0 || s.InFlight != 0 {
				t.Errorf("status %+v", s)
			}
		}},
		{"a client whose context ends cancels the upstream", func(t *testing.T, w *world) {
			w.publish()
			w.on("local/llama", streaming(sse(helloEvent), piece{hang: true}))
			ctx, cancel := contextFor(2 * time.Second)
			defer cancel()
			if e := w.run(t, ctx, &sink{}); e == nil || !e.Canceled() {
				t.Errorf("error %v", e)
			}
			if s := w.dep("local/llama").Health.Status(); s.Failures != 0 {
				t.Errorf("status %+v", s)
			}
		}},
		{"a stream that is closed instead of run is given up", func(t *testing.T, w *world) {
			closed := 0
			snap := NewSnapshot(SnapshotSpec{Groups: w.groups, Open: true, OnClose: func() { closed++ }})
			w.gw.Publish(snap)
			req := request("local")
			streamed(req)
			res, err := w.gw.Do(t.Context(), snap, req)
			if err != nil {
				t.Fatal(err)
			}
			res.Stream.Close()
			res.Stream.Close()
			if len(w.records) != 1 || !w.records[0].Err.Canceled() || closed != 0 {
				t.Errorf("%d records, snapshot closed %d times", len(w.records), closed)
			}
			if w.gw.Close(); closed != 1 {
				t.Errorf("snapshot closed %d times after the last release", closed)
			}
		}},
		{"a stream keeps its snapshot to its end, and releases it once", func(t *testing.T, w *world) {
			closed := 0
			old := NewSnapshot(SnapshotSpec{Groups: w.groups, Open: true, OnClose: func() { closed++ }})
			w.gw.Publish(old)
			snap := w.gw.Acquire()
			req := request("local")
			streamed(req)
			res, err := w.gw.Do(t.Context(), snap, req)
			snap.Release()
			if err != nil {
				t.Fatal(err)
			}
			w.groups = nil
			w.group("local", "other")
			w.publish()
			if closed != 0 {
				t.Fatal("the snapshot was closed under the stream")
			}
			s := &sink{}
			e := res.Stream.Run(s)
			res.Stream.Close()
			if e != nil || len(s.chunks) != 4 {
				t.Errorf("%v, chunks %q", e, s.chunks)
			}
			res.Stream.Close()
			if closed != 1 {
				t.Errorf("closed %d times", closed)
			}
			w.do("local", streamed).want(t, "local/other=200", "")
		}},
		{"translated: chunks, state and usage go through the adapter", func(t *testing.T, w *world) {
			translating(w)
			w.on("local/llama", streaming(sse(`["meta","a"]`), sse(`["content","b"]`, `["content","c"]`), sse(`["usage",""]`, `["finish","d"]`), sse(`["done",""]`)))
			e := w.do("local", streamed)
			e.want(t, "local/llama=200", "")
			if want := []string{`{"n":1,"text":"a"}`, `{"n":2,"text":"b"}`, `{"n":3,"text":"c"}`, `{"n":5,"text":"d"}`}; !slices.Equal(e.chunks, want) {
				t.Errorf("chunks %q", e.chunks)
			}
			if e.report.Usage.Completion != 4 {
				t.Errorf("usage %+v", e.report.Usage)
			}
		}},
		{"translated: an error chunk first is retried elsewhere", func(t *testing.T, w *world) {
			translating(w)
			w.on("quality/sonnet", streaming(sse(`["meta",""]`, `["error",""]`)))
			w.on("quality/gpt", streaming(sse(`["content",""]`, `["finish",""]`)))
			w.do("quality", streamed).want(t, "quality/sonnet=200 quality/gpt=200", "")
		}},
		{"translated: an error chunk later is in band", func(t *testing.T, w *world) {
			translating(w)
			w.on("local/llama", streaming(sse(`["content","a"]`), sse(`["content","b"]`, `["error",""]`)))
			e := w.do("local", streamed)
			e.want(t, "local/llama=200", "overloaded")
			if e.before || len(e.chunks) != 2 {
				t.Errorf("before %t, chunks %q", e.before, e.chunks)
			}
		}},
		{"translated: cut, ended early, empty, done without content", func(t *testing.T, w *world) {
			translating(w)
			for _, s := range []step{streaming(sse(`["content","a"]`), cut), streaming(sse(`["content","a"]`)), streaming(), streaming(sse(`["done",""]`))} {
				w.on("local/llama", s)
				w.do("local", fallible...).want(t, "local/llama=200", "bad_upstream_response")
			}
		}},
		{"translated: cut after the finish reason is whole", func(t *testing.T, w *world) {
			translating(w)
			w.on("local/llama", streaming(sse(`["content","a"]`), sse(`["finish","a"]`), cut))
			w.do("local", streamed).want(t, "local/llama=200", "")
		}},
		{"translated: a fault of the adapter is retried elsewhere", func(t *testing.T, w *world) {
			translating(w)
			w.provider.streamErr = errors.New("trap")
			w.do("quality", streamed, quick, only).want(t, "quality/sonnet=200", "plugin_error")
		}},
		{"an adapter that is interrupted by the client's leaving is not at fault", func(t *testing.T, w *world) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w.dep("local/llama").Account.Plugin = &interrupted{leave: cancel}
			e := w.doCtx(ctx, "local")
			if e.err == nil || !e.err.Canceled() || w.dep("local/llama").Health.Status().Failures != 0 {
				t.Errorf("error %+v", e.err)
			}
		}},
	})
}

// interrupted is an adapter during whose call the client leaves.
type interrupted struct {
	provider
	leave func()
}

func (p *interrupted) Request(_ context.Context, _ *abi.RequestInput, _ *abi.RequestOutput, buf []byte) ([]byte, error) {
	p.leave()
	return buf, errors.New("interrupted")
}

func errorAt(n, at int) error {
	if n == at {
		return io.ErrClosedPipe
	}
	return nil
}

// run streams from the group local into a sink.
func (w *world) run(t *testing.T, ctx context.Context, s Sink) *Error {
	t.Helper()
	snap := w.gw.Acquire()
	defer snap.Release()
	req := request("local")
	streamed(req)
	res, err := w.gw.Do(ctx, snap, req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Stream.Close()
	return res.Stream.Run(s)
}

// TestStreamSplitAnywhere cuts the upstream's bytes in two, and into single bytes.
func TestStreamSplitAnywhere(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]string{
		"passed":     ": hi\n\n" + sse(roleEvent, helloEvent).text + "data:" + loEvent + "\r\n\r\n" + sse(finishEvent, usageEvent, done).text,
		"translated": sse(`["meta","a"]`, `["content","b"]`, `["usage",""]`, `["content","ü"]`).text + sse(`["finish","d"]`, `["done",""]`).text,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.provider.passthrough = name == "passed"
			play := func(pieces ...piece) ended {
				w.on("local/llama", streaming(pieces...))
				return w.do("local", streamed, usageAsked)
			}
			want := play(text(stream))
			if want.err != nil || len(want.chunks) < 4 {
				t.Fatalf("%v, chunks %q", want.err, want.chunks)
			}
			same := func(got ended, how string) {
				if got.err != nil || !slices.Equal(got.chunks, want.chunks) || !slices.Equal(got.kinds, want.kinds) || got.report.Usage != want.report.Usage {
					t.Errorf("%s: %v, chunks %q", how, got.err, got.chunks)
				}
			}
			for i := 1; i < len(stream); i++ {
				same(play(text(stream[:i]), text(stream[i:])), "split at "+stream[:i])
			}
			var bytes []piece
			for i := range len(stream) {
				bytes = append(bytes, text(stream[i:i+1]))
			}
			same(play(bytes...), "byte by byte")
		})
	}
}
