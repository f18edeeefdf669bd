// Command prefer-region is a policy that stays in a region: of the deployments which the operator has tagged with it the
// cheapest serves, and without one the client is told so.
package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func init() { strategy.Register(&policy{}) }
func main() {}

type policy struct{ region string }

// fields lists the config; region holds the default.
func fields(region *string) []settings.Field {
	*region = "eu"
	return []settings.Field{settings.Name("region", region, "tag of the deployments that may serve")}
}

func (*policy) Describe() abi.Description {
	var region string
	return abi.Description{
		Name: "prefer-region", Version: "1.0.0", About: "the cheapest deployment of a region serves",
		ConfigSchema: settings.Schema(fields(&region)...),
	}
}

func (p *policy) Configure(config []byte) error { return settings.Apply(config, fields(&p.region)...) }

func (p *policy) Score(in abi.View, out *abi.ScoreOutput) error {
	inside := 0
	for i := range out.Scores {
		c := in.Candidate(i)
		if !tagged(c.Tags(), p.region) {
			out.Scores[i] = math.NaN() // removed
			continue
		}
		inside++
		out.Scores[i] = price(in, c)
	}
	// In later attempts a deployment of the region may have failed already. Removing what is left is enough then: the
	// router tries it again.
	if inside == 0 && in.Attempt() == 0 {
		out.Directives, out.RejectStatus, out.RejectCode = abi.DirectiveReject, 503, "region_unavailable"
		out.Reason = "no deployment in the region " + p.region + " is available at the moment"
		return nil
	}
	out.Reason = "cheapest in " + p.region
	return nil
}

// tagged looks for one of the lines of tags.
func tagged(tags []byte, want string) bool {
	start := 0
	for i := range len(tags) + 1 {
		if i == len(tags) || tags[i] == '\n' {
			if string(tags[start:i]) == want {
				return true
			}
			start = i + 1
		}
	}
	return false
}

// price is what the request is expected to cost, in millionths of a dollar. A deployment without a known price comes last.
func price(in abi.View, c abi.CandidateView) float64 {
	const last = 1e12
	// The conversions keep products and sums apart on machines that would join them: scores are the same everywhere.
	p := float64(float64(in.PromptTokens())*c.PriceInput()) + float64(float64(in.ExpectedOutput())*c.PriceOutput())
	if !(p < last) {
		return last
	}
	return p
}
