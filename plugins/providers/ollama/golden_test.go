package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden is one case. Its sections:
//
//	config    the plugin's config (optional)
//	request   the client's body; "input" in it makes it embeddings, "prompt" completions
//	vendor    what goes to the vendor (generated)
//	answer    "status 200", headers, a blank line, the vendor's body
//	client    what the client gets (generated)
//	stream    the vendor's stream; a last line "(aborted)" breaks it off
//	chunks    what the client gets (generated)
//
// Cases without a request have the empty one, or {"stream":true} if there is a stream.
type golden struct {
	archive *txtar.Archive
	host    *sdktest.Provider
	state   []byte // what the request left for the answer
}

func (g *golden) section(name string) (string, bool) {
	for _, f := range g.archive.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

// expect compares a generated section, or writes it.
func (g *golden) expect(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		for i := range g.archive.Files {
			if g.archive.Files[i].Name == name {
				g.archive.Files[i].Data = []byte(got)
				return
			}
		}
		g.archive.Files = append(g.archive.Files, txtar.File{Name: name, Data: []byte(got)})
		return
	}
	if want, _ := g.section(name); got != want {
		t.Errorf("section %s:\n%s\nwant:\n%s", name, got, want)
	}
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			g := &golden{archive: archive}
			config, _ := g.section("config")
			g.host = sdktest.NewProvider(t, &plugin{}, config)
			g.run(t)
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

const (
	testModel   = "vendor-model"
	testID      = "req-1"
	testNow     = 1_700_000_000
	streamLimit = 1 << 20
)

func (g *golden) run(t *testing.T) {
	request, sent := g.section("request")
	answer, answered := g.section("answer")
	stream, streamed := g.section("stream")
	if !sent {
		request = `{}`
		if streamed {
			request = `{"stream":true}`
		}
	}
	in := requestInput(request)
	if sent {
		g.expect(t, "vendor", g.request(t, in))
	}
	if answered {
		g.expect(t, "client", g.response(t, in, answer))
	}
	if streamed {
		g.expect(t, "chunks", g.stream(t, in, stream))
	}
}

func requestInput(body string) *abi.RequestInput {
	in := &abi.RequestInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Now: testNow, Seed: 7,
		Model: []byte(testModel), RequestID: []byte(testID), Body: []byte(body),
	}
	v := jsonraw.Value(body)
	switch {
	case v.Get("input") != nil:
		in.Endpoint = abi.EndpointEmbeddings
	case v.Get("prompt") != nil:
		in.Endpoint = abi.EndpointCompletions
	}
	if on, _ := v.Get("stream").Bool(); on {
		in.Flags |= abi.FlagStream
	}
	if on, _ := v.Get("stream_options", "include_usage").Bool(); on {
		in.Flags |= abi.FlagIncludeUsage
	}
	return in
}

func (g *golden) request(t *testing.T, in *abi.RequestInput) string {
	out, err := g.host.Request(in)
	if err != nil {
		return describe(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s", out.Path)
	if len(out.Query) > 0 {
		fmt.Fprintf(&b, "?%s", out.Query)
	}
	fmt.Fprintf(&b, "\nauth %s, answer %s, framing %d\n", [...]string{"none", "bearer", "header", "query", "sigv4", "gcp", "azure"}[out.Auth],
		[...]string{"translated", "passed through"}[out.ResponseMode], out.Framing)
	for name, value := range out.Headers.All {
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	for name := range out.Dropped.All {
		fmt.Fprintf(&b, "dropped %s\n", name)
	}
	if out.RequestMode != abi.ModeTranslate || !json.Valid(out.Body) {
		t.Errorf("the request is not a translated one: %s", out.Body)
	}
	g.state = slices.Clone(out.State)
	return b.String() + "\n" + string(out.Body) + "\n"
}

func describe(err error) string {
	ref, ok := err.(*abi.Refusal)
	if !ok {
		return "error " + err.Error() + "\n"
	}
	class := [...]string{"final", "retry", "other"}[ref.Class]
	kind := [...]string{
		"general", "invalid request", "context window", "content policy", "auth", "not found", "rate limit", "quota",
		"timeout", "overloaded", "bad response",
	}[ref.Kind]
	s := fmt.Sprintf("refusal %d %s %s %q (%s, %s", ref.Status, ref.Type, ref.Code, ref.Param, class, kind)
	if ref.RetryAfterMS > 0 {
		s += fmt.Sprintf(", after %d ms", ref.RetryAfterMS)
	}
	return s + ")\n" + ref.Message + "\n"
}

func describeUsage(u abi.Usage) string {
	if !u.Present {
		return "no usage\n"
	}
	return fmt.Sprintf("usage: prompt %d, completion %d, cached %d, written %d, reasoning %d\n", u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning)
}

func (g *golden) response(t *testing.T, req *abi.RequestInput, answer string) string {
	head, body, _ := strings.Cut(answer, "\n\n")
	in := &abi.ResponseInput{
		Endpoint: req.Endpoint, Dialect: req.Dialect, Flags: req.Flags, Now: req.Now, Seed: req.Seed,
		Model: req.Model, RequestID: req.RequestID, State: g.state, Body: []byte(strings.TrimSuffix(body, "\n")),
	}
	for i, line := range strings.Split(strings.TrimSpace(head), "\n") {
		if i == 0 {
			status, err := strconv.Atoi(strings.TrimPrefix(line, "status "))
			if err != nil {
				t.Fatal(err)
			}
			in.Status = status
			continue
		}
		name, value, _ := strings.Cut(line, ": ")
		in.Headers = in.Headers.Append(name, value)
	}
	out, err := g.host.Response(in)
	if err != nil {
		return describe(err)
	}
	if out.AsIs {
		return "as it is, " + describeUsage(out.Usage)
	}
	if !json.Valid(out.Body) {
		t.Errorf("the answer is not JSON: %s", out.Body)
	}
	return describeUsage(out.Usage) + string(out.Body) + "\n"
}

// decode cuts the stream with the host's decoder, split at the given byte.
func decode(stream string, split int) (events []sdktest.Event) {
	d := upstream.NewDecoder(upstream.NDJSON, streamLimit)
	drain := func() {
		for e, ok := d.Next(); ok; e, ok = d.Next() {
			events = append(events, sdktest.Event{Data: string(e.Data)})
		}
	}
	for _, piece := range [...]string{stream[:split], stream[split:]} {
		if err := d.Write([]byte(piece)); err != nil {
			break
		}
		drain()
	}
	d.Close() //nolint:errcheck // a cut stream is part of some cases
	drain()
	return events
}

func (g *golden) stream(t *testing.T, req *abi.RequestInput, stream string) string {
	end := abi.EndClean
	stream, aborted := strings.CutSuffix(stream, "(aborted)\n")
	if aborted {
		end = abi.EndAborted
	}
	base := abi.StreamInput{
		Endpoint: req.Endpoint, Dialect: req.Dialect, Flags: req.Flags, Now: req.Now,
		Model: req.Model, RequestID: req.RequestID,
	}
	events := decode(stream, 0)
	whole := render(t, g.host.Replay(base, events, 0, end))
	for batch := 1; batch <= len(events); batch++ {
		if got := render(t, g.host.Replay(base, events, batch, end)); got != whole {
			t.Fatalf("in batches of %d:\n%s\nwant:\n%s", batch, got, whole)
		}
	}
	for split := range stream {
		if !slices.Equal(decode(stream, split), events) {
			t.Fatalf("split at byte %d the stream gives other events", split)
		}
	}
	if !slices.Equal(decode(strings.ReplaceAll(stream, "\n", "\r\n"), 0), events) {
		t.Fatal("with lines ended by CRLF the stream gives other events")
	}
	return whole
}

func render(t *testing.T, r sdktest.Replay) string {
	var b bytes.Buffer
	for _, c := range r.Chunks {
		if c.Refusal != nil {
			b.WriteString("error " + describe(c.Refusal))
			continue
		}
		if !json.Valid([]byte(c.Data)) {
			t.Errorf("a chunk is not JSON: %s", c.Data)
		}
		fmt.Fprintf(&b, "%s %s\n", [...]string{"meta", "content", "finish", "usage", "error"}[c.Kind], c.Data)
	}
	if r.Err != nil {
		b.WriteString("the call failed: " + describe(r.Err))
	}
	fmt.Fprintf(&b, "done %t, %s", r.Done, describeUsage(r.Usage))
	return b.String()
}
