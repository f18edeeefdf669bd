// Careless is a strategy that breaks each rule which the conformance kit checks.
package main

import (
	"math"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

var (
	described int
	kept      [][]byte
)

func init() { strategy.Register(careless{}) }

func main() {}

type careless struct{}

func (careless) Describe() abi.Description {
	described++ // not stable
	return abi.Description{Name: "careless", Version: strconv.Itoa(described)}
}

func (careless) Configure([]byte) error { return nil } // takes anything

func (careless) Score(in abi.View, out *abi.ScoreOutput) error {
	kept = append(kept, make([]byte, 4<<10)) // leaks
	for i := range out.Scores {
		weight := in.Candidate(i).Weight()
		if math.IsNaN(weight) {
			panic("weight is not a number")
		}
		out.Scores[i] = weight + float64(len(kept)) // not pure
	}
	return nil
}
