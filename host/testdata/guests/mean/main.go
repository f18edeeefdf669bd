// Mean is a test strategy: the score is the average time of a deployment, times a factor from its config. It panics
// for the group "panic", exits for "exit", talks for "talk", and so on: see Score.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func init() { strategy.Register(&mean{factor: 1}) }

func main() {}

type mean struct {
	factor float64
	hoard  [][]byte
}

func recurse(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + recurse(n-1)
}

func (*mean) Describe() abi.Description {
	return abi.Description{Name: "mean", Version: "1.0.0", About: "mean time", ConfigSchema: `{"type":"object"}`}
}

func (m *mean) Configure(config []byte) error {
	c := struct{ Factor float64 }{1}
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return err
	}
	m.factor = c.Factor
	return nil
}

func (m *mean) Score(in abi.View, out *abi.ScoreOutput) error {
	switch string(in.Group()) {
	case "panic":
		var none []int
		out.RejectStatus = uint16(none[in.Len()])
	case "exit":
		os.Exit(7)
	case "talk":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		strategy.Log(abi.LogWarn, "to the\x1b[31m log")
	case "sleep":
		start := time.Now()
		time.Sleep(time.Hour)
		out.Reason = time.Since(start).String()
	case "spin":
		for {
		}
	case "recurse":
		out.RejectStatus = uint16(recurse(1 << 40))
	case "hoard":
		for {
			m.hoard = append(m.hoard, make([]byte, 1<<20))
		}
	case "look":
		_, read := os.ReadFile("/etc/passwd")
		_, list := os.ReadDir("/")
		out.Reason = fmt.Sprint(len(os.Args), os.Environ(), read != nil, list != nil, time.Now().Unix(), rand.Uint64() == 0)
	case "refuse":
		return &abi.Refusal{Status: 429, Code: "busy", Message: "come back later"}
	}
	for i := range out.Scores {
		c := in.Candidate(i)
		if c.Flags()&abi.CandidateFailed != 0 {
			out.Scores[i] = math.NaN()
			continue
		}
		out.Scores[i] = c.Total() * m.factor
	}
	return nil
}
