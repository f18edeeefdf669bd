package simulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
	"github.com/switchyard-gateway/switchyard/internal/simulator/profile"
)

func field(body, path string) string { return gjson.Get(body, path).String() }

// vendorCall is a request that each vendor answers with a text.
type vendorCall struct {
	name, path, stream, whole string
	text                      string // how a token of a stream begins
	end                       string // how a complete stream ends
}

var vendorCalls = []vendorCall{
	{
		name: "openai", path: "/openai@test/v1/chat/completions", text: `"delta":{"content":"M.`, end: "data: [DONE]\n\n",
		whole:  `{"model":"m","messages":[{"role":"user","content":"marker:M"}]}`,
		stream: `{"model":"m","stream":true,"messages":[{"role":"user","content":"marker:M"}]}`,
	},
	{
		name: "completions", path: "/openai@test/v1/completions", text: `"text":"M.`, end: "data: [DONE]\n\n",
		whole:  `{"model":"m","prompt":"marker:M"}`,
		stream: `{"model":"m","stream":true,"prompt":"marker:M"}`,
	},
	{
		name: "anthropic", path: "/anthropic@test/v1/messages", text: `"type":"text_delta","text":"M.`, end: "data: {\"type\":\"message_stop\"}\n\n",
		whole:  `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"marker:M"}]}`,
		stream: `{"model":"m","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"marker:M"}]}`,
	},
	{
		name: "ollama", path: "/ollama@test/api/chat", text: `"content":"M.`, end: "}\n",
		whole:  `{"model":"m","stream":false,"messages":[{"role":"user","content":"marker:M"}]}`,
		stream: `{"model":"m","messages":[{"role":"user","content":"marker:M"}]}`,
	},
}

func request(ctx context.Context, base, path, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the tests' own mistake
	}
	r.Header.Set("Authorization", "Bearer secret-key")
	r.Header.Set("Anthropic-Version", "2023-06-01")
	return r
}

// start serves a simulator whose profile "test" has the faults.
func start(t *testing.T, faults ...profile.Fault) (*simulator.Simulator, string) {
	t.Helper()
	sim := simulator.New(simulator.Options{Seed: 7})
	if err := sim.SetProfile("test", profile.Profile{Faults: faults}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, server.URL
}

func TestFaults(t *testing.T) {
	t.Parallel()
	type result struct {
		status int
		body   string
		err    error // of the request or of reading the body
	}
	broken := func(r result) bool { return r.err != nil && (r.status == 0 || errors.Is(r.err, io.ErrUnexpectedEOF)) }
	for _, tc := range []struct {
		name   string
		fault  profile.Fault
		stream bool
		holds  func(c vendorCall, r result) bool
	}{
		{"status", profile.Fault{Kind: "status", Status: 503}, false, func(_ vendorCall, r result) bool {
			return r.err == nil && r.status == 503 && gjson.Valid(r.body) && gjson.Get(r.body, "error").Exists()
		}},
		{"status before a stream", profile.Fault{Kind: "status", Status: 429}, true, func(_ vendorCall, r result) bool {
			return r.err == nil && r.status == 429 && gjson.Valid(r.body)
		}},
		{"html", profile.Fault{Kind: "html"}, false, func(_ vendorCall, r result) bool {
			return r.err == nil && r.status == 502 && strings.HasPrefix(r.body, "<html>")
		}},
		{"context length", profile.Fault{Kind: "context_length"}, false, func(_ vendorCall, r result) bool {
			return r.status == 400 && strings.Contains(r.body, "length") || strings.Contains(r.body, "too long")
		}},
		{"content policy", profile.Fault{Kind: "content_policy"}, true, func(_ vendorCall, r result) bool {
			return r.status == 400 && gjson.Get(r.body, "error").Exists()
		}},
		{"cut before headers", profile.Fault{Kind: "cut"}, true, func(_ vendorCall, r result) bool { return broken(r) && r.status == 0 }},
		{"cut in a body", profile.Fault{Kind: "cut", AfterTokens: 1}, false, func(_ vendorCall, r result) bool {
			return broken(r) && r.status == 200 && len(r.body) > 0
		}},
		{"cut in a stream", profile.Fault{Kind: "cut", AfterTokens: 3}, true, func(c vendorCall, r result) bool {
			return broken(r) && r.status == 200 && strings.Count(r.body, c.text) == 3
		}},
		{"cut at the end", profile.Fault{Kind: "cut", AfterTokens: 1000}, true, func(c vendorCall, r result) bool {
			return broken(r) && strings.Count(r.body, c.text) == 40 && !strings.Contains(r.body, "[DONE]") && !strings.Contains(r.body, "message_stop")
		}},
		{"truncated body", profile.Fault{Kind: "truncated_json"}, false, func(_ vendorCall, r result) bool {
			return r.err == nil && r.status == 200 && strings.HasPrefix(r.body, "{") && !gjson.Valid(r.body)
		}},
		{"truncated stream", profile.Fault{Kind: "truncated_json", AfterTokens: 3}, true, func(c vendorCall, r result) bool {
			return r.err == nil && strings.Count(r.body, c.text) == 3 && !strings.HasSuffix(r.body, "\n")
		}},
		{"bad body", profile.Fault{Kind: "bad_json"}, false, func(_ vendorCall, r result) bool {
			return r.err == nil && r.status == 200 && !gjson.Valid(r.body)
		}},
		{"bad event", profile.Fault{Kind: "bad_json", AfterTokens: 3}, true, func(c vendorCall, r result) bool {
			lines := strings.Split(strings.TrimSpace(r.body), "\n")
			return r.err == nil && strings.Count(r.body, c.text) == 3 && !gjson.Valid(strings.TrimPrefix(lines[len(lines)-1], "data: "))
		}},
		{"stream error first", profile.Fault{Kind: "stream_error"}, true, func(c vendorCall, r result) bool {
			line := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(r.body), "event: error\n"), "data: ")
			return r.err == nil && r.status == 200 && gjson.Get(line, "error").Exists()
		}},
		{"stream error later", profile.Fault{Kind: "stream_error", AfterTokens: 2}, true, func(c vendorCall, r result) bool {
			lines := strings.Split(strings.TrimSpace(r.body), "\n")
			return r.err == nil && strings.Count(r.body, c.text) == 2 && gjson.Get(strings.TrimPrefix(lines[len(lines)-1], "data: "), "error").Exists()
		}},
		{"stream error unstreamed", profile.Fault{Kind: "stream_error"}, false, func(_ vendorCall, r result) bool { return r.status == 500 }},
		{"empty", profile.Fault{Kind: "empty"}, true, func(c vendorCall, r result) bool {
			return r.err == nil && r.status == 200 && strings.Count(r.body, c.text) == 0 && strings.HasSuffix(r.body, c.end)
		}},
		{"first only", profile.Fault{Kind: "status", Status: 500, First: 1, Every: 2}, true, func(c vendorCall, r result) bool {
			return r.err == nil && r.status == 200 && strings.Count(r.body, c.text) == 40 && strings.HasSuffix(r.body, c.end)
		}},
	} {
		for _, c := range vendorCalls {
			t.Run(tc.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				sim, base := start(t, tc.fault)
				body := c.whole
				if tc.stream {
					body = c.stream
				}
				var got result
				resp, err := http.DefaultClient.Do(request(t.Context(), base, c.path, body))
				got.err = err
				if err == nil {
					defer resp.Body.Close()
					got.status = resp.StatusCode
					data, err := io.ReadAll(resp.Body)
					got.body, got.err = string(data), err
				}
				if !tc.holds(c, got) {
					t.Errorf("status %d, error %v, body %q", got.status, got.err, got.body)
				}
				if stats := sim.Stats(); stats.Received != 1 || stats.Cancelled != 0 {
					t.Errorf("stats %+v", stats)
				}
			})
		}
	}
}

// TestHang waits for headers, or for the token after which nothing comes, and then leaves.
func TestHang(t *testing.T) {
	t.Parallel()
	for _, c := range vendorCalls {
		for _, after := range []int{0, 3} {
			sim, base := start(t, profile.Fault{Kind: "hang", AfterTokens: after})
			ctx, leave := context.WithCancel(t.Context())
			seen := make(chan error, 1)
			go func() {
				resp, err := http.DefaultClient.Do(request(ctx, base, c.path, c.stream))
				if err == nil {
					defer resp.Body.Close()
					for buf, all := make([]byte, 512), ""; strings.Count(all, c.text) < after; {
						n, err := resp.Body.Read(buf)
						all += string(buf[:n])
						if err != nil {
							seen <- err
							return
						}
					}
					leave()
					_, err = resp.Body.Read(make([]byte, 1<<16))
				}
				seen <- err
			}()
			if after == 0 {
				await(t, func() bool { return len(sim.Requests(1)) == 1 })
				leave()
			}
			if err := <-seen; !errors.Is(err, context.Canceled) {
				t.Errorf("%s after %d tokens: %v", c.name, after, err)
			}
			await(t, func() bool { return sim.Stats().InFlight == 0 })
			if got := sim.Stats(); got.Cancelled != 1 || got.Completed != 0 {
				t.Errorf("%s after %d tokens: %+v", c.name, after, got)
			}
		}
	}
}

// await gives other goroutines the processor until cond holds; the test's own deadline ends it otherwise.
func await(t *testing.T, cond func() bool) {
	t.Helper()
	for tick := time.NewTicker(time.Millisecond); !cond(); {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the condition never held")
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{"": "Retry-After: 2", "seconds": "Retry-After: 2", "ms": "Retry-After-Ms: 1500", "date": "Retry-After: date"} {
		_, base := start(t, profile.Fault{Kind: "status", Status: 429, RetryAfter: profile.Duration(1500 * time.Millisecond), RetryAfterAs: how})
		for _, c := range vendorCalls {
			resp, err := http.DefaultClient.Do(request(t.Context(), base, c.path, c.whole))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			name, value, _ := strings.Cut(want, ": ")
			got := resp.Header.Get(name)
			if _, err := http.ParseTime(got); value == "date" && err != nil || value != "date" && got != value {
				t.Errorf("%s, %q: %s is %q", c.name, how, name, got)
			}
		}
	}
}

// TestProbability: about half of the requests fail, always the same ones.
func TestProbability(t *testing.T) {
	t.Parallel()
	run := func() (pattern string) {
		sim := simulator.New(simulator.Options{Seed: 3})
		if err := sim.SetProfile("test", profile.Profile{Faults: []profile.Fault{{Kind: "status", Status: 500, Probability: 0.5}}}); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, request(t.Context(), "", vendorCalls[0].path, vendorCalls[0].whole))
			pattern += map[int]string{200: ".", 500: "x"}[w.Code]
		}
		return pattern
	}
	a, b := run(), run()
	if n := strings.Count(a, "x"); a != b || len(a) != 200 || n < 70 || n > 130 {
		t.Errorf("%d failures in %s, then %s", n, a, b)
	}
}
