package providers_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestFuel holds adapters to a cost that grows with their input and no faster, whatever that is made of. Fuel is the same
// on every machine, so that neither load nor luck decides.
func TestFuel(t *testing.T) {
	t.Parallel()
	for _, a := range []struct {
		name, config string
		bound        float64 // fuel a byte
		requests     []shape
		answers      []shape
		streams      []stream
	}{
		{"anthropic", `{}`, 1500, requests, anthropicAnswers, anthropicStreams},
		{"ollama", `{}`, 1600, requests, ollamaAnswers, ollamaStreams},              // of vectors that are empty, which no model gives; the rest is below 1300
		{"openai", `{"vendor":"generic"}`, 1500, nil, openaiAnswers, openaiStreams}, // its answers alone, which it repairs
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			g := newGauge(t, a.name, a.config, a.bound)
			for _, s := range a.requests {
				g.compare(t, "request", s, requestOf(abi.EndpointChat))
			}
			for _, s := range a.answers {
				g.compare(t, "answer", s, answerOf(abi.EndpointChat, 200))
				g.compare(t, "error", s, answerOf(abi.EndpointChat, 400))
			}
			for _, s := range a.streams {
				g.compare(t, "stream", s.shape, streamOf(s.opening))
			}
			if a.name == "ollama" {
				for _, s := range inputs {
					g.compare(t, "embeddings", s, requestOf(abi.EndpointEmbeddings))
				}
				for _, s := range ollamaEmbeddings {
					g.compare(t, "embedded", s, answerOf(abi.EndpointEmbeddings, 200))
					g.compare(t, "encoded", s, encoded)
				}
			}
			g.report(t)
		})
	}
}

// gauge measures calls of one adapter.
type gauge struct {
	host   *host.Host
	path   string
	name   string
	config string
	bound  float64
	pools  int
	worst  map[string]cost // by kind of call
}

type cost struct {
	shape   string
	perByte float64
}

func newGauge(t *testing.T, name, config string, bound float64) *gauge {
	t.Helper()
	g := &gauge{host: hosttest.New(t), path: hosttest.Build(t, name), name: name, config: config, bound: bound, worst: map[string]cost{}}
	g.load(t) // which keeps the code in memory
	return g
}

// load returns the adapter with no instance that was called before.
func (g *gauge) load(t *testing.T) *host.Set {
	t.Helper()
	g.pools++
	set, err := g.host.Build(t.Context(), filepath.Dir(g.path), []host.Spec{{
		Key: g.name, Plugin: g.name, Kind: abi.KindProvider, Config: []byte(g.config + strings.Repeat(" ", g.pools)), // a pool of its own
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Release)
	return set
}

// fuel is what all calls have used so far.
func (g *gauge) fuel() uint64 { return g.host.Plugins()[0].Fuel.Total }

// compare makes calls with a shape of several sizes, each twice as large as the one before. From some size on, a guest's
// collector is at work, which is a step between two sizes; a cost that grows too fast shows between all.
func (g *gauge) compare(t *testing.T, kind string, s shape, call caller) {
	t.Helper()
	const smallest, largest, factor = 100_000, 400_000, 2.3
	var least, before, perByte float64 // least: of the growths
	for size := smallest; size <= largest; size *= 2 {
		sent, used, err := g.measure(t, s.build(size), call)
		if err != nil {
			t.Errorf("%s of %s: %v", kind, s.name, err)
			return
		}
		now := float64(slices.Min(used[:]))
		if growth := now / before; size == 2*smallest || growth < least {
			least = growth
		}
		before, perByte = now, float64(slices.Max(used[:]))/float64(sent)
	}
	if least > factor {
		t.Errorf("%s of %s: twice the size needs at least %.1f times the fuel, up to %.0f a byte", kind, s.name, least, perByte)
	}
	bound := g.bound
	if kind == "encoded" { // vectors of one number cost most, which no model gives; long ones of short numbers half as much
		bound = 4000
	}
	if perByte > bound {
		t.Errorf("%s of %s: %.0f fuel a byte, more than %.0f", kind, s.name, perByte, bound)
	}
	if perByte > g.worst[kind].perByte {
		g.worst[kind] = cost{s.name, perByte}
	}
}

// measure returns how many bytes it sent with each call, and what each used. An error is a fault of the adapter.
func (g *gauge) measure(t *testing.T, text string, call caller) (size int, used [3]uint64, err error) {
	t.Helper()
	set := g.load(t)
	for i := range used {
		before := g.fuel()
		sent, err := call(t, set.Provider(g.name), text)
		if _, ok := errors.AsType[*abi.Refusal](err); err != nil && !ok {
			return 0, used, err
		}
		size, used[i] = sent, g.fuel()-before
	}
	return size, used, nil
}

func (g *gauge) report(t *testing.T) {
	for kind, c := range g.worst {
		t.Logf("%s: %.0f fuel a byte at most, for %s", kind, c.perByte, c.shape)
	}
}

// encoded is a caller for the answer to a request for embeddings in base64, which it makes too.
func encoded(t *testing.T, p *host.Provider, text string) (int, error) {
	req := abi.RequestInput{
		Endpoint: abi.EndpointEmbeddings, Dialect: abi.DialectOpenAI, Model: []byte("m"), RequestID: []byte("r"),
		Body: []byte(`{"input":"a","encoding_format":"base64"}`),
	}
	var out abi.RequestOutput
	if _, err := p.Request(t.Context(), &req, &out, nil); err != nil {
		return 0, err
	}
	in := abi.ResponseInput{
		Endpoint: abi.EndpointEmbeddings, Dialect: abi.DialectOpenAI, Status: 200, Model: []byte("m"), RequestID: []byte("r"),
		State: out.State, Body: []byte(text),
	}
	_, err := p.Response(t.Context(), &in, new(abi.ResponseOutput), nil)
	return len(in.Append(nil)), err
}

// caller makes one call and returns how many bytes the adapter got.
type caller func(t *testing.T, p *host.Provider, text string) (int, error)

func requestOf(endpoint abi.Endpoint) caller {
	return func(t *testing.T, p *host.Provider, text string) (int, error) {
		in := abi.RequestInput{
			Endpoint: endpoint, Dialect: abi.DialectOpenAI, Model: []byte("claude-sonnet-4-5"), RequestID: []byte("r"), Body: []byte(text),
		}
		_, err := p.Request(t.Context(), &in, new(abi.RequestOutput), nil)
		return len(in.Append(nil)), err
	}
}

func answerOf(endpoint abi.Endpoint, status int) caller {
	return func(t *testing.T, p *host.Provider, text string) (int, error) {
		in := abi.ResponseInput{
			Endpoint: endpoint, Dialect: abi.DialectOpenAI, Status: status, Model: []byte("m"), RequestID: []byte("r"), Body: []byte(text),
		}
		_, err := p.Response(t.Context(), &in, new(abi.ResponseOutput), nil)
		return len(in.Append(nil)), err
	}
}

func streamOf(opening string) caller {
	return func(t *testing.T, p *host.Provider, text string) (size int, err error) {
		in := abi.StreamInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Model: []byte("m"), RequestID: []byte("r")}
		var out abi.StreamOutput
		for _, batch := range []string{opening, text} {
			in.Events, in.Count = nil, 0
			for line := range strings.Lines(batch) {
				in.Events = in.Events.Append(nil, []byte(strings.TrimSuffix(line, "\n")))
				in.Count++
			}
			size += len(in.Append(nil))
			if _, err := p.Stream(t.Context(), &in, &out, nil); err != nil || out.Done {
				return size, err
			}
			in.State = out.State
		}
		return size, nil
	}
}
