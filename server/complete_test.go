package server

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sashabaranov/go-openai"
	"golang.org/x/tools/txtar"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
)

// TestComplete replays testdata/complete: a request of the simple pair, what the vendor gets, what
// it answers, and what the caller gets.
func TestComplete(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/complete/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			part := map[string]string{}
			for _, f := range archive.Files {
				part[f.Name] = strings.TrimSuffix(string(f.Data), "\n")
			}
			var sent string
			f := newFixture(t, setting{vendor: func(_ context.Context, r *upstream.Request) (*upstream.Response, error) {
				sent = string(r.Body)
				return answer(200, part["upstream"]+"\n")
			}})
			w := f.do("POST", part["path"], part["request"])
			got := strings.TrimSuffix(w.Body.String(), "\n")
			if w.Code != 200 || got != part["answer"] {
				t.Errorf("got %d\n%s\nwant\n%s", w.Code, got, part["answer"])
			}
			if sent != part["sent"] {
				t.Errorf("the vendor got\n%s\nwant\n%s", sent, part["sent"])
			}
			for line := range strings.SplitSeq(got, "\n") {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
			want := jsonType
			if part["path"] == "/complete/stream" {
				want = "application/x-ndjson"
			}
			if got := w.Header().Get("Content-Type"); got != want {
				t.Errorf("content type %q, want %q", got, want)
			}
		})
	}
}

// TestCompleteShape decodes an answer with the types that Go callers have for it.
func TestCompleteShape(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setting{vendor: constant(`{"model":"m","choices":[{"message":{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{}"}}]}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`)})
	var got struct {
		Content   string            `json:"content"`
		ToolCalls []openai.ToolCall `json:"tool_calls"`
		Model     string            `json:"model"`
		Usage     openai.Usage      `json:"usage"`
	}
	if err := json.Unmarshal(f.do("POST", "/complete", chatBody).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.ToolCalls) != 1 || got.ToolCalls[0].Function.Name != "weather" || got.ToolCalls[0].ID != "call_1" || got.Model != "m" || got.Usage.TotalTokens != 3 || got.Content != "" {
		t.Errorf("got %+v", got)
	}
}
