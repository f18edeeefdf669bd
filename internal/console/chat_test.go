package console

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	base := []string{
		"x-switchyard-deployment", "claude", "x-switchyard-provider", "anthropic", "x-switchyard-strategy", "tags+latency",
		"x-switchyard-attempts", "2", "x-switchyard-attempt-list", "gpt=503 overloaded, claude=ok",
	}
	const start = "[claude via anthropic, strategy tags+latency, attempts 2 (gpt=503 overloaded, claude=ok)"
	for _, tc := range []struct {
		name string
		more []string
		want string
	}{
		{"plain", nil, start + "]"},
		{"no fallback", []string{"x-switchyard-fallbacks", "0"}, start + "]"},
		{"fallback", []string{"x-switchyard-fallbacks", "1"}, start + ", fallbacks 1]"},
		{"overhead", []string{"x-switchyard-overhead-us", "87"}, start + ", router 87 µs]"},
		{"both", []string{"x-switchyard-fallbacks", "2", "x-switchyard-overhead-us", "87"}, start + ", fallbacks 2, router 87 µs]"},
	} {
		if got := provenance(header(append(slices.Clip(base), tc.more...)...)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestConversation talks to a router's stand-in, which answers with how many messages it got, and refuses one of them.
func TestConversation(t *testing.T) {
	t.Parallel()
	for _, noStream := range []bool{false, true} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer k3y" {
				t.Errorf("%s %v, %v", r.URL.Path, r.Header, err)
			}
			w.Header().Set("X-Switchyard-Deployment", "one")
			n := strings.Count(string(body), `"role"`)
			switch {
			case strings.Contains(string(body), "forbidden"):
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprint(w, `{"error":{"message":"Not now.","type":"rate_limit_error","code":"rate_limit_exceeded"}}`)
			case noStream:
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":"%d messages"}}]}`, n)
			default:
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":\"%d \"}}]}\n\n", n)
				fmt.Fprint(w, "data: {\"choices\":[]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"messages\"}}]}\n\ndata: [DONE]\n\n")
			}
		}))
		defer srv.Close()
		var out, errs strings.Builder
		c := newConversation(chatOptions{url: srv.URL + "/", model: "m", key: "k3y", noStream: noStream}, &out, &errs)
		if err := c.loop(t.Context(), strings.NewReader("hello\n\n  forbidden\nagain\n")); err != nil {
			t.Fatal(err)
		}
		// What was refused is not part of the third request, which has the first question, its answer, and the second.
		if got := out.String(); got != "1 messages\n3 messages\n" {
			t.Errorf("without stream %v: out %q", noStream, got)
		}
		if got := errs.String(); !strings.Contains(got, "[one via ") || !strings.Contains(got, "429 rate_limit_exceeded: Not now.\n") || strings.Count(got, "> ") != 5 {
			t.Errorf("without stream %v: err %q", noStream, got)
		}
	}
}
