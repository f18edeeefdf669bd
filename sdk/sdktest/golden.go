package sdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

var update = flag.Bool("update", false, "write the generated sections of golden cases anew")

// Golden plays the cases in testdata/*.txtar through a provider plugin. A case is a text file whose sections begin with
// lines like "-- name --":
//
//	config    the operator's config (optional)
//	call      words: model=…, stream, usage, strict, a dialect's or an endpoint's name (optional)
//	request   the client's body; see Input for what is read off it (optional)
//	vendor    what goes to the vendor (generated, if there is a request)
//	answer    "status 200", headers, a blank line, the vendor's body
//	client    what the client gets (generated, if there is an answer)
//	stream    the vendor's stream; a last line "(aborted)" breaks it off
//	chunks    what the client gets (generated, if there is a stream)
//
// Streams are also played in batches of every size, and cut into two at every byte before they are decoded. The flag
// -update writes the generated sections.
type Golden struct {
	New    func() provider.Plugin
	Model  string // the deployment's, Model when empty
	Decode func(stream string, split int) []Event
	// Endings are what lines may end with in the vendor's framing, beside \n.
	Endings []string
	// Vectors names cases whose calls are the module's golden vectors: they are compared with VectorsFile, too.
	Vectors []string
}

// What cases are played with.
const (
	Model     = "vendor-model"
	RequestID = "req-1"
	Now       = 1_700_000_000
)

// Input is a client's request in the OpenAI dialect. A body with a member "input" is for embeddings, one with "prompt"
// for completions; the flags are set as stream and stream_options say.
func Input(body string) *abi.RequestInput {
	in := &abi.RequestInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Now: Now, Seed: 7,
		Model: []byte(Model), RequestID: []byte(RequestID), Body: []byte(body),
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

// Run plays every case as a subtest of its name.
func (g Golden) Run(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			c := g.read(t, file)
			c.play(t)
			if *update {
				if err := os.WriteFile(file, []byte(c.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if len(g.Vectors) > 0 {
		t.Run("vectors", g.vectors)
	}
}

// read returns the case of a file, with a provider that has its config.
func (g *Golden) read(t *testing.T, file string) *goldenCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := parseCase(string(text))
	config, _ := c.section("config")
	c.golden, c.host = g, NewProvider(t, g.New(), config)
	return c
}

type goldenCase struct {
	golden   *Golden
	comment  string
	sections []section
	host     *Provider
	state    []byte // what the request left for the answer
}

type section struct{ name, text string }

// parseCase reads the txtar format.
func parseCase(text string) *goldenCase {
	c := &goldenCase{}
	for line := range strings.Lines(text) {
		mark := strings.TrimSpace(line)
		if strings.HasPrefix(mark, "-- ") && strings.HasSuffix(mark, " --") && len(mark) > 6 {
			c.sections = append(c.sections, section{name: strings.TrimSpace(mark[3 : len(mark)-3])})
			continue
		}
		if n := len(c.sections); n > 0 {
			c.sections[n-1].text += line
		} else {
			c.comment += line
		}
	}
	return c
}

func (c *goldenCase) String() string {
	var b strings.Builder
	b.WriteString(c.comment)
	for _, s := range c.sections {
		fmt.Fprintf(&b, "-- %s --\n%s", s.name, s.text)
	}
	return b.String()
}

func (c *goldenCase) section(name string) (string, bool) {
	for _, s := range c.sections {
		if s.name == name {
			return s.text, true
		}
	}
	return "", false
}

// expect compares a generated section, or takes it over.
func (c *goldenCase) expect(t *testing.T, name, got string) {
	t.Helper()
	if !*update {
		if want, _ := c.section(name); got != want {
			t.Errorf("section %s:\n%s\nwant:\n%s", name, got, want)
		}
		return
	}
	for i := range c.sections {
		if c.sections[i].name == name {
			c.sections[i].text = got
			return
		}
	}
	c.sections = append(c.sections, section{name, got})
}

func (c *goldenCase) play(t *testing.T) {
	in := c.input(t)
	if _, sent := c.section("request"); sent {
		c.expect(t, "vendor", c.request(t, in))
	}
	if answer, answered := c.section("answer"); answered {
		c.expect(t, "client", c.response(t, in, answer))
	}
	if stream, streamed := c.section("stream"); streamed {
		c.expect(t, "chunks", c.stream(t, in, stream))
	}
}

// input is the client's request.
func (c *goldenCase) input(t *testing.T) *abi.RequestInput {
	request, sent := c.section("request")
	if !sent {
		request = `{}`
	}
	in := Input(strings.TrimSuffix(request, "\n"))
	if c.golden.Model != "" {
		in.Model = []byte(c.golden.Model)
	}
	if _, streamed := c.section("stream"); streamed {
		in.Flags |= abi.FlagStream
	}
	call, _ := c.section("call")
	for word := range strings.FieldsSeq(call) {
		if !apply(in, word) {
			t.Fatalf("unknown word %q in call", word)
		}
	}
	return in
}

// apply does what a word of the section call says.
func apply(in *abi.RequestInput, word string) bool {
	if model, ok := strings.CutPrefix(word, "model="); ok {
		in.Model = []byte(model)
		return true
	}
	switch word {
	case "stream":
		in.Flags |= abi.FlagStream
		return true
	case "usage":
		in.Flags |= abi.FlagIncludeUsage
		return true
	case "strict":
		in.Flags |= abi.FlagStrictParams
		return true
	}
	for d := abi.DialectOpenAI; d <= abi.DialectResponses; d++ {
		if word == d.String() {
			in.Dialect = d
			return true
		}
	}
	for e := abi.EndpointChat; e <= abi.EndpointCompletions; e++ {
		if word == e.String() {
			in.Endpoint = e
			return true
		}
	}
	return false
}

func (c *goldenCase) request(t *testing.T, in *abi.RequestInput) string {
	out, err := c.host.Request(in)
	if err != nil {
		return describe(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s", out.Path)
	if len(out.Query) > 0 {
		fmt.Fprintf(&b, "?%s", out.Query)
	}
	auth := [...]string{"none", "bearer", "header", "query", "sigv4", "gcp", "azure"}[out.Auth]
	if len(out.AuthName) > 0 {
		auth += " " + string(out.AuthName)
	}
	fmt.Fprintf(&b, "\nauth %s, answer %s, framing %d\n", auth, [...]string{"translated", "passed through"}[out.ResponseMode], out.Framing)
	for name, value := range out.Headers.All {
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	for name := range out.Dropped.All {
		fmt.Fprintf(&b, "dropped %s\n", name)
	}
	c.state = bytes.Clone(out.State)
	if out.RequestMode == abi.ModeTranslate {
		return b.String() + "\n" + indent(t, out.Body)
	}
	if !out.Edits.Valid() || len(out.Body) > 0 {
		t.Errorf("the request is not a valid passthrough: edits %q, body %q", out.Edits, out.Body)
	}
	var edits []jsonraw.Edit
	for e := range out.Edits.All {
		edits = append(edits, jsonraw.Edit{Op: jsonraw.Op(e.Op), Path: e.Path, Value: e.Value})
	}
	body, err := jsonraw.Splice(nil, in.Body, edits)
	if err != nil {
		t.Errorf("splice: %v", err)
	}
	return b.String() + "\n" + string(body) + "\n"
}

func (c *goldenCase) response(t *testing.T, req *abi.RequestInput, answer string) string {
	head, body, _ := strings.Cut(answer, "\n\n")
	in := &abi.ResponseInput{
		Endpoint: req.Endpoint, Dialect: req.Dialect, Flags: req.Flags, Now: req.Now, Seed: req.Seed,
		Model: req.Model, RequestID: req.RequestID, State: c.state, Body: []byte(strings.TrimSuffix(body, "\n")),
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
	out, err := c.host.Response(in)
	if err != nil {
		return describe(err)
	}
	if out.AsIs {
		return "as it is, " + describeUsage(out.Usage)
	}
	return describeUsage(out.Usage) + indent(t, out.Body)
}

func (c *goldenCase) stream(t *testing.T, req *abi.RequestInput, stream string) string {
	stream, base, end := c.streamed(req, stream)
	events := c.golden.Decode(stream, 0)
	whole := render(t, c.host.Replay(base, events, 0, end))
	for batch := 1; batch <= len(events); batch++ {
		if got := render(t, c.host.Replay(base, events, batch, end)); got != whole {
			t.Fatalf("in batches of %d:\n%s\nwant:\n%s", batch, got, whole)
		}
	}
	for split := range stream {
		if !slices.Equal(c.golden.Decode(stream, split), events) {
			t.Fatalf("split at byte %d the stream gives other events", split)
		}
	}
	for _, ending := range c.golden.Endings {
		if !slices.Equal(c.golden.Decode(strings.ReplaceAll(stream, "\n", ending), 0), events) {
			t.Fatalf("with lines ended by %q the stream gives other events", ending)
		}
	}
	return whole
}

// streamed returns the vendor's bytes, what each call is made of, and how the stream ends.
func (c *goldenCase) streamed(req *abi.RequestInput, stream string) (string, abi.StreamInput, abi.End) {
	end := abi.EndClean
	stream, aborted := strings.CutSuffix(stream, "(aborted)\n")
	if aborted {
		end = abi.EndAborted
	}
	return stream, abi.StreamInput{
		Endpoint: req.Endpoint, Dialect: req.Dialect, Flags: req.Flags, Now: req.Now,
		Model: req.Model, RequestID: req.RequestID, State: c.state,
	}, end
}

func render(t *testing.T, r Replay) string {
	t.Helper()
	var b strings.Builder
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

func describe(err error) string {
	ref, ok := errors.AsType[*abi.Refusal](err)
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

func indent(t *testing.T, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Errorf("%v in %s", err, body)
		return string(body) + "\n"
	}
	return b.String() + "\n"
}
