package exchange

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// fake is an adapter that plans and answers what the test says.
type fake struct {
	plan      abi.RequestOutput
	err       error
	seen      abi.RequestInput
	responses int
	answer    abi.ResponseInput
	events    abi.Events // of all stream calls
}

func (f *fake) Request(_ context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	f.seen, *out = *in, f.plan
	return buf, f.err
}

func (f *fake) Response(_ context.Context, in *abi.ResponseInput, out *abi.ResponseOutput, buf []byte) ([]byte, error) {
	f.responses++
	f.answer = *in
	out.Body = []byte("translated")
	return buf, f.err
}

func (f *fake) Stream(_ context.Context, in *abi.StreamInput, _ *abi.StreamOutput, _ []byte) ([]byte, error) {
	f.events = append(f.events, in.Events...)
	return nil, f.err
}

func TestCallWithholdsTheBody(t *testing.T) {
	t.Parallel()
	var dropped abi.Names
	for _, name := range []string{"seed", "metadata.tags", "n"} {
		dropped = dropped.Append(name)
	}
	for _, tc := range []struct {
		withhold bool
		want     []string
	}{{true, []string{"before", "metadata.tags"}}, {false, []string{"before", "seed", "metadata.tags", "n"}}} {
		f := &fake{plan: abi.RequestOutput{Dropped: dropped}}
		c := Call{Adapter: f, Request: &Request{Body: []byte(`{"metadata":{"tags":[]}}`)}, Withhold: tc.withhold}
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if (f.seen.Body == nil) != tc.withhold || (f.seen.Flags&abi.FlagBodyWithheld != 0) != tc.withhold {
			t.Errorf("withhold %t: the adapter saw %+v", tc.withhold, f.seen)
		}
		if got := c.AppendDropped([]string{"before"}); !slices.Equal(got, tc.want) {
			t.Errorf("withhold %t: dropped %q", tc.withhold, got)
		}
	}
}

func TestOutgoing(t *testing.T) {
	t.Parallel()
	plan := abi.RequestOutput{
		RequestMode: abi.ModePassthrough, Path: []byte("/chat"), Query: []byte("v=1"), Auth: abi.AuthHeader, AuthName: []byte("x-key"),
		Edits: abi.Edits{}.Append(abi.EditSet, "model", `"gpt"`),
	}
	c := Call{Adapter: &fake{plan: plan}, Request: &Request{Body: []byte(`{"model":"quality"}`)}}
	if err := c.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := c.Outgoing(nil, upstream.Credential{Key: "k"})
	if err != nil || r.Path != "/chat?v=1" || string(r.Body) != `{"model":"gpt"}` || r.Auth == nil || r.Auth.Scheme != upstream.HeaderKey || r.Auth.Name != "x-key" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = c.Outgoing(nil, upstream.Credential{}); err != nil || r.Auth != nil {
		t.Errorf("without a key: %+v, %v", r, err)
	}
	c.plan.Auth = 200
	if r, err = c.Outgoing(nil, upstream.Credential{Key: "k"}); err != nil || r.Auth == nil || r.Auth.Scheme != upstream.NoAuth {
		t.Errorf("unknown scheme: %+v, %v", r, err)
	}
}

// TestALongValueIsNotCopied: it goes to the vendor out of the client's bytes, unless an edit concerns it.
func TestALongValueIsNotCopied(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"quality","messages":["long"],"n":1}`)
	const start, end = 29, 37
	for edit, want := range map[string]string{
		"model": `{"model":0,"messages":["long"],"n":1}`, "messages": `{"model":"quality","messages":0,"n":1}`, "new": `{"model":"quality","messages":["long"],"n":1,"new":0}`,
	} {
		c := Call{
			Request: &Request{Body: body, Big: jsonraw.Span{Start: start, End: end}},
			Adapter: &fake{plan: abi.RequestOutput{RequestMode: abi.ModePassthrough, Edits: abi.Edits{}.Append(abi.EditSet, edit, "0")}},
		}
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := c.Outgoing(nil, upstream.Credential{})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(slices.Concat(r.Body, r.Middle, r.End)); got != want {
			t.Errorf("%s: %s, want %s", edit, got, want)
		}
		if shared := len(r.Middle) > 0 && &r.Middle[0] == &body[start]; shared != (edit != "messages") {
			t.Errorf("%s: shared is %t", edit, shared)
		}
	}
}

// TestOperatorsHeaderGoesFirst holds that auth.header of the configuration wins over the plugin's scheme.
func TestOperatorsHeaderGoesFirst(t *testing.T) {
	t.Parallel()
	c := Call{Adapter: &fake{plan: abi.RequestOutput{Auth: abi.AuthBearer, AuthName: []byte("x"), Path: []byte("/")}}, Request: &Request{}}
	if err := c.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := c.Outgoing(nil, upstream.Credential{Key: "k", Name: "X-Custom-Key"})
	if err != nil || r.Auth.Scheme != upstream.HeaderKey || r.Auth.Name != "X-Custom-Key" {
		t.Errorf("%v, %v", r.Auth.Scheme, r.Auth.Name)
	}
}

func TestAnswerPassesWhatIsPlain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		mode       uint8
		body, want string
		prompt     uint64
	}{
		{abi.ModePassthrough, `{"choices":[],"usage":{"prompt_tokens":3}}`, `{"choices":[],"usage":{"prompt_tokens":3}}`, 3},
		{abi.ModePassthrough, `{"odd":1}`, "translated", 0},
		{abi.ModeTranslate, `{"choices":[]}`, "translated", 0},
	} {
		f := &fake{}
		c := Call{Adapter: f, Request: &Request{}, plan: abi.RequestOutput{ResponseMode: tc.mode}}
		body, usage, err := c.Answer(t.Context(), 200, nil, []byte(tc.body))
		if err != nil || string(body) != tc.want || usage.Prompt != tc.prompt || (f.responses > 0) != (tc.want == "translated") {
			t.Errorf("%s: %s, %+v, %v", tc.body, body, usage, err)
		}
	}
}

// TestErrorsSayWhoFailed checks that an adapter's refusal stays one, and that its fault is marked.
func TestErrorsSayWhoFailed(t *testing.T) {
	t.Parallel()
	trap, ref := errors.New("trap"), &abi.Refusal{Code: "no"}
	for _, cause := range []error{trap, ref} {
		c := Call{Adapter: &fake{err: cause}, Request: &Request{}}
		var s Stream
		c.plan = abi.RequestOutput{ResponseMode: abi.ModeTranslate, Framing: abi.FramingSSE}
		resp := &upstream.Response{Body: io.NopCloser(strings.NewReader("data: x\n\n"))}
		_, _, answer := c.Answer(t.Context(), 200, nil, nil)
		for name, err := range map[string]error{
			"open": s.Open(t.Context(), &c, resp), "prepare": c.Prepare(t.Context()), "answer": answer, "refused": c.Refused(t.Context(), 500, nil, nil),
		} {
			if _, faulty := errors.AsType[*Fault](err); !errors.Is(err, cause) || faulty != errors.Is(cause, trap) {
				t.Errorf("%s: %v of %v", name, err, cause)
			}
		}
	}
	c := Call{Adapter: &fake{}, Request: &Request{}}
	if _, ok := errors.AsType[*BadAnswer](c.Refused(t.Context(), 500, nil, nil)); !ok {
		t.Error("an error status that the adapter takes for an answer is no error")
	}
}

func TestHeadersForAdapters(t *testing.T) {
	t.Parallel()
	p := (&Call{}).pairs(http.Header{"Set-Cookie": {"secret"}, "X-A": {"1", "2"}})
	if want := (abi.Pairs{}).Append("x-a", "1").Append("x-a", "2"); string(p) != string(want) {
		t.Errorf("%q", p)
	}
}
