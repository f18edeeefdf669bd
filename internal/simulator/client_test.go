package simulator_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sashabaranov/go-openai"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
)

// TestOpenAIClient reads the answers with a client that was not written for the simulator.
func TestOpenAIClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(simulator.New(simulator.Options{Seed: 1}))
	defer server.Close()
	for _, vendor := range []string{"openai", "ollama"} {
		config := openai.DefaultConfig("k")
		config.BaseURL = server.URL + "/" + vendor + "@fast/v1"
		client := openai.NewClientWithConfig(config)
		ask := func(text string) openai.ChatCompletionRequest {
			return openai.ChatCompletionRequest{
				Model:    "gpt-4o",
				Messages: []openai.ChatCompletionMessage{{Role: "user", Content: text}},
				Tools: []openai.Tool{{Type: "function", Function: &openai.FunctionDefinition{Name: "clock", Parameters: map[string]any{
					"type": "object", "properties": map[string]any{"zone": map[string]any{"type": "string"}}, "required": []string{"zone"},
				}}}},
			}
		}
		whole, err := client.CreateChatCompletion(t.Context(), ask("hello"))
		if err != nil || !strings.HasPrefix(whole.Choices[0].Message.Content, "Reply ") || whole.Usage.CompletionTokens != 40 {
			t.Errorf("%s: %+v, %v", vendor, whole, err)
		}
		call, err := client.CreateChatCompletion(t.Context(), ask("use clock"))
		if err != nil || len(call.Choices[0].Message.ToolCalls) != 1 || call.Choices[0].FinishReason != openai.FinishReasonToolCalls {
			t.Errorf("%s: %+v, %v", vendor, call, err)
		}
		if text, _, usage := collect(t, client, ask("hello")); text != whole.Choices[0].Message.Content || usage.TotalTokens != whole.Usage.TotalTokens {
			t.Errorf("%s: streamed %q, %+v; whole %q, %+v", vendor, text, usage, whole.Choices[0].Message.Content, whole.Usage)
		}
		if _, args, _ := collect(t, client, ask("use clock")); args != call.Choices[0].Message.ToolCalls[0].Function.Arguments {
			t.Errorf("%s: streamed arguments %q", vendor, args)
		}
		missing := ask("hello")
		missing.Model = "missing-model"
		var apiError *openai.APIError
		if _, err := client.CreateChatCompletion(t.Context(), missing); !errors.As(err, &apiError) || apiError.HTTPStatusCode != 404 {
			t.Errorf("%s: %v", vendor, err)
		}
		embedded, err := client.CreateEmbeddings(t.Context(), openai.EmbeddingRequest{Model: "e", Input: []string{"a", "b"}})
		if err != nil || len(embedded.Data) != 2 || len(embedded.Data[1].Embedding) != 1536 {
			t.Errorf("%s: %d embeddings, %v", vendor, len(embedded.Data), err)
		}
		if models, err := client.ListModels(t.Context()); err != nil || len(models.Models) == 0 {
			t.Errorf("%s: %+v, %v", vendor, models, err)
		}
	}
}

// collect puts a stream together.
func collect(t *testing.T, client *openai.Client, request openai.ChatCompletionRequest) (text, args string, usage openai.Usage) {
	t.Helper()
	request.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	stream, err := client.CreateChatCompletionStream(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return text, args, usage
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, choice := range chunk.Choices {
			text += choice.Delta.Content
			for _, call := range choice.Delta.ToolCalls {
				args += call.Function.Arguments
			}
		}
		if chunk.Usage != nil {
			usage = *chunk.Usage
		}
	}
}
