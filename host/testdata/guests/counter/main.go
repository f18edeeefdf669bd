// Counter is a test strategy with feedback: the score is the number of attempts that it heard of.
package main

import (
	"errors"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
	"github.com/switchyard-gateway/switchyard/sdk/strategy/feedback"
)

var heard float64

func init() {
	strategy.Register(counter{})
	feedback.Register(func(*abi.Feedback) { heard++ })
}

func main() {}

type counter struct{}

func (counter) Describe() abi.Description {
	return abi.Description{Name: "counter", Version: "1.0.0", About: "counts feedback"}
}

func (counter) Configure(config []byte) error {
	if string(config) != "{}" {
		return errors.New("counter has no settings")
	}
	return nil
}

func (counter) Score(_ abi.View, out *abi.ScoreOutput) error {
	for i := range out.Scores {
		out.Scores[i] = heard
	}
	return nil
}
