// Package models knows what each of Anthropic's models can do, which its API does not tell: the adapter asks it what to write
// into a request, and what to leave out of it.
package models

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/chat"
)

// Ability is what a model's generation can do and what it rejects. All of it concerns parameters whose wrong
// use the API answers with status 400.
type Ability struct {
	Thinking ThinkingForm
	Off      ThinkingOff
	XHigh    bool     // knows the effort between high and max
	Sampling Sampling // which sampling parameters are accepted
	Schema   bool     // output_config.format and strict tools
	NoForce  bool     // tool_choice any and tool are rejected
}

// ThinkingForm is how a request asks for thinking.
type ThinkingForm uint8

// Forms of thinking.
const (
	ThinkingNone     ThinkingForm = iota
	ThinkingBudget                // thinking.type enabled with budget_tokens
	ThinkingAdaptive              // thinking.type adaptive with output_config.effort
)

// ThinkingOff is how a request without thinking is written.
type ThinkingOff uint8

// Ways to do without thinking.
const (
	OffOmit     ThinkingOff = iota // no thinking unless asked for
	OffDisabled                    // on by default: thinking.type disabled
	OffBetween                     // on by default: thinking.type between_tools is the least
	OffNever                       // always on: the lowest effort is the least
)

// Sampling is which sampling parameters a model takes.
type Sampling uint8

// Choices of sampling parameters.
const (
	SamplingBoth Sampling = iota // temperature and top_p
	SamplingOne                  // either, not both
	SamplingNone                 // neither, unless it is the default
)

// table is looked through from the top: the first row whose family is in the name (any, when empty) and whose
// version is not above the model's counts. Versions are major*100 + minor.
//
// Source: Anthropic's pages on thinking, effort, structured outputs and tool choice, and the migration guides
// of Claude 4.6, 4.7, 5, Fable 5 and 5.5, as of November 2026.
var table = [...]struct {
	family string
	from   int
	Ability
}{
	{"fable", 501, Ability{Thinking: ThinkingAdaptive, Off: OffNever, XHigh: true, Sampling: SamplingNone, Schema: true, NoForce: true}},
	{"fable", 500, Ability{Thinking: ThinkingAdaptive, Off: OffNever, XHigh: true, Sampling: SamplingNone, Schema: true}},
	{"mythos", 500, Ability{Thinking: ThinkingAdaptive, Off: OffNever, XHigh: true, Sampling: SamplingNone, Schema: true}},
	{"sonnet", 505, Ability{Thinking: ThinkingAdaptive, Off: OffBetween, XHigh: true, Sampling: SamplingNone, Schema: true, NoForce: true}},
	{"", 505, Ability{Thinking: ThinkingAdaptive, Off: OffNever, XHigh: true, Sampling: SamplingNone, Schema: true, NoForce: true}},
	{"", 500, Ability{Thinking: ThinkingAdaptive, Off: OffDisabled, XHigh: true, Sampling: SamplingNone, Schema: true}},
	{"", 407, Ability{Thinking: ThinkingAdaptive, XHigh: true, Sampling: SamplingNone, Schema: true}},
	{"", 406, Ability{Thinking: ThinkingAdaptive, Sampling: SamplingOne, Schema: true}},
	{"", 401, Ability{Thinking: ThinkingBudget, Sampling: SamplingOne, Schema: true}},
	{"", 307, Ability{Thinking: ThinkingBudget}},
	{"", 1, Ability{}},
}

// unknownModel is assumed of names without a version, of other vendors mostly.
var unknownModel = Ability{Thinking: ThinkingBudget}

// AbilityOf returns what the model of that name can do.
func AbilityOf(model []byte) Ability {
	version := modelVersion(model)
	for i := range table {
		if m := &table[i]; version >= m.from && bytes.Contains(model, []byte(m.family)) {
			return m.Ability
		}
	}
	return unknownModel
}

// modelVersion finds the version in a model's name: the first number after "claude", which is the major
// version, and the number behind it, unless that is a date. It is 0 when there is none.
//
// claude-opus-4-20250514 gives 400, claude-3-7-sonnet-20250219 307, claude-sonnet-4@20250514 400.
func modelVersion(model []byte) int {
	at := bytes.Index(model, []byte("claude"))
	if at < 0 {
		return 0
	}
	version, found := 0, 0
	for i := at; i < len(model) && found < 2; {
		start, n := i, 0
		for i < len(model) && model[i]-'0' <= 9 && i-start < 4 {
			n = n*10 + int(model[i]-'0')
			i++
		}
		switch digits := i - start; {
		case digits == 0:
			if found == 1 && model[i] != '-' && model[i] != '.' {
				return version // something else than a minor version follows
			}
			i++
		case digits > 2: // a date
			return version
		case found == 0:
			version, found = n*100, 1
		default:
			return version + n
		}
	}
	return version
}

// BudgetOf gives the thinking budget that stands for an effort on models which want one.
func BudgetOf(e chat.Effort) int64 {
	switch {
	case e <= chat.EffortMinimal:
		return 0
	case e == chat.EffortLow:
		return LeastBudget
	case e == chat.EffortMedium:
		return 4096
	case e == chat.EffortHigh:
		return 16384
	default:
		return 32768
	}
}

// LeastBudget is the smallest budget_tokens that the API takes.
const LeastBudget = 1024
