// Package provider is what a provider adapter imports: implement Plugin, call Register in an
// init function, and build with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o name.wasm .
//
// A whole adapter for a vendor that speaks the client's dialect is two methods that do something:
//
//	type plugin struct{}
//
//	func (plugin) Describe() abi.Description {
//		return abi.Description{
//			Name: "acme", Version: "1.0.0", Dialect: "openai", Endpoints: []string{"chat"}, Passthrough: []string{"openai"},
//		}
//	}
//
//	func (plugin) Request(in *abi.RequestInput, out *abi.RequestOutput) error {
//		out.RequestMode, out.ResponseMode = abi.ModePassthrough, abi.ModePassthrough
//		out.Path = append(out.Path, "/v1/chat/completions"...) // follows the operator's base_url
//		out.Auth = abi.AuthBearer
//		if in.Flags&abi.FlagStream != 0 {
//			out.Framing = abi.FramingSSE
//		}
//		out.Edits = out.Edits.Append(abi.EditSet, "model", string(jsonraw.AppendString(nil, in.Model)))
//		return nil
//	}
//
// One that translates sets ModeTranslate instead, writes the vendor's JSON to out.Body, and does the
// way back in Response and Stream; packages sdk/chat and sdk/chat/answer read and write the client's
// side, sdk/refusal says what failures mean. Three duties are easy to miss: Response is called for
// every error status too, where it returns a *abi.Refusal; Stream must say ChunkContent for the first
// delta (the commit point), ChunkFinish and Done at the end, and an error chunk when in.End comes
// before that; both report Usage, or nothing is billed.
//
// The exports of the contract (see sdk/abi) live here, so the plugin's own package stays plain
// Go that compiles and tests natively.
package provider

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/internal/guest"
)

// Plugin translates between a client's dialect and a vendor's. One instance serves one call at
// a time and thousands of requests in turn, so nothing of a request may stay in it: what a
// stream must remember travels in its State.
//
// Inputs alias a buffer that is reused by the next call. Outputs arrive empty, with the capacity
// of earlier calls: append to their slices, or put one of the plugin's own there in every call. A
// returned *abi.Refusal reaches the host as data; any other error becomes a refusal with status 400.
type Plugin interface {
	// Describe names the plugin. It is called before Configure.
	Describe() abi.Description
	// Configure takes the operator's config as JSON ({} when there is none). It is called once.
	Configure(config []byte) error
	// Request turns the client's request into the vendor's.
	Request(in *abi.RequestInput, out *abi.RequestOutput) error
	// Response turns a whole answer of the vendor, of any status, into the client's.
	Response(in *abi.ResponseInput, out *abi.ResponseOutput) error
	// Stream turns a batch of the vendor's stream events into the client's chunks.
	Stream(in *abi.StreamInput, out *abi.StreamOutput) error
}

var registered *Instance //nolint:unused // the exports, which are there on wasip1 only, read it

// Register makes p the module's plugin. Call it once, in an init function.
func Register(p Plugin) { registered = New(p) }

// Log hands a line to the host's log under the plugin's name, at one of abi's log levels.
func Log(level uint32, line string) { guest.Log(level, line) }

// Instance runs a plugin on encoded messages, as a guest does. The tests' fake host uses it
// natively. It is not safe for concurrent use.
type Instance struct {
	plugin Plugin

	reqIn   abi.RequestInput
	reqOut  abi.RequestOutput
	respIn  abi.ResponseInput
	respOut abi.ResponseOutput
	strIn   abi.StreamInput
	strOut  abi.StreamOutput
}

// New returns an instance of p.
func New(p Plugin) *Instance { return &Instance{plugin: p} }

// Describe answers the export of that name, appending to dst.
func (i *Instance) Describe(dst []byte) []byte {
	d := i.plugin.Describe()
	d.ABI, d.Kind = abi.Version, abi.KindProvider
	return d.AppendJSON(dst)
}

// Configure answers the export of that name, appending to dst.
func (i *Instance) Configure(dst, config []byte) []byte {
	if err := i.plugin.Configure(config); err != nil {
		return guest.Refuse(dst, err)
	}
	return abi.AppendOK(dst)
}

// Request answers the export of that name, appending to dst.
func (i *Instance) Request(dst, input []byte) []byte {
	if err := i.reqIn.Decode(input); err != nil {
		return guest.Refuse(dst, err)
	}
	// Field by field: assigning a whole new struct is several times as slow in a guest.
	o := &i.reqOut
	o.RequestMode, o.ResponseMode, o.Auth, o.Framing = 0, 0, 0, 0
	o.AuthName, o.Path, o.Query, o.Headers = o.AuthName[:0], o.Path[:0], o.Query[:0], o.Headers[:0]
	o.Edits, o.Dropped, o.State, o.Body = o.Edits[:0], o.Dropped[:0], o.State[:0], o.Body[:0]
	if err := i.plugin.Request(&i.reqIn, o); err != nil {
		return guest.Refuse(dst, err)
	}
	return o.Append(dst)
}

// Response answers the export of that name, appending to dst.
func (i *Instance) Response(dst, input []byte) []byte {
	if err := i.respIn.Decode(input); err != nil {
		return guest.Refuse(dst, err)
	}
	o := &i.respOut
	o.AsIs, o.Body = false, o.Body[:0]
	u := &o.Usage
	u.Present, u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning = false, 0, 0, 0, 0, 0
	if err := i.plugin.Response(&i.respIn, o); err != nil {
		return guest.Refuse(dst, err)
	}
	return o.Append(dst)
}

// Stream answers the export of that name, appending to dst.
func (i *Instance) Stream(dst, input []byte) []byte {
	if err := i.strIn.Decode(input); err != nil {
		return guest.Refuse(dst, err)
	}
	o := &i.strOut
	o.Done, o.State, o.Chunks = false, o.State[:0], o.Chunks[:0]
	u := &o.Usage
	u.Present, u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning = false, 0, 0, 0, 0, 0
	if err := i.plugin.Stream(&i.strIn, o); err != nil {
		return guest.Refuse(dst, err)
	}
	o.Count = o.Chunks.Len()
	return o.Append(dst)
}
