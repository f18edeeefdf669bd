package exchange

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// What a vendor of these tests is sent in secret, and echoes wherever it can.
const (
	theKey      = "sk-01/23+45=6789"
	theOperator = "operators-secret-1"
	thePassword = "Bearer passw0rd-of-proxy"
)

// echoes are spellings of everything, with how many secrets each has.
var echoes = []struct {
	text  string
	times int
}{
	{"Bearer " + theKey, 1},
	{theOperator + ", " + theOperator, 2},
	{strings.TrimPrefix(thePassword, "Bearer "), 1},
	{`sk-01\/23+45=6789`, 1},
	{`sk-01\\/23\\u002b45=6789`, 1},
	{"?key=" + url.QueryEscape(theKey) + "&other=" + theOperator, 2},
}

func secretTarget(t *testing.T) *upstream.Target {
	t.Helper()
	target, err := upstream.NewTarget("http://127.0.0.1:1", []upstream.Field{
		{Name: "X-Account", Value: theOperator}, {Name: "X-Proxy-Auth", Value: thePassword}, {Name: "X-Title", Value: "a public title"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// secretCall is a call that has sent everything.
func secretCall(t *testing.T, f *fake) *Call {
	t.Helper()
	c := &Call{Adapter: f, Request: &Request{}}
	if err := c.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := c.Outgoing(secretTarget(t), upstream.Credential{Key: theKey})
	if err != nil || f.plan.Auth != abi.AuthNone && r.Auth.Key != theKey {
		t.Fatalf("%v, %v", r, err)
	}
	return c
}

// clean fails the test unless so many secrets were blotted out of what somebody saw, and nothing else.
func clean(t *testing.T, who, seen string, times int) {
	t.Helper()
	if got := strings.Count(seen, "[redacted]"); got != times {
		t.Errorf("%s: %d secrets were blotted out of %q, want %d", who, got, seen, times)
	}
	for _, part := range []string{"6789", theOperator, "passw0rd"} {
		if strings.Contains(seen, part) {
			t.Errorf("%s saw %q", who, seen)
		}
	}
	if strings.Contains(seen, "title") && !strings.Contains(seen, "a public title") {
		t.Errorf("%s: what is public was blotted out of %q", who, seen)
	}
}

// TestAnswersHaveNoSecrets has a vendor echo what it was sent in an answer, an error and their headers: neither the adapter
// nor a client that the answer is passed to gets to see it.
func TestAnswersHaveNoSecrets(t *testing.T) {
	t.Parallel()
	for _, e := range echoes {
		header := http.Header{"X-Echo": {e.text, "a public title"}, "X-" + http.CanonicalHeaderKey(theOperator): {"1"}}
		body := `{"choices":[{"message":{"content":"` + e.text + ` a public title"}}]}`

		f := &fake{plan: abi.RequestOutput{Auth: abi.AuthBearer, Path: []byte("/"), ResponseMode: abi.ModeTranslate}}
		if _, _, err := secretCall(t, f).Answer(t.Context(), 200, header, []byte(body)); err != nil {
			t.Error(err)
		}
		clean(t, "the adapter, translating", string(f.answer.Headers)+string(f.answer.Body), 2*e.times)

		if err := secretCall(t, f).Refused(t.Context(), 401, header, []byte("bad key "+e.text)); err == nil {
			t.Fatal("an error status was taken for an answer")
		}
		clean(t, "the adapter, of an error", string(f.answer.Headers)+string(f.answer.Body), 2*e.times)

		f.plan.ResponseMode = abi.ModePassthrough
		passed, _, err := secretCall(t, f).Answer(t.Context(), 200, header, []byte(body))
		if err != nil {
			t.Error(err)
		}
		clean(t, "the client", string(passed), e.times)
	}
	// An adapter that wants no credential: the operator's headers are sent all the same.
	f := &fake{plan: abi.RequestOutput{Path: []byte("/"), ResponseMode: abi.ModeTranslate}}
	if _, _, err := secretCall(t, f).Answer(t.Context(), 200, nil, []byte(theOperator)); err != nil {
		t.Error(err)
	}
	clean(t, "the adapter, without a credential", string(f.answer.Body), 1)
}

// TestStreamsHaveNoSecrets does so with streams that arrive byte by byte.
func TestStreamsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	for _, e := range echoes {
		content := `{"choices":[{"index":0,"delta":{"content":"` + e.text + ` a public title"}}]}`
		failed := `{"error":{"message":"` + e.text + `"}}`
		open := func(plan abi.RequestOutput, body string) (*fake, *Stream, error) {
			plan.Auth, plan.Path, plan.Framing = abi.AuthBearer, []byte("/"), abi.FramingSSE
			f := &fake{plan: plan}
			s := new(Stream)
			return f, s, s.Open(t.Context(), secretCall(t, f), &upstream.Response{
				Header: http.Header{"X-Echo": {e.text}}, Body: io.NopCloser(iotest.OneByteReader(strings.NewReader(body))),
			})
		}
		_, s, err := open(abi.RequestOutput{ResponseMode: abi.ModePassthrough}, eventStream(content, finish, "[DONE]"))
		if err != nil {
			t.Fatal(err)
		}
		sink := &collector{room: 9}
		if err := s.Run(sink); err != nil {
			t.Error(err)
		}
		clean(t, "the client", strings.Join(sink.chunks, "\n"), e.times)

		f, _, err := open(abi.RequestOutput{ResponseMode: abi.ModePassthrough}, eventStream(failed))
		if err == nil {
			t.Error("an error event is no error")
		}
		clean(t, "the adapter, of an error event", string(f.answer.Headers)+string(f.answer.Body), 2*e.times)

		f, _, _ = open(abi.RequestOutput{ResponseMode: abi.ModeTranslate}, "event: "+e.text+"\n"+eventStream(content)+"data: {\"last\":\""+e.text+`"}`)
		clean(t, "the adapter, of events", string(f.events), 3*e.times)
	}
}
