// Package main is the strategy cost: the expected price of this request, from its token estimate and the
// deployment's prices for input, cached input and output.
//
// A price of 0 is a price. A deployment without a known price comes after all that have one.
package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
)

// What to do with a deployment whose price is not known.
const (
	unknownLast   = "last"
	unknownRemove = "remove"
)

type config struct {
	cached  float64
	unknown string
}

func defaults() config { return config{unknown: unknownLast} }

func (c *config) fields() []settings.Field {
	return []settings.Field{
		settings.Number("cached", &c.cached, 0, 1,
			"share of the prompt that is expected to be billed at the cached-input price, where one is known"),
		settings.Choice("unknown", &c.unknown,
			"a deployment without a known price comes last, or is removed", unknownLast, unknownRemove),
	}
}

type plugin struct {
	config
	levels []uint8
	line   note.Line
}

func newPlugin() *plugin { return &plugin{config: defaults()} }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	c := defaults()
	return abi.Description{
		Name: "cost", Version: "1.0.0", About: "expected price of the request, lowest first",
		ConfigSchema: settings.Schema(c.fields()...),
	}
}

// Configure takes the keys that Describe lists.
func (p *plugin) Configure(text []byte) error {
	c := defaults()
	if err := settings.Apply(text, c.fields()...); err != nil {
		return err
	}
	p.config = c
	return nil
}

// Classes within a standing.
const (
	priced = iota
	unpriced
	classes
)

// Score is the expected price in USD.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	p.levels = ladder.Levels(p.levels, in.Len())
	prompt, output := float64(in.PromptTokens()), float64(in.ExpectedOutput())
	if limit := float64(in.MaxOutput()); limit > 0 {
		output = min(output, limit)
	}
	if prompt == 0 && output == 0 {
		prompt, output = 1, 1 // no estimate: compare the bare prices
	}
	for i := range in.Len() {
		c := in.Candidate(i)
		price, class := p.price(c, prompt, output), uint8(priced)
		if price != price {
			class = unpriced
			if p.unknown == unknownLast {
				price = 0 // the ladder puts it above the priced ones
			}
		}
		out.Scores[i] = price
		p.levels[i] = ladder.Standing(c.Flags())*classes + class
	}
	ladder.Settle(out.Scores, p.levels)
	out.Reason = p.reason(in, out.Scores, prompt, output)
	return nil
}

// price returns the expected price in USD, NaN if a price that it needs is not known.
func (p *plugin) price(c abi.CandidateView, prompt, output float64) float64 {
	total := 0.0
	if prompt > 0 {
		input := c.PriceInput()
		cached := c.PriceCached()
		if !known(cached) {
			cached = input
		}
		total = prompt * (input*(1-p.cached) + cached*p.cached)
		if !known(input) {
			return math.NaN()
		}
	}
	if output > 0 {
		if !known(c.PriceOutput()) {
			return math.NaN()
		}
		total += output * c.PriceOutput()
	}
	return total / 1e6
}

func known(price float64) bool { return price >= 0 && price <= math.MaxFloat64 }

func (p *plugin) reason(in abi.View, scores []float64, prompt, output float64) string {
	missing, unknown := 0, -1
	for i, level := range p.levels {
		if level%classes == unpriced {
			missing++
			unknown = i
		}
	}
	first, second := ladder.Front(scores)
	l := p.line.New()
	if first < 0 {
		if missing > 0 {
			l.Text("cost: no price known for any of ").Int(in.Len())
		}
		return l.String()
	}
	c := in.Candidate(first)
	l.Name(c.ID())
	if p.levels[first]%classes == unpriced {
		return l.Text(", though its price is not known").String()
	}
	l.Text(" ").USD(p.price(c, prompt, output))
	if second >= 0 && p.levels[second]%classes == priced {
		next := in.Candidate(second)
		relation := " < "
		if scores[first] == scores[second] {
			relation = " = "
		}
		l.Text(relation).Name(next.ID()).Text(" ").USD(p.price(next, prompt, output))
	}
	switch missing {
	case 0:
	case 1:
		l.Text("; no price: ").Name(in.Candidate(unknown).ID())
	default:
		l.Text("; no price: ").Int(missing)
	}
	return l.String()
}
