package gateway

import (
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestInspectTellsTheClient(t *testing.T) {
	t.Parallel()
	if _, err := Inspect(abi.EndpointChat, []byte(`{"model":"m","stream":"100%d"}`)); err == nil || err.Status != 400 || err.Type != "invalid_request_error" ||
		err.Code != "invalid_type" || err.Param != "stream" || err.Message != `Invalid type for "stream": expected a boolean, but got string "100%d".` {
		t.Errorf("body: %+v", err)
	}
	if _, err := ParseTimeout("x-timeout", "soon"); err == nil || err.Status != 400 || err.Type != "invalid_request_error" || err.Param != "x-timeout" {
		t.Errorf("timeout: %+v", err)
	}
}

// TestOwnFieldsNeverReachAVendor sends a body through a passthrough adapter, and through one that
// translates.
func TestOwnFieldsNeverReachAVendor(t *testing.T) {
	t.Parallel()
	body := `{ "model" :"local", "num_retries":1,"timeout":9,"seed":12345678901234567890,"temperature":1.0E-1,"stream_timeout":3,"x":{"tags":[1],"timeout":2},
 "fallbacks":["fast"],"context_window_fallbacks":[],"content_policy_fallbacks":[],"disable_fallbacks":false,"strict_params":false,"tags":["a"],
 "metadata":{"tags":["b"],"k":"\u00fc"},"tenant_id":"t","messages":[{"role":"user","content":"h\u00e9"}],"tags":["c"],"logit_bias":{"5":-0.0}}`
	want := `{ "model" :MODEL,"seed":12345678901234567890,"temperature":1.0E-1,"x":{"tags":[1],"timeout":2},
 "metadata":{"k":"\u00fc"},"messages":[{"role":"user","content":"h\u00e9"}],"logit_bias":{"5":-0.0}}`
	for _, passthrough := range []bool{true, false} {
		w := newWorld()
		w.provider.passthrough = passthrough
		model := `"local"`
		if passthrough {
			model = `"local/llama"`
			// Edits that name what is the gateway's do no harm.
			w.provider.edits = w.provider.edits.Append(abi.EditDelete, "timeout", "").Append(abi.EditRename, "max_time", "stream_timeout").Append(abi.EditSet, "tags.x", "1")
		}
		req, err := Inspect(abi.EndpointChat, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		snap := w.publish()
		if _, err := w.gw.Do(t.Context(), snap, req); err != nil {
			t.Fatal(err)
		}
		got := strings.Replace(w.up.calls[0].body, `,"tags":{"x":1}`, "", 1)
		if want := strings.Replace(want, "MODEL", model, 1); squeeze(got) != squeeze(want) {
			t.Errorf("passthrough %t:\n got %s\nwant %s", passthrough, got, want)
		}
		if string(req.Body) != body {
			t.Error("the client's bytes were changed")
		}
	}
}

// squeeze drops blanks and line ends, which may go with a member that is taken out.
func squeeze(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
