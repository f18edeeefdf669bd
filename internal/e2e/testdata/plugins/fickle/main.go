// Fickle is a strategy that prefers a model, and does what the tags of a request tell it to.
package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

// mode is set by the linker: abi.ModeFilter makes another plugin of it.
var mode = abi.ModeScore

func init() { strategy.Register(&fickle{}) }
func main() {}

type fickle struct {
	prefer string
	turns  int
}

func (*fickle) Describe() abi.Description {
	return abi.Description{
		Name: "fickle", Version: "1.0.0", About: "does as it is told", Mode: mode, ConfigSchema: settings.Schema(fields(new(string))...),
	}
}

func fields(prefer *string) []settings.Field {
	return []settings.Field{settings.Name("prefer", prefer, "end of the model that is best")}
}

func (f *fickle) Configure(config []byte) error { return settings.Apply(config, fields(&f.prefer)...) }

func (f *fickle) Score(in abi.View, out *abi.ScoreOutput) error {
	switch string(in.Tags()) {
	case "trap":
		panic("not today")
	case "spin":
		for { // until the host ends it
			f.turns++
		}
	case "reject":
		out.Directives, out.RejectStatus, out.RejectCode, out.Reason = abi.DirectiveReject, 402, "spent", "the month is over"
	}
	for i := range out.Scores {
		if !bytes.HasSuffix(in.Candidate(i).Model(), []byte(f.prefer)) {
			out.Scores[i] = 1
		}
	}
	return nil
}
