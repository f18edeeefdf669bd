package server

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// policy is a tenant's strategy that finds all deployments equal, refuses a group by name, and traps on another.
type policy struct{}

func (policy) Describe() *abi.Description                    { return &abi.Description{Kind: abi.KindStrategy} }
func (policy) Hash() string                                  { return "0123456789abcdef0123" }
func (policy) HasFeedback() bool                             { return false }
func (policy) Feedback(context.Context, *abi.Feedback) error { return nil }
func (policy) Score(_ context.Context, h *abi.Header, list []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	*out = abi.ScoreOutput{Scores: make([]float64, len(list))}
	switch h.Group {
	case "closed":
		out.Directives, out.RejectStatus, out.RejectCode = abi.DirectiveReject, 402, "spent"
	case "odd":
		return 7, errors.New("trap")
	}
	return 7, nil
}

func TestPolicyHeader(t *testing.T) {
	t.Parallel()
	own := func(name string) gateway.PolicySource { return gateway.PluginPolicy(name, policy{}) }
	f := newFixture(t, setting{
		groups: []*gateway.Group{{Name: "closed", Deployments: []*gateway.Deployment{{ID: "c"}}}, {Name: "odd", Deployments: []*gateway.Deployment{{ID: "o"}}}},
		keys: []*gateway.Key{
			keyOf("acme", &gateway.Tenant{Name: "acme", Policy: own("acme-routing")}, false),
			keyOf("split", &gateway.Tenant{Name: "split", Policy: own("x\r\nset-cookie: y")}, false),
			keyOf("none", &gateway.Tenant{Name: "none"}, false),
			keyOf("broker", &gateway.Tenant{Name: "broker"}, true),
		},
	})
	const decided = "acme-routing@0123456789ab"
	for _, tc := range []struct {
		name, key, group, actFor string
		status                   int
		want                     string
	}{
		{"it decided", "acme", "quality", "", 200, decided},
		{"it refused", "acme", "closed", "", 402, decided},
		{"it failed", "acme", "odd", "", 200, ""},
		{"it was not asked", "acme", "unknown", "", 404, ""},
		{"a tenant without one", "none", "quality", "", 200, ""},
		{"acting for a tenant", "broker", "quality", "acme", 200, decided},
		{"a name that would end the header", "split", "quality", "", 200, "x%0D%0Aset-cookie: y@0123456789ab"},
	} {
		for _, rest := range []string{"", `,"stream":true`} {
			body := `{"model":"` + tc.group + `","messages":[{"role":"user","content":"Hi"}]` + rest + `}`
			w := f.do("POST", "/v1/chat/completions", body, "Authorization", "Bearer sk-"+tc.key, "X-Switchyard-Tenant", tc.actFor)
			got, there := w.Header()["X-Switchyard-Policy"]
			if w.Code != tc.status || there != (tc.want != "") || there && (len(got) != 1 || got[0] != tc.want) {
				t.Errorf("%s: status %d, policy %q, want %d, %q", tc.name, w.Code, got, tc.status, tc.want)
			}
		}
	}
	if log := f.log.String(); strings.Count(log, `"policy":"`+decided+`"`) != 6 {
		t.Errorf("the log names the policy another number of times: %s", log)
	}
}
