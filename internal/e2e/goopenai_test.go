package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sashabaranov/go-openai"
	"github.com/tidwall/gjson"
)

// troubledBy is a router whose groups are every dialect with every kind of vendor, and more of them if asked.
func troubledBy(t *testing.T, v *vendors, more ...string) *router {
	t.Helper()
	profiles := append([]string{"fast", "badkey", "ratelimited", "down", "overloaded", "invalid"}, more...)
	v.profile("invalid", `{"faults":[{"kind":"status","status":400}]}`)
	return startRouter(t, accounts(v.addr, profiles...)+groups("retries: 0", profiles...)+tenants)
}

// tenants has one tenant whose key is sk-acme.
const tenants = `tenants:
  acme: {keys: [{hash: "sha256:` + acmeHash + `"}]}
`

const (
	acmeKey  = "sk-acme"
	acmeHash = "5f8eee912cd7c0ccb238560e8a22e7f78909e6dac18288188f7f4ea35112700d"
)

func sdk(r *router, key string) *openai.Client {
	config := openai.DefaultConfig(key)
	config.BaseURL = r.url + "/v1"
	return openai.NewClientWithConfig(config)
}

func userSays(model, text string) openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{Model: model, Messages: []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleUser, Content: text}}}
}

var weather = openai.Tool{Type: openai.ToolTypeFunction, Function: &openai.FunctionDefinition{
	Name: "get_weather", Description: "Current weather",
	Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":2}},"required":["city","days"]}`),
}}

func TestGoOpenAI(t *testing.T) {
	t.Parallel()
	r := troubledBy(t, startVendors(t))
	c := sdk(r, acmeKey)
	for _, dialect := range dialects {
		model := dialect + "-fast"
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			t.Run("completion", func(t *testing.T) { t.Parallel(); goCompletes(t, c, model) })
			t.Run("stream", func(t *testing.T) { t.Parallel(); goStreams(t, c, model) })
			t.Run("tools", func(t *testing.T) { t.Parallel(); goCallsTools(t, c, model) })
			t.Run("errors", func(t *testing.T) { t.Parallel(); goMeetsErrors(t, r, dialect) })
		})
	}
	t.Run("embeddings", func(t *testing.T) {
		t.Parallel()
		e, err := c.CreateEmbeddings(t.Context(), openai.EmbeddingRequest{Model: "openai-fast", Input: []string{"a", "b"}})
		if err != nil || len(e.Data) != 2 || len(e.Data[0].Embedding) != 1536 || e.Usage.PromptTokens == 0 || slices.Equal(e.Data[0].Embedding, e.Data[1].Embedding) {
			t.Errorf("%+v, %v", e, err)
		}
	})
	t.Run("models", func(t *testing.T) {
		t.Parallel()
		m, err := c.ListModels(t.Context())
		if err != nil || len(m.Models) != 18 || m.Models[0].ID != "openai-fast" {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

func goCompletes(t *testing.T, c *openai.Client, model string) {
	req := userSays(model, "marker:GO tokens:12")
	resp, err := c.CreateChatCompletion(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	m := resp.Choices[0]
	if err := marked(m.Message.Content, "GO", 12); err != nil {
		t.Error(err)
	}
	if m.FinishReason != openai.FinishReasonStop || resp.Usage.CompletionTokens != 12 || resp.Usage.PromptTokens == 0 ||
		resp.Usage.TotalTokens != resp.Usage.PromptTokens+12 || resp.Header().Get("x-switchyard-deployment") == "" {
		t.Errorf("%+v", resp)
	}
}

func goStreams(t *testing.T, c *openai.Client, model string) {
	req := userSays(model, "marker:GO tokens:12")
	for _, usage := range []bool{false, true} {
		if usage {
			req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
		}
		got := goStream(t, c, req)
		if err := marked(got.text, "GO", 12); err != nil {
			t.Error(err)
		}
		if got.finish != openai.FinishReasonStop || (got.usage != nil) != usage {
			t.Errorf("usage asked for: %v; finish %q, usage %v", usage, got.finish, got.usage)
		}
		if usage && got.usage != nil && got.usage.CompletionTokens != 12 {
			t.Errorf("usage %+v", got.usage)
		}
	}
}

// streamResult is what a client puts together from a stream.
type streamResult struct {
	text   string
	calls  []openai.ToolCall
	finish openai.FinishReason
	usage  *openai.Usage
}

func goStream(t *testing.T, c *openai.Client, req openai.ChatCompletionRequest) (out streamResult) {
	t.Helper()
	s, err := c.CreateChatCompletionStream(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for {
		chunk, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Usage != nil {
			out.usage = chunk.Usage
		}
		for _, choice := range chunk.Choices {
			out.text += choice.Delta.Content
			out.finish = cmp.Or(choice.FinishReason, out.finish)
			for _, d := range choice.Delta.ToolCalls {
				if d.Index == nil {
					t.Fatalf("a tool call without index: %+v", d)
				}
				for len(out.calls) <= *d.Index {
					out.calls = append(out.calls, openai.ToolCall{})
				}
				call := &out.calls[*d.Index]
				call.ID += d.ID
				call.Type = cmp.Or(d.Type, call.Type)
				call.Function.Name += d.Function.Name
				call.Function.Arguments += d.Function.Arguments
			}
		}
	}
}

// goCallsTools has the model call a tool, streamed and not, and sends the result back.
func goCallsTools(t *testing.T, c *openai.Client, model string) {
	req := userSays(model, "marker:GO use get_weather")
	req.Tools = []openai.Tool{weather}
	resp, err := c.CreateChatCompletion(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	got := goStream(t, c, req)
	for how, result := range map[string]streamResult{
		"whole": {calls: resp.Choices[0].Message.ToolCalls, finish: resp.Choices[0].FinishReason}, "streamed": got,
	} {
		if len(result.calls) != 1 || result.finish != openai.FinishReasonToolCalls {
			t.Fatalf("%s: %+v", how, result)
		}
		call := result.calls[0]
		args := gjson.Parse(call.Function.Arguments)
		if call.ID == "" || call.Type != openai.ToolTypeFunction || call.Function.Name != "get_weather" ||
			!strings.HasPrefix(args.Get("city").Str, "GO") || args.Get("days").Int() != 2 {
			t.Errorf("%s: %+v", how, call)
		}
	}
	req.Messages = append(req.Messages,
		openai.ChatCompletionMessage{Role: openai.ChatMessageRoleAssistant, ToolCalls: got.calls},
		openai.ChatCompletionMessage{Role: openai.ChatMessageRoleTool, ToolCallID: got.calls[0].ID, Content: "rain-and-17-degrees"})
	resp, err = c.CreateChatCompletion(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if m := resp.Choices[0]; !strings.Contains(m.Message.Content, "rain-and-17-degrees") || len(m.Message.ToolCalls) > 0 {
		t.Errorf("after the result: %+v", m)
	}
	if again := goStream(t, c, req); !strings.Contains(again.text, "rain-and-17-degrees") {
		t.Errorf("after the result, streamed: %+v", again)
	}
}

func goMeetsErrors(t *testing.T, r *router, dialect string) {
	fast := dialect + "-fast"
	for _, tc := range []struct {
		name, key, model string
		status           int
		code             string // "": the vendor's, whatever it is
	}{
		{"wrong key", "sk-wrong", fast, http.StatusUnauthorized, "invalid_api_key"},
		{"unknown model", acmeKey, "nothing", http.StatusNotFound, "model_not_found"},
		{"vendor's 400", acmeKey, dialect + "-invalid", http.StatusBadRequest, ""},
		{"vendor's 429", acmeKey, dialect + "-ratelimited", http.StatusTooManyRequests, ""},
		{"vendor's 503", acmeKey, dialect + "-down", http.StatusServiceUnavailable, ""},
	} {
		c := sdk(r, tc.key)
		_, err := c.CreateChatCompletion(t.Context(), userSays(tc.model, "hello"))
		_, streamErr := c.CreateChatCompletionStream(t.Context(), userSays(tc.model, "hello"))
		for _, err := range []error{err, streamErr} {
			api, ok := errors.AsType[*openai.APIError](err)
			if !ok || api.HTTPStatusCode != tc.status || api.Message == "" || api.Type == "" {
				t.Errorf("%s: %#v", tc.name, err)
				continue
			}
			if code, ok := api.Code.(string); !ok || tc.code != "" && code != tc.code {
				t.Errorf("%s: code %#v", tc.name, api.Code)
			}
		}
	}
	req := userSays(fast, "")
	req.Messages = nil
	_, err := sdk(r, acmeKey).CreateChatCompletion(t.Context(), req)
	if api, ok := errors.AsType[*openai.APIError](err); !ok || api.HTTPStatusCode != http.StatusBadRequest {
		t.Errorf("no messages: %#v", err)
	}
}
