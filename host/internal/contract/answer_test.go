package contract

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	good := func() abi.RequestOutput {
		return abi.RequestOutput{
			RequestMode: abi.ModePassthrough, ResponseMode: abi.ModePassthrough, Auth: abi.AuthHeader, Framing: abi.FramingSSE,
			AuthName: []byte("x-api-key"), Path: []byte("/v1/chat/completions"), Query: []byte("beta=true"),
			Headers: abi.Pairs(nil).Append("accept", "*/*"), Dropped: abi.Names(nil).Append("logit_bias"),
			Edits: abi.Edits(nil).Append(abi.EditSet, "model", `"m"`).Append(abi.EditDelete, "user", "").Append(abi.EditRename, "max_tokens", "limit"),
			State: make([]byte, abi.MaxState),
		}
	}
	cases := []struct {
		name   string
		change func(out *abi.RequestOutput)
		want   string
	}{
		{"good", func(*abi.RequestOutput) {}, ""},
		{"translated", func(out *abi.RequestOutput) { out.RequestMode, out.Edits = abi.ModeTranslate, nil }, ""},
		{"request mode", func(out *abi.RequestOutput) { out.RequestMode = 2 }, "request mode 2"},
		{"response mode", func(out *abi.RequestOutput) { out.ResponseMode = 9 }, "response mode 9"},
		{"auth", func(out *abi.RequestOutput) { out.Auth = abi.AuthAzure + 1 }, "auth scheme 7"},
		{"auth name", func(out *abi.RequestOutput) { out.AuthName = nil }, "needs a name"},
		{"auth name with a break", func(out *abi.RequestOutput) { out.AuthName = []byte("a\r\nb") }, "auth name"},
		{"framing", func(out *abi.RequestOutput) { out.Framing = 4 }, "framing 4"},
		{"no path", func(out *abi.RequestOutput) { out.Path = nil }, "does not start with a slash"},
		{"host", func(out *abi.RequestOutput) { out.Path = []byte("@evil.example/") }, "does not start with a slash"},
		{"query in path", func(out *abi.RequestOutput) { out.Path = []byte("/a?b") }, "characters that a path can't have"},
		{"break in path", func(out *abi.RequestOutput) { out.Path = []byte("/a\r\nHost: b") }, "characters that a path can't have"},
		{"break in query", func(out *abi.RequestOutput) { out.Query = []byte("a b") }, "characters that a query can't have"},
		{"headers", func(out *abi.RequestOutput) { out.Headers = out.Headers[:4] }, "its headers can't be decoded"},
		{"edits", func(out *abi.RequestOutput) { out.Edits = out.Edits[:4] }, "its edits can't be decoded"},
		{"edit operation", func(out *abi.RequestOutput) { out.Edits = out.Edits.Append(3, "a", "b") }, "its edits can't be decoded"},
		{"edit path", func(out *abi.RequestOutput) { out.Edits = out.Edits.Append(abi.EditDelete, "", "") }, "has no path"},
		{"edit value", func(out *abi.RequestOutput) { out.Edits = out.Edits.Append(abi.EditSet, "a", `1,"b":2`) }, "is not JSON"},
		{"edit name", func(out *abi.RequestOutput) { out.Edits = out.Edits.Append(abi.EditRename, "a", "") }, "renames it to nothing"},
		{"dropped", func(out *abi.RequestOutput) { out.Dropped = append(out.Dropped, 1) }, "its dropped names can't be decoded"},
		{"state", func(out *abi.RequestOutput) { out.State = append(out.State, 0) }, "its state has 65537 bytes, the limit is 65536"},
		{"body", func(out *abi.RequestOutput) { out.Body = []byte("{}") }, "passthrough with a body of 2 bytes"},
		{"long URL", func(out *abi.RequestOutput) { out.Query = bytes.Repeat([]byte{'x'}, maxURL) }, "its path and query have 8212 bytes"},
		{"long auth name", func(out *abi.RequestOutput) { out.AuthName = bytes.Repeat([]byte{'x'}, maxName+1) }, "its auth name has 257 bytes"},
		{"long headers", func(out *abi.RequestOutput) { out.Headers = make(abi.Pairs, maxHeaders+1) }, "its headers have 65537 bytes"},
		{"edits alone", func(out *abi.RequestOutput) { out.RequestMode = abi.ModeTranslate }, "edits without passthrough"},
	}
	for _, c := range cases {
		out := good()
		c.change(&out)
		checkWant(t, c.name, Request(&abi.RequestInput{}, &out), c.want)
	}
	withheld := abi.RequestInput{Flags: abi.FlagBodyWithheld}
	checkWant(t, "withheld", Request(&withheld, &abi.RequestOutput{Path: []byte("/")}), "did not answer with edits")
}

func TestStream(t *testing.T) {
	t.Parallel()
	chunks := abi.Chunks(nil).Append(abi.ChunkMeta, []byte(`{"a":1}`)).AppendRefusal(&abi.Refusal{Status: 502})
	cases := []struct {
		name string
		out  abi.StreamOutput
		want string
	}{
		{"nothing", abi.StreamOutput{}, ""},
		{"good", abi.StreamOutput{Count: 2, Chunks: chunks, State: make([]byte, abi.MaxState)}, ""},
		{"state", abi.StreamOutput{State: make([]byte, abi.MaxState+1)}, "its state has 65537 bytes"},
		{"count", abi.StreamOutput{Count: 3, Chunks: chunks}, "announces 3 chunks and gives 2"},
		{"cut", abi.StreamOutput{Count: 2, Chunks: chunks[:len(chunks)-1]}, "announces 2 chunks and gives 1"},
		{"kind", abi.StreamOutput{Count: 1, Chunks: abi.Chunks(nil).Append(9, []byte("x"))}, "unknown kind 9"},
		{"empty", abi.StreamOutput{Count: 1, Chunks: abi.Chunks(nil).Append(abi.ChunkContent, nil)}, "chunk 1 is empty"},
		{"break", abi.StreamOutput{Count: 1, Chunks: abi.Chunks(nil).Append(abi.ChunkContent, []byte("{\n}"))}, "has a line break"},
		{"error", abi.StreamOutput{Count: 1, Chunks: abi.Chunks(nil).Append(abi.ChunkError, []byte("oh"))}, "error chunk 1 can't be decoded"},
		{"odd error", abi.StreamOutput{Count: 1, Chunks: abi.Chunks(nil).AppendRefusal(&abi.Refusal{})}, "its refusal has status 0"},
	}
	for _, c := range cases {
		checkWant(t, c.name, Stream(&c.out), c.want)
	}
}

func TestResponse(t *testing.T) {
	t.Parallel()
	checkWant(t, "as it is", Response(&abi.ResponseOutput{AsIs: true}), "")
	checkWant(t, "body", Response(&abi.ResponseOutput{Body: []byte("{}")}), "")
	checkWant(t, "both", Response(&abi.ResponseOutput{AsIs: true, Body: []byte("{}")}), "as it is, and gives one of 2 bytes")
	checkWant(t, "neither", Response(&abi.ResponseOutput{}), "has no body")
}

func TestScore(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", abi.MaxReason+1)
	checkWant(t, "good", Score(&abi.ScoreOutput{Scores: []float64{1, math.NaN()}}, 2), "")
	checkWant(t, "count", Score(&abi.ScoreOutput{Scores: []float64{1}}, 2), "1 scores for 2 candidates")
	checkWant(t, "reason", Score(&abi.ScoreOutput{Reason: long}, 0), "its reason has 257 bytes")
	checkWant(t, "code", Score(&abi.ScoreOutput{RejectCode: long}, 0), "its reject code has 257 bytes")
	checkWant(t, "status", Score(&abi.ScoreOutput{Directives: abi.DirectiveReject, RejectStatus: 302}, 0), "rejects with status 302")
	checkWant(t, "reject", Score(&abi.ScoreOutput{Directives: abi.DirectiveReject, RejectStatus: 403}, 0), "")
	out := abi.ScoreOutput{Reason: "cheap\r\nX-Evil: 1"}
	if err := Score(&out, 0); err != nil || out.Reason != `cheap\r\nX-Evil: 1` {
		t.Errorf("reason %q, %v", out.Reason, err)
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	checkWant(t, "status", refusal(&abi.Refusal{Status: 600}), "status 600")
	checkWant(t, "class", refusal(&abi.Refusal{Status: 500, Class: 3}), "unknown class 3")
	checkWant(t, "kind", refusal(&abi.Refusal{Status: 500, Kind: 11}), "unknown kind 11")
	r := &abi.Refusal{Status: 599, Class: abi.ClassOther, Kind: abi.ErrorBadResponse}
	if err := Reply(r); !errors.Is(err, r) {
		t.Errorf("a good refusal became %v", err)
	}
	checkWant(t, "bad", Reply(&abi.Refusal{Status: 600}), "its refusal has status 600")
	checkWant(t, "none", Reply(io.ErrUnexpectedEOF), "its output can't be decoded: unexpected EOF")
}

func checkWant(t *testing.T, name string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case want != "" && err == nil:
		t.Errorf("%s: accepted, want %q", name, want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("%s: %q does not say %q", name, err, want)
	}
}
