package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

var update = flag.Bool("update", false, "write the golden sections anew")

// TestGolden plays testdata/*.txtar. A case has the sections
//
//	config   the operator's config           optional
//	call     model=… and the flags           optional
//	client   the client's body               optional
//	vendor   what the vendor must get        golden, if there is a client section
//	answer   status, headers, blank line, body; or
//	events   the vendor's stream, with "(aborted)" in the last line if it broke off
//	result   what the client must get        golden, if there is an answer or events section
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, readCase(t, archive))
			changed := false
			for i, f := range archive.Files {
				if want, ok := got[f.Name]; ok && want != string(f.Data) {
					changed = true
					if !*update {
						t.Errorf("%s:\ngot:\n%s\nwant:\n%s", f.Name, want, f.Data)
					}
					archive.Files[i].Data = []byte(want)
				}
				delete(got, f.Name)
			}
			for name, text := range got {
				t.Errorf("the case has no section %q; it would be:\n%s", name, text)
			}
			if changed && *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type testCase struct {
	config, client string
	request        abi.RequestInput
	answer         *abi.ResponseInput
	events         []byte
	streamed       bool
	end            abi.End
}

func readCase(t *testing.T, archive *txtar.Archive) testCase {
	t.Helper()
	c := testCase{end: abi.EndClean}
	c.request = abi.RequestInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Now: 70, Seed: 1,
		Model: []byte("claude-sonnet-4-5"), RequestID: []byte("r1"),
	}
	for _, f := range archive.Files {
		text := strings.TrimSuffix(string(f.Data), "\n")
		switch f.Name {
		case "config":
			c.config = text
		case "client":
			c.client = text
		case "call":
			for word := range strings.FieldsSeq(text) {
				model, isModel := strings.CutPrefix(word, "model=")
				switch {
				case isModel:
					c.request.Model = []byte(model)
				case word == "stream":
					c.request.Flags |= abi.FlagStream
				case word == "usage":
					c.request.Flags |= abi.FlagIncludeUsage
				case word == "strict":
					c.request.Flags |= abi.FlagStrictParams
				case word == "anthropic":
					c.request.Dialect = abi.DialectAnthropic
				case word == "gemini":
					c.request.Dialect = abi.DialectGemini
				case word == "embeddings":
					c.request.Endpoint = abi.EndpointEmbeddings
				default:
					t.Fatalf("unknown word %q in call", word)
				}
			}
		case "answer":
			head, body, _ := strings.Cut(text, "\n\n")
			lines := strings.Split(head, "\n")
			status, err := strconv.Atoi(lines[0])
			if err != nil {
				t.Fatal(err)
			}
			c.answer = &abi.ResponseInput{Status: status, Body: []byte(body)}
			for _, line := range lines[1:] {
				name, value, _ := strings.Cut(line, ": ")
				c.answer.Headers = c.answer.Headers.Append(name, value)
			}
		case "events":
			c.streamed = true
			if whole, ok := strings.CutSuffix(text, "(aborted)"); ok {
				text, c.end = whole, abi.EndAborted
			}
			c.events = []byte(text + "\n")
		}
	}
	return c
}

// play runs the case's calls and returns the golden sections.
func play(t *testing.T, c testCase) map[string]string {
	t.Helper()
	got := map[string]string{}
	host := sdktest.NewProvider(t, &plugin{}, c.config)
	var state []byte
	if c.client != "" {
		in := c.request
		in.Body = []byte(c.client)
		out, err := host.Request(&in)
		got["vendor"] = showRequest(t, &out, err)
		state = bytes.Clone(out.State)
		if err != nil {
			return got
		}
	}
	if c.answer != nil {
		in := *c.answer
		in.Endpoint, in.Dialect, in.Flags = c.request.Endpoint, c.request.Dialect, c.request.Flags
		in.Now, in.Model, in.RequestID, in.State = c.request.Now, c.request.Model, c.request.RequestID, state
		out, err := host.Response(&in)
		got["result"] = showResponse(t, &out, err)
	}
	if c.streamed {
		base := abi.StreamInput{
			Endpoint: c.request.Endpoint, Dialect: c.request.Dialect, Flags: c.request.Flags,
			Now: c.request.Now, Model: c.request.Model, RequestID: c.request.RequestID, State: state,
		}
		want := replaySplit(t, host, base, c.events, len(c.events), c.end)
		for at := range len(c.events) {
			if r := replaySplit(t, host, base, c.events, at, c.end); !reflect.DeepEqual(r, want) {
				t.Fatalf("split at byte %d:\ngot  %+v\nwant %+v", at, r, want)
			}
		}
		if r := replaySplit(t, host, base, c.events, -1, c.end); !reflect.DeepEqual(r, want) {
			t.Fatalf("byte by byte:\ngot  %+v\nwant %+v", r, want)
		}
		got["result"] = showReplay(t, &want)
	}
	return got
}

// replaySplit decodes events in two pieces, cut at the byte at (in pieces of one byte if at is negative), and
// makes one call of the plugin per piece that completes an event.
func replaySplit(t *testing.T, host *sdktest.Provider, base abi.StreamInput, events []byte, at int, end abi.End) sdktest.Replay {
	t.Helper()
	var r sdktest.Replay
	decoder := upstream.NewDecoder(upstream.SSE, 1<<20)
	call := func(end abi.End) {
		in := base
		in.End = end
		for e, ok := decoder.Next(); ok; e, ok = decoder.Next() {
			if !e.Comment() {
				in.Events = in.Events.Append(e.Name, e.Data)
				in.Count++
			}
		}
		if r.Done || in.Count == 0 && end == abi.EndNot {
			return
		}
		out, err := host.Stream(&in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.State) > abi.MaxState {
			t.Fatalf("the state has %d bytes", len(out.State))
		}
		base.State = bytes.Clone(out.State)
		r.Done = out.Done
		if out.Usage.Present {
			r.Usage = out.Usage
		}
		for kind, data := range out.Chunks.All {
			chunk := sdktest.Chunk{Kind: kind, Data: string(data)}
			if kind == abi.ChunkError {
				chunk.Data = ""
				if chunk.Refusal, err = abi.DecodeRefusal(data); err != nil {
					t.Fatal(err)
				}
			}
			r.Chunks = append(r.Chunks, chunk)
		}
	}
	write := func(piece []byte) {
		if err := decoder.Write(piece); err != nil {
			t.Fatal(err)
		}
		call(abi.EndNot)
	}
	if at < 0 {
		for i := range events {
			write(events[i : i+1])
		}
	} else {
		write(events[:at])
		write(events[at:])
	}
	if err := decoder.Close(); err != nil {
		end = abi.EndAborted
	}
	call(end)
	return r
}

func showRequest(t *testing.T, out *abi.RequestOutput, err error) string {
	t.Helper()
	if err != nil {
		return showRefusal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "path %s\n", out.Path)
	for name, value := range out.Headers.All {
		fmt.Fprintf(&b, "header %s: %s\n", name, value)
	}
	for e := range out.Edits.All {
		fmt.Fprintf(&b, "edit %d %s %s\n", e.Op, e.Path, e.Value)
	}
	for name := range out.Dropped.All {
		fmt.Fprintf(&b, "dropped %s\n", name)
	}
	if out.Framing != abi.FramingNone {
		fmt.Fprintf(&b, "framing %d\n", out.Framing)
	}
	if out.Auth != abi.AuthHeader || string(out.AuthName) != "x-api-key" || len(out.Query) != 0 {
		t.Errorf("auth %d %s, query %q", out.Auth, out.AuthName, out.Query)
	}
	if out.RequestMode == abi.ModeTranslate {
		b.WriteString(indent(t, out.Body))
	}
	return b.String()
}

func showResponse(t *testing.T, out *abi.ResponseOutput, err error) string {
	t.Helper()
	if err != nil {
		return showRefusal(err)
	}
	if out.AsIs {
		return "as is\n" + showUsage(&out.Usage)
	}
	return indent(t, out.Body) + showUsage(&out.Usage)
}

func showReplay(t *testing.T, r *sdktest.Replay) string {
	t.Helper()
	var b strings.Builder
	for _, c := range r.Chunks {
		if c.Refusal != nil {
			b.WriteString("error " + showRefusal(c.Refusal))
			continue
		}
		if !json.Valid([]byte(c.Data)) {
			t.Errorf("chunk is not JSON: %s", c.Data)
		}
		fmt.Fprintf(&b, "%s %s\n", [...]string{"meta", "content", "finish", "usage"}[c.Kind], c.Data)
	}
	if !r.Done {
		b.WriteString("not done\n")
	}
	return b.String() + showUsage(&r.Usage)
}

func showRefusal(err error) string {
	ref, ok := errors.AsType[*abi.Refusal](err)
	if !ok {
		return "not a refusal: " + err.Error()
	}
	return fmt.Sprintf("refusal %d type=%s code=%s param=%s class=%d kind=%d retry_after_ms=%d\n%s\n",
		ref.Status, ref.Type, ref.Code, ref.Param, ref.Class, ref.Kind, ref.RetryAfterMS, ref.Message)
}

func showUsage(u *abi.Usage) string {
	if !u.Present {
		return "no usage\n"
	}
	return fmt.Sprintf("usage prompt=%d completion=%d cached=%d cache_write=%d reasoning=%d\n", u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning)
}

func indent(t *testing.T, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return b.String() + "\n"
}
