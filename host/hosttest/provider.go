package hosttest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Provider builds the provider plugin in dir, loads it into a host and checks that it keeps the contract: description,
// config, purity, and what it does with odd bodies, broken lists and garbage. config is the config to use, {} when left
// out. Whether it translates well is for its golden tests.
func Provider(t *testing.T, dir string, config ...string) {
	k := newKit(t, dir, abi.KindProvider, config)
	p := LoadProvider(t, dir, k.config)
	t.Run("describe", k.describe)
	t.Run("configure", k.configure)
	t.Run("request", func(t *testing.T) { oddRequests(t, p) })
	t.Run("response", func(t *testing.T) { oddResponses(t, p) })
	t.Run("stream", func(t *testing.T) { oddStreams(t, p) })
	t.Run("states", func(t *testing.T) { oddStates(t, k) })
	t.Run("garbage", func(t *testing.T) {
		k.garbage(t, abi.ExportRequest, requestInput(chat).Append(nil), func(answer []byte) error {
			return new(abi.RequestOutput).Decode(answer)
		})
		k.garbage(t, abi.ExportResponse, responseInput(200, completion).Append(nil), func(answer []byte) error {
			return new(abi.ResponseOutput).Decode(answer)
		})
		k.garbage(t, abi.ExportStream, streamInput(abi.EndNot, chunk).Append(nil), func(answer []byte) error {
			return new(abi.StreamOutput).Decode(answer)
		})
	})
	t.Run("pure", func(t *testing.T) {
		k.pure(t, abi.ExportRequest, [][]byte{requestInput(chat).Append(nil), requestInput("{}").Append(nil)})
		k.pure(t, abi.ExportResponse, [][]byte{
			responseInput(200, completion).Append(nil), responseInput(429, failure).Append(nil), responseInput(500, "").Append(nil),
		})
		k.pure(t, abi.ExportStream, [][]byte{streamInput(abi.EndNot, chunk).Append(nil), streamInput(abi.EndAborted).Append(nil)})
	})
	t.Run("memory", func(t *testing.T) {
		request, response, stream := requestInput(chat), responseInput(200, completion), streamInput(abi.EndNot, chunk)
		var buf []byte
		k.memory(t, func(set *host.Set) (err error) {
			p := set.Provider(key)
			if buf, err = p.Request(t.Context(), request, new(abi.RequestOutput), buf); fault(err) {
				return err
			}
			if buf, err = p.Response(t.Context(), response, new(abi.ResponseOutput), buf); fault(err) {
				return err
			}
			buf, err = p.Stream(t.Context(), stream, new(abi.StreamOutput), buf)
			return err
		})
	})
}

// bodies are what clients and vendors may send, and worse.
func bodies() map[string]string {
	return map[string]string{
		"chat":           chat,
		"completion":     completion,
		"failure":        failure,
		"empty":          "",
		"object":         "{}",
		"null":           "null",
		"list":           "[]",
		"string":         `"text"`,
		"number":         "-1.5e300",
		"half an object": `{"model":"m","messages":[{"role":"user","content":"`,
		"wrong types":    `{"model":1,"messages":{"role":[]},"stream":"yes","tools":7,"max_tokens":"many","choices":{},"content":3,"error":[],"usage":[]}`,
		"null members":   `{"model":null,"messages":null,"tools":null,"stop":null,"choices":null,"content":null,"error":null,"usage":null}`,
		"odd lists":      `{"model":"m","messages":[null,1,"x",[],{}],"tools":[null,{}],"choices":[null],"content":[null,1]}`,
		"bad UTF-8":      "{\"model\":\"\xff\xfe\",\"messages\":[{\"role\":\"user\",\"content\":\"\xc3(\"}]}",
		"bad escapes":    `{"model":"\ud800","messages":[{"role":"user","content":"\u12"}]}`,
		"page":           "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
		"NUL bytes":      "\x00\x00\x00\x00",
		"deep":           `{"model":"m","messages":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}",
		"deep and open":  strings.Repeat(`{"a":[`, 20_000),
		"huge":           `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("All work and no play. ", 250_000) + `"}]}`,
		"many":           `{"model":"m","messages":[` + strings.Repeat(`{"role":"user","content":"x"},`, 20_000) + `{"role":"user","content":"x"}]}`,
	}
}

// broken are encodings of lists that end too early or claim too much.
var broken = []string{"\x01", "\xff\xff", "\x01\x00a", "\x01\x00a\xff\xffb", "\x00\x00\xff\xff\xff\xff"}

func oddRequests(t *testing.T, p *host.Provider) {
	var buf []byte
	var out abi.RequestOutput
	for name, body := range bodies() {
		for endpoint := abi.EndpointNone; endpoint <= abi.EndpointCompletions+1; endpoint++ {
			for dialect := abi.DialectNone; dialect <= abi.DialectResponses+1; dialect++ {
				if len(body) > 1<<16 && (endpoint != abi.EndpointChat || dialect > abi.DialectAnthropic) {
					continue
				}
				in := requestInput(body)
				in.Endpoint, in.Dialect = endpoint, dialect
				for _, flags := range []uint16{0, abi.FlagStream, abi.FlagStream | abi.FlagIncludeUsage | abi.FlagStrictParams} {
					in.Flags = flags
					var err error
					if buf, err = p.Request(t.Context(), in, &out, buf); fault(err) {
						t.Errorf("body %q, endpoint %s, dialect %s, flags %d: %v", name, endpoint, dialect, flags, err)
					}
				}
			}
		}
	}
	d := p.Describe()
	for _, client := range d.Passthrough {
		for _, served := range d.Endpoints {
			in := requestInput("")
			in.Flags |= abi.FlagBodyWithheld
			in.Dialect, in.Endpoint = dialect(client), endpoint(served)
			var err error
			if buf, err = p.Request(t.Context(), in, &out, buf); err != nil {
				t.Errorf("passthrough from %s to %s: %v", client, served, err)
			}
		}
	}
	in := requestInput(chat)
	in.Model, in.RequestID = []byte(strings.Repeat("m\"\\\n", 1000)), []byte("\xff")
	if _, err := p.Request(t.Context(), in, &out, buf); fault(err) {
		t.Errorf("odd model: %v", err)
	}
}

func oddResponses(t *testing.T, p *host.Provider) {
	var buf []byte
	var out abi.ResponseOutput
	for name, body := range bodies() {
		for _, status := range []int{0, 200, 204, 301, 400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529, 599, 65535} {
			if len(body) > 1<<16 && status != 200 && status != 400 {
				continue
			}
			in := responseInput(status, body)
			var err error
			if buf, err = p.Response(t.Context(), in, &out, buf); fault(err) {
				t.Errorf("body %q, status %d: %v", name, status, err)
			}
			if err == nil && status >= 400 {
				t.Errorf("body %q, status %d: an error of the vendor is not a refusal", name, status)
			}
		}
	}
	for _, list := range broken {
		in := responseInput(200, completion)
		in.Headers = abi.Pairs(list)
		var err error
		if buf, err = p.Response(t.Context(), in, &out, buf); fault(err) {
			t.Errorf("headers %q: %v", list, err)
		}
	}
}

func oddStreams(t *testing.T, p *host.Provider) {
	var buf []byte
	var out abi.StreamOutput
	try := func(what string, in *abi.StreamInput) {
		t.Helper()
		var err error
		if buf, err = p.Stream(t.Context(), in, &out, buf); fault(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for end := abi.EndNot; end <= abi.EndAborted; end++ {
		try(fmt.Sprintf("no events, end %d", end), streamInput(end))
		for name, body := range bodies() {
			try(fmt.Sprintf("event %q, end %d", name, end), streamInput(end, body))
		}
		for _, event := range []string{"", "message_start", "error", "ping", "done", "\xff"} {
			in := streamInput(end)
			in.Events, in.Count = in.Events.Append([]byte(event), []byte(failure)), 1
			try(fmt.Sprintf("event named %q, end %d", event, end), in)
		}
		for _, list := range broken {
			in := streamInput(end)
			in.Events, in.Count = abi.Events(list), 3
			try(fmt.Sprintf("events %q, end %d", list, end), in)
		}
	}
	many := streamInput(abi.EndNot)
	for range 2_000 {
		many.Events = many.Events.Append(nil, []byte(chunk))
		many.Count++
	}
	try("2000 events", many)

	// The state must stay within its limit however long a stream is.
	in := streamInput(abi.EndNot, chunk)
	for n := range 2_000 {
		var err error
		if buf, err = p.Stream(t.Context(), in, &out, buf); fault(err) {
			t.Fatalf("call %d of a stream: %v", n, err)
		}
		in.State = append(in.State[:0], out.State...)
	}
}

// oddStates brings states that the plugin never gave. A host takes none such, so they go past it.
func oddStates(t *testing.T, k *kit) {
	set := Load(t, k.dir, k.kind, k.config)
	for _, list := range broken {
		in := responseInput(200, completion)
		in.Headers, in.State = abi.Pairs(list), []byte(list)
		answer, err := set.Probe(t.Context(), key, abi.ExportResponse, in.Append(nil))
		if err == nil {
			var out abi.ResponseOutput
			err = checked(out.Decode(answer), func() error { return contract.Response(&out) })
		}
		if fault(err) {
			t.Errorf("response: headers and state %q: %v", list, err)
		}
		for end := abi.EndNot; end <= abi.EndAborted; end++ {
			in := streamInput(end, chunk)
			in.State = []byte(list)
			answer, err := set.Probe(t.Context(), key, abi.ExportStream, in.Append(nil))
			if err == nil {
				var out abi.StreamOutput
				err = checked(out.Decode(answer), func() error { return contract.Stream(&out) })
			}
			if fault(err) {
				t.Errorf("stream: state %q, end %d: %v", list, end, err)
			}
		}
	}
}

// checked is what a host makes of an answer, given what decoding it said.
func checked(decoding error, check func() error) error {
	if decoding != nil {
		return contract.Reply(decoding)
	}
	return check()
}
