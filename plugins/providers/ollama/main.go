// Command ollama is the provider plugin for Ollama's native API: /api/chat with its newline-delimited streams, and
// /api/embed. Unlike Ollama's OpenAI-compatible surface, the native one takes keep_alive and the context length, and says
// when it cuts a prompt.
package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

func init() { provider.Register(newPlugin()) }

func main() {}

const (
	name    = "ollama"
	version = "1.0.0"
)

// plugin holds what Configure read, and buffers that are empty between calls.
type plugin struct {
	config

	req        chat.Request
	doc        jsonraw.Outline // the answer or the event at hand
	reply      reply
	completion answer.Completion
	chunks     answer.Stream
	options    []option
	buf        []byte
	id         []byte // room for a call's id
	floats     []byte
}

// newPlugin returns a plugin that takes lists of embeddings as long as an answer may be.
func newPlugin() *plugin { return &plugin{doc: jsonraw.Outline{Limit: answer.MaxNodes}} }

func (p *plugin) Describe() abi.Description {
	return abi.Description{
		Name: name, Version: version,
		About:        "Ollama's native API",
		Dialect:      abi.DialectOllama.String(),
		Endpoints:    []string{abi.EndpointChat.String(), abi.EndpointEmbeddings.String()},
		ConfigSchema: configSchema,
	}
}

// Request turns a chat or an embeddings request into Ollama's.
func (p *plugin) Request(in *abi.RequestInput, out *abi.RequestOutput) error {
	if in.Dialect != abi.DialectOpenAI {
		return refusal.UnsupportedDialect(name, in.Dialect)
	}
	out.ResponseMode = abi.ModeTranslate
	out.Auth = abi.AuthBearer // for hosted Ollama; a local one needs no key and ignores it
	switch in.Endpoint {
	case abi.EndpointChat:
		return p.chatRequest(in, out)
	case abi.EndpointEmbeddings:
		return p.embedRequest(in, out)
	default:
		return refusal.UnsupportedEndpoint(name, in.Endpoint)
	}
}

// Response reads an error, or an answer that was not streamed.
func (p *plugin) Response(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	err := p.doc.Read(in.Body)
	var doc jsonraw.Value
	if err == nil {
		doc = p.doc.Value(jsonraw.Root)
	}
	if in.Status >= 400 || in.Status < 200 {
		return failure(in.Status, doc, in.Body, refusal.RetryAfter(in.Headers, in.Now))
	}
	if err != nil || doc.Kind() != jsonraw.Object {
		return refusal.FromText(in.Status, in.Body, 0)
	}
	if in.Endpoint == abi.EndpointEmbeddings {
		return p.embedResponse(in, out)
	}
	return p.chatResponse(in, out)
}
