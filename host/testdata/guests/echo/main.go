// Echo is a test provider: OpenAI's dialect passes through, others get their body back. A stream counts its events in
// the state and gives each back as a chunk.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

func init() { provider.Register(&echo{path: "/v1/chat"}) }

func main() {}

type echo struct{ path string }

func (*echo) Describe() abi.Description {
	return abi.Description{
		Name: "echo", Version: "1.0.0", About: "answers with what it gets", Dialect: "openai", Endpoints: []string{"chat"}, Passthrough: []string{"openai"},
		ConfigSchema: `{"type":"object","properties":{"path":{"type":"string"}}}`,
	}
}

func (e *echo) Configure(config []byte) error {
	c := struct{ Path string }{e.path}
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return err
	}
	e.path = c.Path
	return nil
}

func (e *echo) Request(in *abi.RequestInput, out *abi.RequestOutput) error {
	out.Path = append(out.Path, e.path...)
	out.Auth = abi.AuthBearer
	out.Headers = out.Headers.Append("x-echo", "yes")
	if in.Dialect == abi.DialectOpenAI {
		out.RequestMode, out.ResponseMode = abi.ModePassthrough, abi.ModePassthrough
		model, err := json.Marshal(string(in.Model))
		if err != nil {
			return err
		}
		out.Edits = out.Edits.Append(abi.EditSet, "model", string(model))
		return nil
	}
	if len(in.Body) == 0 {
		return errors.New("the body is empty")
	}
	out.Body = append(out.Body, in.Body...)
	return nil
}

func (*echo) Response(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	if in.Status >= 400 {
		return &abi.Refusal{Status: min(in.Status, 599), Class: abi.ClassRetry, Message: string(in.Body)}
	}
	if len(in.Body) == 0 {
		return &abi.Refusal{Status: 502, Class: abi.ClassRetry, Kind: abi.ErrorBadResponse, Message: "the answer is empty"}
	}
	out.Body = append(out.Body, in.Body...)
	out.Usage = abi.Usage{Present: true, Prompt: uint64(len(in.Body))}
	return nil
}

func (*echo) Stream(in *abi.StreamInput, out *abi.StreamOutput) error {
	var seen uint32
	if len(in.State) == 4 {
		seen = binary.LittleEndian.Uint32(in.State)
	}
	for _, data := range in.Events.All {
		seen++
		text, err := json.Marshal(string(data))
		if err != nil {
			return err
		}
		out.Chunks = out.Chunks.Append(abi.ChunkContent, text)
	}
	out.State = binary.LittleEndian.AppendUint32(out.State, seen)
	out.Usage = abi.Usage{Present: true, Completion: uint64(seen)}
	out.Done = in.End != abi.EndNot
	return nil
}
