// Traps is a strategy that does not survive being configured.
package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func init() { strategy.Register(traps{}) }
func main() {}

type traps struct{}

func (traps) Describe() abi.Description {
	return abi.Description{Name: "traps", Version: "1.0.0", About: "traps in configure"}
}

func (traps) Configure([]byte) error { panic("not like this") }

func (traps) Score(abi.View, *abi.ScoreOutput) error { return nil }
