package server

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sashabaranov/go-openai"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// sdk is an unmodified client of the OpenAI API before the server.
func sdk(t *testing.T, set setting, key string) *openai.Client {
	t.Helper()
	srv := httptest.NewServer(newFixture(t, set).Handler())
	t.Cleanup(srv.Close)
	config := openai.DefaultConfig(key)
	config.BaseURL = srv.URL + "/v1"
	return openai.NewClientWithConfig(config)
}

func chatRequest() openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{Model: "quality", Messages: []openai.ChatCompletionMessage{{Role: "user", Content: "Hi"}}}
}

func TestClientCompletes(t *testing.T) {
	t.Parallel()
	c := sdk(t, setting{keys: []*gateway.Key{keyOf("acme", &gateway.Tenant{Name: "acme"}, false)}}, "sk-acme")
	resp, err := c.CreateChatCompletion(t.Context(), chatRequest())
	if err != nil {
		t.Fatal(err)
	}
	if resp.Choices[0].Message.Content != "Hello" || resp.Usage.TotalTokens != 14 || resp.Header().Get("x-switchyard-deployment") != "gpt" {
		t.Errorf("got %+v", resp)
	}
	embeddings, err := c.CreateEmbeddings(t.Context(), openai.EmbeddingRequest{Model: "quality", Input: "a"})
	if err != nil || len(embeddings.Data) != 1 || len(embeddings.Data[0].Embedding) != 2 {
		t.Errorf("embeddings: %+v, %v", embeddings, err)
	}
	old, err := c.CreateCompletion(t.Context(), openai.CompletionRequest{Model: "quality", Prompt: "a"})
	if err != nil || old.Choices[0].Text != "Hello" {
		t.Errorf("completion: %+v, %v", old, err)
	}
	models, err := c.ListModels(t.Context())
	if err != nil || len(models.Models) != 2 || models.Models[0].ID != "quality" {
		t.Errorf("models: %+v, %v", models, err)
	}
	one, err := c.GetModel(t.Context(), "team/x")
	if err != nil || one.ID != "team/x" {
		t.Errorf("model: %+v, %v", one, err)
	}
}

func TestClientStreams(t *testing.T) {
	t.Parallel()
	c := sdk(t, setting{}, "none")
	req := chatRequest()
	req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	stream, err := c.CreateChatCompletionStream(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	var content strings.Builder
	var usage *openai.Usage
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, choice := range chunk.Choices {
			content.WriteString(choice.Delta.Content)
		}
		if chunk.Usage != nil {
			usage = chunk.Usage
		}
	}
	if content.String() != "Hello" || usage == nil || usage.TotalTokens != 12 {
		t.Errorf("got %q and usage %+v", content.String(), usage)
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	keys := []*gateway.Key{keyOf("acme", &gateway.Tenant{Name: "acme"}, false)}
	for _, tc := range []struct {
		name, key, model string
		set              setting
		status           int
		typ, code        string
	}{
		{"wrong key", "sk-x", "quality", setting{keys: keys}, 401, typeAuthentication, codeKey},
		{"unknown model", "sk-acme", "nope", setting{keys: keys}, 404, typeRequest, "model_not_found"},
		{"vendor down", "sk-acme", "quality", setting{keys: keys, vendor: refuse(503, "overloaded", "Busy.")}, 503, "vendor_error", "overloaded"},
	} {
		for _, streamed := range []bool{false, true} {
			c := sdk(t, tc.set, tc.key)
			req := chatRequest()
			req.Model = tc.model
			var err error
			if streamed {
				_, err = c.CreateChatCompletionStream(t.Context(), req)
			} else {
				_, err = c.CreateChatCompletion(t.Context(), req)
			}
			var e *openai.APIError
			if !errors.As(err, &e) || e.HTTPStatusCode != tc.status || e.Type != tc.typ || e.Code != tc.code || e.Message == "" {
				t.Errorf("%s, streamed %v: got %#v", tc.name, streamed, err)
			}
		}
	}
}

func TestClientSeesErrorInsideStream(t *testing.T) {
	t.Parallel()
	c := sdk(t, setting{vendor: piecemeal(events(roleChunk, helChunk, `{"error":{"message":"Out of luck.","type":"vendor_error","code":"luck"}}`))}, "none")
	stream, err := c.CreateChatCompletionStream(t.Context(), chatRequest())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	for err == nil {
		_, err = stream.Recv()
	}
	var e *openai.APIError
	if !errors.As(err, &e) || e.Message != "Out of luck." || e.Code != "luck" {
		t.Errorf("got %#v", err)
	}
}
