package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tidwall/gjson"
)

// trickle is a profile whose tokens come slowly enough for a test to do something between two of them, whenever it
// gets to it, and hesitant is one that sends nothing.
const (
	trickle  = `{"per_token":{"fixed":"30ms"}}`
	hesitant = `{"faults":[{"kind":"hang"}]}`
	long     = "marker:F tokens:2000" // a minute's worth of trickle
)

// TestUpstreamDiesInStream kills the vendor's process in the middle of an answer.
func TestUpstreamDiesInStream(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			v := startVendors(t)
			v.profile("trickle", trickle)
			other := startVendors(t)
			r := startRouter(t, accounts(v.addr, "trickle")+
				"  other: {plugin: openai, base_url: \"http://"+other.addr+"/openai@fast\", auth: {api_key: x}}\n"+
				groups("fallbacks: [other]", "trickle")+"  other: {deployments: [{provider: other, model: o}]}\n")
			chat := r.open(t.Context(), "/v1/chat/completions", ask(dialect+"-trickle", long, streamed))
			simple := r.open(t.Context(), "/complete/stream", ask(dialect+"-trickle", long))
			for _, s := range []*stream{chat, simple} {
				if text := s.texts(t, 3); strings.Count(text, "F.") != 3 {
					t.Errorf("the stream began with %q", text)
				}
			}
			v.kill()
			for name, s := range map[string]*stream{"chat": chat, "simple": simple} {
				rest, err := s.rest()
				if err != nil || len(rest) == 0 {
					t.Fatalf("%s: %q, %v: the end is not an orderly one", name, rest, err)
				}
				last := rest[len(rest)-1]
				e := gjson.Get(last, "error")
				if e.Get("message").Str == "" || e.Get("type").Str != "server_error" || e.Get("code").Str == "" || name == "simple" && gjson.Get(last, "type").Str != "error" {
					t.Errorf("%s: the last event is %s", name, last)
				}
				for _, data := range rest {
					if data == "[DONE]" || gjson.Get(data, "type").Str == "done" || gjson.Get(data, "choices.0.finish_reason").Str != "" {
						t.Errorf("%s: a broken stream has the end of a whole one: %s", name, data)
					}
				}
			}
			r.idle()
			if n := other.stats().Received; n != 0 {
				t.Errorf("%d requests went to the fallback after the commit point", n)
			}
			// The next one finds the vendor gone and the fallback in its place.
			if a := r.post("/complete", ask(dialect+"-trickle", "x")); a.status != http.StatusOK || a.header.Get("X-Switchyard-Fallbacks") != "1" {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestUpstreamDiesBeforeTheFirstToken kills the vendor's process while a request waits for it: the fallback answers.
func TestUpstreamDiesBeforeTheFirstToken(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			v := startVendors(t)
			v.profile("hesitant", hesitant)
			other := startVendors(t)
			r := startRouter(t, accounts(v.addr, "hesitant")+
				"  other: {plugin: anthropic, base_url: \"http://"+other.addr+"/anthropic@fast\", auth: {api_key: x}}\n"+
				groups("retries: 0, fallbacks: [other]", "hesitant")+"  other: {deployments: [{provider: other, model: o}]}\n")
			type result struct {
				text   string
				header http.Header
				err    error
			}
			results := make(chan result, 2)
			go func() {
				a, err := send(t.Context(), http.MethodPost, r.url+"/v1/chat/completions", ask(dialect+"-hesitant", "marker:B tokens:9"))
				if err != nil || a.status != http.StatusOK {
					results <- result{err: fmt.Errorf("%+v: %w", a, err)}
					return
				}
				results <- result{a.json("choices.0.message.content"), a.header, nil}
			}()
			go func() {
				s, err := open(t.Context(), r.url+"/v1/chat/completions", ask(dialect+"-hesitant", "marker:B tokens:9", streamed))
				if err != nil {
					results <- result{err: err}
					return
				}
				events, err := s.rest()
				text, bad := whole(events)
				results <- result{text, s.header, errors.Join(err, bad)}
			}()
			eventually(t, patience, "both requests at the vendor", func() error { return want("in flight", v.stats().InFlight, 2) })
			v.kill()
			for range 2 {
				got := <-results
				if err := errors.Join(got.err, marked(got.text, "B", 9)); err != nil {
					t.Error(err)
				}
				if got.header.Get("X-Switchyard-Fallbacks") != "1" || got.header.Get("X-Switchyard-Deployment") != "other/o" || got.header.Get("X-Switchyard-Attempts") != "2" {
					t.Errorf("headers %v", got.header)
				}
			}
			r.idle()
		})
	}
}

// TestSlowUpstream has a vendor that takes the request and says nothing: the group's stream_timeout, the deployment's
// timeout and the client's own lead to the fallback.
func TestSlowUpstream(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("hesitant", hesitant)
	r := startRouter(t, accounts(v.addr, "hesitant", "fast")+groups("retries: 0, fallbacks: [other], stream_timeout: 200ms", "hesitant")+
		"  other: {deployments: [{provider: ollama-fast, model: o}]}\n"+
		"  timed: {retries: 0, fallbacks: [other], deployments: [{id: timed, provider: openai-hesitant, model: t, timeout: 200ms}]}\n"+
		"  asked: {retries: 0, deployments: [{id: asked, provider: openai-hesitant, model: t}]}\n")
	for _, dialect := range dialects {
		s := r.open(t.Context(), "/v1/chat/completions", ask(dialect+"-hesitant", "marker:L tokens:4", streamed))
		events, err := s.rest()
		text, bad := whole(events)
		if err := errors.Join(err, bad, marked(text, "L", 4)); err != nil {
			t.Errorf("%s: %v", dialect, err)
		}
		if list := s.header.Get("X-Switchyard-Attempt-List"); list != dialect+"-hesitant/m-"+dialect+"=upstream_timeout, ollama-fast/o=ok" {
			t.Errorf("%s: attempts %q", dialect, list)
		}
	}
	if a := r.post("/complete", ask("timed", "x")); a.status != http.StatusOK || a.header.Get("X-Switchyard-Attempt-List") != "timed=upstream_timeout, ollama-fast/o=ok" {
		t.Errorf("%+v", a)
	}
	if a := r.post("/complete", ask("asked", "x", `"timeout":0.2`)); a.status != http.StatusGatewayTimeout || !strings.Contains(a.json("error.code"), "timeout") {
		t.Errorf("%+v", a)
	}
	eventually(t, patience, "cancelled upstream requests", func() error {
		s := v.stats()
		return errors.Join(want("in flight", s.InFlight, 0), want("cancelled", s.Cancelled, 5))
	})
	r.idle()
}

// TestClientLeaves has clients go away in mid-stream and before an answer: the vendor's request ends at once, and
// nothing is counted as the vendor's failure.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("trickle", trickle)
	v.profile("hesitant", hesitant)
	r := startRouter(t, accounts(v.addr, "trickle", "hesitant")+groups("retries: 2", "trickle", "hesitant"))
	ctx, leave := context.WithCancel(t.Context())
	for _, dialect := range dialects {
		r.open(ctx, "/v1/chat/completions", ask(dialect+"-trickle", long, streamed)).texts(t, 2)
		r.open(ctx, "/complete/stream", ask(dialect+"-trickle", long)).texts(t, 2)
		go func() { _, _ = send(ctx, http.MethodPost, r.url+"/complete", ask(dialect+"-hesitant", "x")) }() // it gets no answer
	}
	eventually(t, patience, "all requests at the vendor", func() error { return want("in flight", v.stats().InFlight, 9) })
	if err := want("in flight", r.metric("switchyard_in_flight"), 9); err != nil {
		t.Error(err)
	}
	leave()
	eventually(t, patience, "cancelled upstream requests", func() error {
		s := v.stats()
		return errors.Join(want("in flight", s.InFlight, 0), want("cancelled", s.Cancelled, 9), want("received", s.Received, 9))
	})
	r.idle()
	a, err := send(t.Context(), http.MethodGet, r.url+"/admin/deployments", "", "Authorization", "Bearer "+adminToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range gjson.Get(a.body, "deployments").Array() {
		if d.Get("failures").Int() != 0 || d.Get("in_flight").Int() != 0 || d.Get("state").Str != "healthy" {
			t.Errorf("%s", d.Raw)
		}
	}
}

// TestRouterDies kills the router in mid-stream, and another while it compiles: what they leave behind is usable.
func TestRouterDies(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("trickle", trickle)
	own := filepath.Join(t.TempDir(), "cache")
	config := writeConfig(t, strings.Replace(preamble(modules), cache, own, 1)+accounts(v.addr, "trickle")+groups("retries: 0", "trickle"))

	compiling := start(t, "serve", "--config", config, "--listen", "127.0.0.1:0")
	eventually(t, patience, "the first compiled plugin", func() error {
		if len(cacheFiles(t, own)) > 0 {
			return nil
		}
		return errors.New("the cache is empty")
	})
	compiling.kill()

	r := serve(t, config)
	s := r.open(t.Context(), "/v1/chat/completions", ask("openai-trickle", long, streamed))
	s.texts(t, 3)
	before := cacheFiles(t, own)
	r.kill()
	if rest, err := s.rest(); err == nil {
		t.Errorf("a stream whose router died ended in order: %q", rest)
	}
	eventually(t, patience, "the upstream to notice", func() error { return want("in flight", v.stats().InFlight, 0) })

	r = serve(t, config)
	if after := cacheFiles(t, own); after != before {
		t.Errorf("the cache was\n%s\nand after the next start\n%s", before, after)
	}
	if a := r.post("/complete", ask("anthropic-trickle", "marker:A tokens:3")); a.status != http.StatusOK || marked(a.json("content"), "A", 3) != nil {
		t.Errorf("%+v", a)
	}
	if strings.Contains(r.stderr.String(), "damaged") {
		t.Error("the cache was damaged")
	}
}

// cacheFiles lists the compiled plugins with their sizes and times.
func cacheFiles(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*")) // entries beside them are touched when they are used
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && !strings.Contains(path, ".tmp") {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime())
		}
	}
	return b.String()
}

// TestShutdown asks the router to stop during streams: they end whole, nobody new gets in, and the exit code is 0.
func TestShutdown(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("trickle", trickle)
	r := startRouter(t, accounts(v.addr, "trickle")+groups("retries: 0", "trickle"))
	var streams []*stream
	for _, dialect := range dialects {
		streams = append(streams,
			r.open(t.Context(), "/v1/chat/completions", ask(dialect+"-trickle", "marker:Z tokens:60", streamed)))
	}
	for _, s := range streams {
		if _, err := s.next(); err != nil {
			t.Fatal(err)
		}
	}
	r.signal(syscall.SIGTERM)
	addr := strings.TrimPrefix(r.url, "http://")
	eventually(t, patience, "new connections to be refused", func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return errors.Join(errors.New("connected"), c.Close())
		}
		return nil
	})
	select {
	case <-r.exited:
		t.Error("it ended before its streams")
	default:
	}
	for i, s := range streams {
		events, err := s.rest()
		text, bad := whole(events)
		if err := errors.Join(err, bad, marked(text, "Z", 60)); err != nil {
			t.Errorf("%s: %v", dialects[i], err)
		}
	}
	if code := r.code(); code != 0 || strings.Contains(r.stderr.String(), "level=ERROR") {
		t.Errorf("exit code %d", code)
	}
}

// TestShutdownHasALimit asks the router to stop during a stream that would go on for long.
func TestShutdownHasALimit(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("trickle", trickle)
	r := serve(t, writeConfig(t, strings.Replace(preamble(modules), "server: {", "server: {shutdown_timeout: 300ms, ", 1)+
		accounts(v.addr, "trickle")+groups("retries: 0", "trickle")))
	s := r.open(t.Context(), "/v1/chat/completions", ask("anthropic-trickle", long, streamed))
	s.texts(t, 1)
	r.signal(syscall.SIGTERM)
	events, err := s.rest()
	if err == nil && len(events) > 0 && events[len(events)-1] == "[DONE]" {
		t.Error("a cut stream has a whole one's end")
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v", err)
	}
	if code := r.code(); code != 1 || !strings.Contains(r.stderr.String(), "1 requests had not ended after 300ms and were cut") {
		t.Errorf("exit code %d", code)
	}
	eventually(t, patience, "the upstream to notice", func() error { return want("in flight", v.stats().InFlight, 0) })
}
