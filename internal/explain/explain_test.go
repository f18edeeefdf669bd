package explain

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestDecision(t *testing.T) {
	cands := []abi.Candidate{{ID: "a/x"}, {ID: "b/y", Flags: abi.CandidateTrial}, {ID: "c/z"}}
	header := abi.Header{Group: "quality", PromptTokens: 1, ExpectedOutput: 300, Features: abi.FeatureStream | abi.FeatureTools | abi.FeatureImages, Tags: "eu\nprod"}
	second := header
	second.Group = "fast"
	answered := store.Entry{Status: 200, Latency: 2345 * time.Millisecond, Counted: true, Tokens: store.Tokens{Prompt: 12, Completion: 1}, Priced: true, Cost: 150_000}
	many := make([]abi.Candidate, 10)
	for name, tc := range map[string]struct {
		record decisionlog.Record
		want   string
	}{
		"a retry": {
			decisionlog.Record{
				Entry: answered,
				Picks: []decisionlog.Pick{
					{Header: header, Candidates: cands, Scores: []float64{3.14159, math.NaN(), math.NaN()}, Filtered: []bool{false, true, false}, By: "context-fit+cheap", Calls: []decisionlog.Call{
						{Strategy: "context-fit"}, {Strategy: "cheap", Policy: true, Version: "3", Reason: "least price."},
					}},
					{Header: second, Candidates: cands[2:], Scores: []float64{0}, By: "latency", Try: 1, Calls: []decisionlog.Call{
						{Strategy: "cheap", Policy: true, Version: "3", Failed: decision.FailedFault}, {Strategy: "latency"},
					}},
				},
				Tries: []decisionlog.Try{{Deployment: "a/x", Status: 529, Error: "overloaded", Took: 1200 * time.Millisecond}, {Deployment: "c/z", Took: time.Second, FirstToken: 200 * time.Millisecond}},
			}, `
A streamed request for model group "quality" came with about 1 token of prompt and 300 tokens expected in the answer; it asked for tools and images; it was tagged eu and prod.
3 deployments of group "quality" could serve it, 1 of them on trial after a cooldown; a/x was chosen by context-fit+cheap.
The tenant's policy "cheap" (version 3) said: least price.
Scores, lower is better: a/x 3.142, b/y removed by a filter, c/z removed.
a/x answered with status 529 (overloaded) after 1.2s.
1 deployment of group "fast" could serve the next attempt; c/z was chosen by latency.
The tenant's policy "cheap" (version 3) failed, and had no say.
Scores, lower is better: c/z 0.
c/z sent its first token after 200ms and was done after 1s.
The client got its answer after 2.345s, for $0.00015. The vendor counted 12 tokens of prompt and 1 token of answer.`,
		},
		"a refusal": {
			decisionlog.Record{
				Entry: store.Entry{Status: 403, Error: "rejected_by_strategy", Latency: time.Millisecond},
				Picks: []decisionlog.Pick{{Header: abi.Header{Group: "fast"}, Candidates: cands, Outcome: uint8(decision.Rejected), Try: -1, Calls: []decisionlog.Call{{Strategy: "own", Policy: true, Version: "1", Reason: "not today"}}}},
			}, `
A request for model group "fast" came with about 0 tokens of prompt and 0 tokens expected in the answer.
3 deployments of group "fast" could serve it, 1 of them on trial after a cooldown; the request was refused.
The tenant's policy "own" (version 1) said: not today.
The client got status 403 (rejected_by_strategy) after 1ms.`,
		},
		"many, and a client that left": {
			decisionlog.Record{
				Entry: store.Entry{Status: 499, Error: "client_closed_request", Latency: time.Second},
				Picks: []decisionlog.Pick{{Header: abi.Header{Group: "fast"}, Candidates: many, Scores: make([]float64, 10), By: "latency"}},
				Tries: []decisionlog.Try{{Deployment: "a/x", Canceled: true, Took: time.Second, Error: "client_closed_request"}},
			}, `
A request for model group "fast" came with about 0 tokens of prompt and 0 tokens expected in the answer.
10 deployments of group "fast" could serve it; a/x was chosen by latency.
Scores, lower is better:  0,  0,  0,  0,  0,  0,  0,  0, and 2 more.
The client left after 1s, so the attempt at a/x was ended.
The client got status 499 (client_closed_request) after 1s.`,
		},
		"nothing left": {
			decisionlog.Record{
				Entry: store.Entry{Status: 503, Error: "no_deployment"},
				Picks: []decisionlog.Pick{
					{Header: abi.Header{Group: "fast"}, Candidates: cands[:1], Scores: []float64{0}, Try: -1},
					{Header: abi.Header{Group: "fast"}, Candidates: cands[:1], Outcome: uint8(decision.Emptied), Try: -1, Calls: []decisionlog.Call{{Strategy: "tags", Failed: decision.FailedBreaker}, {Strategy: "x", Failed: "odd"}}},
				},
			}, `
A request for model group "fast" came with about 0 tokens of prompt and 0 tokens expected in the answer.
1 deployment of group "fast" could serve it; the only one left to try was taken by another request, so the choice was made again.
Scores, lower is better: a/x 0.
1 deployment of group "fast" could serve the next attempt; none was left in the end.
Strategy "tags" was not asked, because it had failed too often.
Strategy "x" had no say: odd.
The client got status 503 (no_deployment) after 0s.`,
		},
	} {
		if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), strings.Join(Decision(&tc.record), "\n")); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}
