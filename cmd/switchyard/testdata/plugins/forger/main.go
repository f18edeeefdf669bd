// Forger is a provider that does what the model's name says, with whatever bytes stand there: WHERE|BYTES.
package main

import (
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

func init() { provider.Register(forger{}) }
func main() {}

type forger struct{}

func (forger) Describe() abi.Description {
	return abi.Description{Name: "forger", Version: "1.0.0", About: "sends what it should not", Dialect: "ollama", Endpoints: []string{"chat"}}
}

func (forger) Configure([]byte) error { return nil }

func (forger) Request(in *abi.RequestInput, out *abi.RequestOutput) error {
	where, what, _ := strings.Cut(string(in.Model), "|")
	out.Path, out.Auth = append(out.Path, "/chat"...), abi.AuthBearer
	if in.Flags&abi.FlagStream != 0 {
		out.Framing = abi.FramingNDJSON
	}
	out.Body = append(out.Body, "{}"...)
	out.State = append(out.State, in.Model...)
	switch where {
	case "path":
		out.Path = append(out.Path[:0], what...)
	case "query":
		out.Query = append(out.Query, what...)
	case "header":
		name, value, _ := strings.Cut(what, "|")
		out.Headers = out.Headers.Append(name, value)
	case "auth header", "auth query":
		out.Auth = map[string]abi.AuthScheme{"auth header": abi.AuthHeader, "auth query": abi.AuthQuery}[where]
		out.AuthName = append(out.AuthName, what...)
	case "dropped":
		out.Dropped = out.Dropped.Append(what)
	case "refusal":
		return &abi.Refusal{Status: 402, Type: what, Code: what, Param: what, Message: what}
	}
	return nil
}

func (forger) Response(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	where, what, _ := strings.Cut(string(in.State), "|")
	out.Body = append(out.Body, `{"choices":[]}`...)
	if where == "body" {
		out.Body = append(out.Body[:0], what...)
	}
	return nil
}

func (forger) Stream(in *abi.StreamInput, out *abi.StreamOutput) error {
	where, what, _ := strings.Cut(string(in.State), "|")
	out.State = append(out.State, in.State...)
	if in.End == abi.EndNot {
		return nil
	}
	out.Chunks = out.Chunks.Append(abi.ChunkContent, []byte(`{"choices":[{"index":0,"delta":{"content":"x"}}]}`))
	if where == "chunk" {
		out.Chunks = out.Chunks.Append(abi.ChunkContent, []byte(what))
	}
	if where == "last error" {
		out.Chunks = out.Chunks.AppendRefusal(&abi.Refusal{Status: 502, Type: what, Code: what, Param: what, Message: what})
	}
	out.Chunks = out.Chunks.Append(abi.ChunkFinish, []byte(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`))
	out.Done = true
	return nil
}
