// Command night-saver is a policy for traffic that has time at night: then the cheapest deployment serves, and by day the
// fastest.
package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func init() { strategy.Register(&policy{}) }
func main() {}

type policy struct{ from, to float64 }

// fields lists the config; from and to hold the defaults.
func fields(p *policy) []settings.Field {
	*p = policy{from: 22, to: 6}
	return []settings.Field{
		settings.Number("from", &p.from, 0, 24, "hour when the night begins, UTC"),
		settings.Number("to", &p.to, 0, 24, "hour when it ends"),
	}
}

func (*policy) Describe() abi.Description {
	return abi.Description{
		Name: "night-saver", Version: "1.0.0", About: "the cheapest deployment at night, the fastest by day",
		ConfigSchema: settings.Schema(fields(&policy{})...),
	}
}

func (p *policy) Configure(config []byte) error { return settings.Apply(config, fields(p)...) }

func (p *policy) Score(in abi.View, out *abi.ScoreOutput) error {
	night := p.night(in.Now())
	for i := range out.Scores {
		c := in.Candidate(i)
		value := c.Total() // milliseconds, the average of late
		if night {
			value = c.PriceInput() + c.PriceOutput()
		}
		if !(value < last) {
			value = last // not known
		}
		out.Scores[i] = value
	}
	out.Reason = "day: the fastest"
	if night {
		out.Reason = "night: the cheapest"
	}
	return nil
}

const last = 1e12

// night reports whether a time, in milliseconds since 1970, lies in the night. A policy asks the input for the time: its own
// clock stands still, so that a decision can be replayed.
func (p *policy) night(now uint64) bool {
	const hour = 3_600_000
	at := float64(now%(24*hour)) / hour
	if p.from <= p.to {
		return p.from <= at && at < p.to
	}
	return p.from <= at || at < p.to
}
