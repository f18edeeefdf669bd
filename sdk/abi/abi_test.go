package abi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWorkedBytes holds the package documentation's bytes against the code.
func TestWorkedBytes(t *testing.T) {
	in := RequestInput{
		Endpoint: EndpointChat, Dialect: DialectOpenAI, Flags: FlagStream, Now: 70_000_000, Seed: 7,
		Model: []byte("m"), RequestID: []byte("r1"), Body: []byte("{}"),
	}
	want := unhex(t, `01 01 0100 00000000 801d2c0400000000 0700000000000000 0100 6d 0200 7231 02000000 7b7d`)
	if got := in.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("request input\n got %x\nwant %x", got, want)
	}

	out := RequestOutput{
		RequestMode: ModePassthrough, ResponseMode: ModePassthrough, Auth: AuthBearer, Framing: FramingSSE,
		Path: []byte("/v1/chat/completions"), Edits: Edits(nil).Append(EditSet, "model", `"m"`),
	}
	want = unhex(t, `00 01 01 01 01 0000 1400`+hex.EncodeToString([]byte("/v1/chat/completions"))+
		`0000 00000000 0f000000 00 0500 6d6f64656c 03000000 226d22 00000000 00000000 00000000`)
	if got := out.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("request output\n got %x\nwant %x", got, want)
	}

	score := ScoreOutput{Scores: []float64{1, math.NaN()}, Reason: "ok"}
	want = unhex(t, `00 00 3000 02000000`+strings.Repeat("00", 20)+`02000000`+strings.Repeat("00", 16)+
		`000000000000f03f 010000000000f87f 6f6b`)
	if got := score.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("score output\n got %x\nwant %x", got, want)
	}
}

// TestReplyByte: an output begins with 0 or 1, and with nothing else.
func TestReplyByte(t *testing.T) {
	ref := Refusal{Status: 429, Message: "later"}
	for name, output := range map[string]struct {
		ok     []byte
		decode func([]byte) error
	}{
		"bare":     {AppendOK(nil), DecodeReply},
		"request":  {(&RequestOutput{}).Append(nil), func(b []byte) error { return new(RequestOutput).Decode(b) }},
		"response": {(&ResponseOutput{}).Append(nil), func(b []byte) error { return new(ResponseOutput).Decode(b) }},
		"stream":   {(&StreamOutput{}).Append(nil), func(b []byte) error { return new(StreamOutput).Decode(b) }},
		"score":    {(&ScoreOutput{Scores: []float64{1}}).Append(nil), func(b []byte) error { return new(ScoreOutput).Decode(b) }},
	} {
		for first := range 256 {
			b := bytes.Clone(output.ok)
			b[0] = byte(first)
			switch first {
			case ReplyOK:
				if err := output.decode(b); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case ReplyRefusal:
				if got, ok := errors.AsType[*Refusal](output.decode(ref.Append(nil))); !ok || *got != ref {
					t.Errorf("%s: a refusal is decoded as %v", name, got)
				}
			default:
				if err := output.decode(b); !errors.Is(err, ErrReply) {
					t.Errorf("%s that begins with %d: got %v", name, first, err)
				}
			}
		}
	}
}

func TestRoundTrips(t *testing.T) {
	usage := Usage{Present: true, Prompt: 10, Completion: 20, Cached: 3, CacheWrite: 4, Reasoning: 5}
	t.Run("request input", func(t *testing.T) {
		in := RequestInput{Endpoint: EndpointEmbeddings, Dialect: DialectAnthropic, Flags: FlagStrictParams, Now: 1, Seed: 1 << 63, Model: []byte("a/b"), RequestID: []byte("x"), Body: []byte(`{"a":1}`)}
		var got RequestInput
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("request output", func(t *testing.T) {
		in := RequestOutput{
			RequestMode: 1, ResponseMode: 1, Auth: AuthHeader, Framing: FramingNDJSON, AuthName: []byte("x-api-key"), Path: []byte("/p"), Query: []byte("a=b"),
			Headers: Pairs(nil).Append("a", "b").Append("c", ""), Edits: Edits(nil).Append(EditDelete, "n", "").Append(EditRename, "a", "b"),
			Dropped: Names(nil).Append("logit_bias"), State: []byte{1, 2}, Body: []byte{},
		}
		var got RequestOutput
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("response input", func(t *testing.T) {
		in := ResponseInput{Endpoint: EndpointChat, Dialect: DialectOpenAI, Flags: 3, Status: 529, Now: 9, Seed: 8, Model: []byte("m"), RequestID: []byte("r"), Headers: Pairs(nil).Append("retry-after", "3"), State: []byte("s"), Body: []byte("b")}
		var got ResponseInput
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("response output", func(t *testing.T) {
		in := ResponseOutput{AsIs: true, Usage: usage, Body: []byte("b")}
		var got ResponseOutput
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("stream input", func(t *testing.T) {
		in := StreamInput{Endpoint: EndpointChat, Dialect: DialectOpenAI, Flags: 1, End: EndAborted, Now: 5, Model: []byte("m"), RequestID: []byte("r"), State: []byte("s"), Count: 2, Events: Events(nil).Append([]byte("ping"), nil).Append(nil, []byte("{}"))}
		var got StreamInput
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("stream output", func(t *testing.T) {
		in := StreamOutput{Done: true, Usage: usage, State: []byte("s"), Count: 1, Chunks: Chunks(nil).Append(ChunkContent, []byte("{}"))}
		var got StreamOutput
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("score output", func(t *testing.T) {
		in := ScoreOutput{
			Scores: []float64{1, math.Inf(1), -2.5}, Directives: DirectiveReject | DirectiveHedge, HedgeAfterMS: 1, AttemptTimeoutMS: 2,
			FirstTokenTimeoutMS: 3, RejectStatus: 429, RejectCode: "busy", Reason: "why",
		}
		var got ScoreOutput
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("feedback", func(t *testing.T) {
		in := Feedback{IDHash: 1, TenantHash: 2, Now: 3, TTFTMS: 4, TotalMS: 5, OutputTokens: 6, Status: 7, Class: ClassOther, OK: true, ID: []byte("d"), Group: []byte("g")}
		var got Feedback
		check(t, got.Decode(in.Append(nil)), in, &got)
	})
	t.Run("refusal", func(t *testing.T) {
		in := Refusal{Status: 429, Class: ClassRetry, Kind: ErrorRateLimit, RetryAfterMS: 1500, Type: "t", Code: "c", Param: "p", Message: "m"}
		var got *Refusal
		if err := DecodeReply(in.Append(nil)); !errors.As(err, &got) || *got != in {
			t.Errorf("got %#v (%v), want %#v", got, err, in)
		}
		for kind, data := range Chunks(nil).AppendRefusal(&in).All {
			got, err := DecodeRefusal(data)
			if kind != ChunkError || err != nil || *got != in {
				t.Errorf("chunk %d: got %#v (%v), want %#v", kind, got, err, in)
			}
		}
	})
}

func check[T any](t *testing.T, err error, want T, got *T) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, *got); d != "" {
		t.Error(d)
	}
}

// TestShort cuts every message at every byte: each cut is ErrShort and nothing panics.
func TestShort(t *testing.T) {
	usage := Usage{Present: true}
	for name, m := range map[string]struct {
		whole  []byte
		decode func([]byte) error
	}{
		"request input":   {(&RequestInput{Model: []byte("m"), Body: []byte("b")}).Append(nil), new(RequestInput).Decode},
		"request output":  {(&RequestOutput{Path: []byte("/"), Body: []byte("b")}).Append(nil), new(RequestOutput).Decode},
		"response input":  {(&ResponseInput{Body: []byte("b")}).Append(nil), new(ResponseInput).Decode},
		"response output": {(&ResponseOutput{Usage: usage, Body: []byte("b")}).Append(nil), new(ResponseOutput).Decode},
		"stream input":    {(&StreamInput{State: []byte("s")}).Append(nil), new(StreamInput).Decode},
		"stream output":   {(&StreamOutput{Usage: usage, State: []byte("s")}).Append(nil), new(StreamOutput).Decode},
		"score output":    {(&ScoreOutput{Scores: []float64{1}, Reason: "r"}).Append(nil), new(ScoreOutput).Decode},
		"feedback":        {(&Feedback{ID: []byte("i"), Group: []byte("g")}).Append(nil), new(Feedback).Decode},
		"refusal":         {(&Refusal{Message: "m"}).Append(nil), DecodeReply},
	} {
		for n := range m.whole {
			if err := m.decode(m.whole[:n]); !errors.Is(err, ErrShort) {
				t.Errorf("%s cut to %d of %d bytes: %v", name, n, len(m.whole), err)
			}
		}
	}
}

func TestViewReadsWhatAppendScoreWrites(t *testing.T) {
	h := Header{
		Seed: 1, Now: 2, Features: 3, PromptTokens: 4, MaxOutput: 5, ExpectedOutput: 6, Attempt: 7, Messages: 8, RemainingMS: 9.5, TenantHash: 10,
		SessionHash: 11, PrefixHash: 12, Tenant: "acme", Group: "fast", Tags: "a\nb", LastError: "timeout", Endpoint: EndpointChat, Dialect: DialectOpenAI, BodyBytes: 13,
	}
	cands := []Candidate{{ID: "x"}, {
		IDHash: 1, ID: "p/m", Provider: "p", Model: "m", Tags: "eu", Abilities: 2, Flags: 3, Weight: 4, Order: -5, Consecutive: 6, PriceInput: 7, PriceOutput: 8,
		PriceCached: 9, Context: 10, MaxOutput: 11, InFlight: 12, Samples: 13, TTFT: 14, Total: 15, TPOT: 16, TTFTP50: 17, TTFTP95: 18, TotalP50: 19, TotalP95: 20,
		ErrorRate: 21, ReqMinute: 22, FailMinute: 23, TokensMinute: 24, RPM: 25, TPM: 26, CoolingUntil: 27, TTFTPeak: 28, TotalPeak: 29,
	}}
	v := View(AppendScore(nil, &h, cands))
	if !v.Valid() || v.Len() != 2 {
		t.Fatalf("valid %v, len %d", v.Valid(), v.Len())
	}
	// Every accessor is named like its field; fill a struct through them.
	readBack(t, reflect.ValueOf(v), &h)
	for i := range cands {
		readBack(t, reflect.ValueOf(v.Candidate(i)), &cands[i])
	}
	for n := range ScoreHeaderSize + 2*CandidateSize {
		if v[:n].Valid() {
			t.Fatalf("valid with %d bytes", n)
		}
	}
}

func readBack[T any](t *testing.T, view reflect.Value, want *T) {
	t.Helper()
	var got T
	dst := reflect.ValueOf(&got).Elem()
	for i := range dst.NumField() {
		value := view.MethodByName(dst.Type().Field(i).Name).Call(nil)[0]
		if b, ok := reflect.TypeAssert[[]byte](value); ok {
			value = reflect.ValueOf(string(b))
		}
		dst.Field(i).Set(value)
	}
	if d := cmp.Diff(*want, got); d != "" {
		t.Error(d)
	}
}

// TestReserved keeps room in the fixed parts for what later versions add.
func TestReserved(t *testing.T) {
	in := AppendScore(nil, &Header{Tenant: "t"}, []Candidate{{ID: "i"}})
	for _, b := range [][]byte{in[offBodyBytes+4 : ScoreHeaderSize], in[ScoreHeaderSize+offTotalPeak+8 : ScoreHeaderSize+CandidateSize]} {
		if len(b) < 32 || len(bytes.Trim(b, "\x00")) != 0 {
			t.Errorf("reserved bytes: %x", b)
		}
	}
}

func TestDescriptionJSON(t *testing.T) {
	d := Description{
		ABI: 1, Kind: KindProvider, Name: "n\"\\\n", Version: "1", About: "é", Dialect: "openai", Endpoints: []string{"chat", "embeddings"},
		Passthrough: []string{"openai"}, ConfigSchema: `{"type":"object"}`,
	}
	var got Description
	if err := json.Unmarshal(d.AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got); diff != "" {
		t.Error(diff)
	}
}

func TestPairsGetIgnoresCase(t *testing.T) {
	p := Pairs(nil).Append("retry-after", "1").Append("Retry-After", "2")
	if got := string(p.Get("Retry-After")); got != "1" {
		t.Errorf("got %q", got)
	}
	if p.Get("other") != nil || Pairs("\x05\x00ab").Get("x") != nil || Pairs("\x05\x00ab").Valid() {
		t.Error("a missing name or a broken list gave a value")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&RequestOutput{Edits: Edits(nil).Append(EditSet, "a", "1"), Dropped: Names(nil).Append("x")}).Append(nil))
	f.Add((&StreamOutput{Chunks: Chunks(nil).AppendRefusal(&Refusal{Message: "m"})}).Append(nil))
	f.Add((&ScoreOutput{Scores: []float64{1, 2}, Reason: "r"}).Append(nil))
	f.Add(AppendScore(nil, &Header{Tags: "t"}, []Candidate{{ID: "i"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var ro RequestOutput
		if ro.Decode(b) == nil {
			again := ro.Append(nil)
			var second RequestOutput
			if err := second.Decode(again); err != nil || !cmp.Equal(ro, second) {
				t.Errorf("request output does not survive a round trip: %v", err)
			}
			for e := range ro.Edits.All {
				_ = e
			}
		}
		var so StreamOutput
		if so.Decode(b) == nil {
			for kind, data := range so.Chunks.All {
				if kind == ChunkError {
					_, _ = DecodeRefusal(data)
				}
			}
		}
		var sc ScoreOutput
		_ = sc.Decode(b)
		_ = DecodeReply(b)
		if v := View(b); v.Valid() {
			_ = v.Tags()
			for i := range v.Len() {
				c := v.Candidate(i)
				_, _, _ = c.ID(), c.Tags(), c.TotalPeak()
			}
		}
	})
}
