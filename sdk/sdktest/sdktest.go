// Package sdktest is a fake host: it drives a plugin natively through the same encoded messages
// that the real host exchanges with the module, so plugin logic is tested by plain go test.
package sdktest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

// Provider drives a provider plugin. It is not safe for concurrent use.
type Provider struct {
	inst   *provider.Instance
	config string
	export string // the last call's
	in     []byte
	out    []byte
}

// NewProvider configures p with config (JSON, "" is {}) and fails the test when it refuses.
func NewProvider(t testing.TB, p provider.Plugin, config string) *Provider {
	t.Helper()
	f := &Provider{inst: provider.New(p), config: config}
	checkDescription(t, f.inst.Describe(nil), abi.KindProvider)
	if err := abi.DecodeReply(f.inst.Configure(nil, configBytes(config))); err != nil {
		t.Fatalf("configure(%s): %v", config, err)
	}
	return f
}

// ConfigureError returns what configure says about config, nil when it accepts.
func ConfigureError(p interface{ Configure([]byte) error }, config string) error {
	return p.Configure(configBytes(config))
}

// Request runs one request call. The output is valid until the next call; the error is a
// *abi.Refusal or abi.ErrShort.
func (f *Provider) Request(in *abi.RequestInput) (out abi.RequestOutput, err error) {
	f.export, f.in = abi.ExportRequest, in.Append(nil)
	f.out = f.inst.Request(f.out[:0], f.in)
	err = out.Decode(f.out)
	return out, err
}

// Response runs one response call, with the same rules as Request.
func (f *Provider) Response(in *abi.ResponseInput) (out abi.ResponseOutput, err error) {
	f.export, f.in = abi.ExportResponse, in.Append(nil)
	f.out = f.inst.Response(f.out[:0], f.in)
	err = out.Decode(f.out)
	return out, err
}

// Stream runs one stream call, with the same rules as Request.
func (f *Provider) Stream(in *abi.StreamInput) (out abi.StreamOutput, err error) {
	f.export, f.in = abi.ExportStream, in.Append(nil)
	f.out = f.inst.Stream(f.out[:0], f.in)
	err = out.Decode(f.out)
	return out, err
}

// Event is one decoded upstream event.
type Event struct{ Name, Data string }

// Chunk is one chunk for the client, or the refusal that an error chunk carries.
type Chunk struct {
	Kind    abi.ChunkKind
	Data    string
	Refusal *abi.Refusal
}

// Replay is what a whole stream came to.
type Replay struct {
	Chunks []Chunk
	Usage  abi.Usage
	Done   bool
	Err    error // a refusal of the call itself
}

// Replay feeds events through stream in batches of at most batch events (0: all in one), the
// state travelling between the calls, and ends with the given end. base gives everything but
// events, state and end. It stops early once the plugin says that it is done.
func (f *Provider) Replay(base abi.StreamInput, events []Event, batch int, end abi.End) Replay {
	var r Replay
	if batch <= 0 {
		batch = max(len(events), 1)
	}
	state := bytes.Clone(base.State)
	for i := 0; ; i += batch {
		in := base
		in.State = state
		for _, e := range events[min(i, len(events)):min(i+batch, len(events))] {
			in.Events = in.Events.Append([]byte(e.Name), []byte(e.Data))
			in.Count++
		}
		last := i+batch >= len(events)
		if last {
			in.End = end
		}
		out, err := f.Stream(&in)
		if err != nil {
			r.Err = err
			return r
		}
		state = bytes.Clone(out.State)
		if out.Usage.Present {
			r.Usage = out.Usage
		}
		for kind, data := range out.Chunks.All {
			c := Chunk{Kind: kind, Data: string(data)}
			if kind == abi.ChunkError {
				c.Data = ""
				c.Refusal, r.Err = abi.DecodeRefusal(data)
			}
			r.Chunks = append(r.Chunks, c)
		}
		r.Done = r.Done || out.Done
		if last || r.Done {
			return r
		}
	}
}

// Strategy drives a strategy plugin. It is not safe for concurrent use.
type Strategy struct {
	inst   *strategy.Instance
	config string
	in     []byte
	out    []byte
}

// NewStrategy configures p with config (JSON, "" is {}) and fails the test when it refuses.
func NewStrategy(t testing.TB, p strategy.Plugin, config string) *Strategy {
	t.Helper()
	f := &Strategy{inst: strategy.New(p), config: config}
	checkDescription(t, f.inst.Describe(nil), abi.KindStrategy)
	if err := abi.DecodeReply(f.inst.Configure(nil, configBytes(config))); err != nil {
		t.Fatalf("configure(%s): %v", config, err)
	}
	return f
}

// Score scores the candidates.
func (f *Strategy) Score(h *abi.Header, cands []abi.Candidate) (out abi.ScoreOutput, err error) {
	f.in = abi.AppendScore(f.in[:0], h, cands)
	f.out = f.inst.Score(f.out[:0], f.in)
	err = out.Decode(f.out)
	return out, err
}

func configBytes(config string) []byte {
	if config == "" {
		return []byte("{}")
	}
	return []byte(config)
}

func checkDescription(t testing.TB, text []byte, kind string) {
	t.Helper()
	var d abi.Description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("describe: %v in %s", err, text)
	}
	if d.ABI != abi.Version || d.Kind != kind || d.Name == "" || d.Version == "" {
		t.Fatalf("describe: incomplete: %s", text)
	}
	if d.ConfigSchema != "" && !json.Valid([]byte(d.ConfigSchema)) {
		t.Fatalf("describe: config_schema is not JSON: %s", d.ConfigSchema)
	}
}
