// Command roomy is a whole routing strategy: the deployment with the largest context window wins.
package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func init() { strategy.Register(roomy{}) }
func main() {}

type roomy struct{}

func (roomy) Describe() abi.Description {
	return abi.Description{Name: "roomy", Version: "1.0.0", About: "the largest context window wins"}
}

func (roomy) Configure(config []byte) error { return settings.Apply(config) }

func (roomy) Score(in abi.View, out *abi.ScoreOutput) error {
	for i := range out.Scores {
		out.Scores[i] = -float64(in.Candidate(i).Context()) // lower is better
	}
	return nil
}
