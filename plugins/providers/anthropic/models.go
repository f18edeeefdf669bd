package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/chat"
)

// ability is what a model's generation can do and what it rejects. All of it concerns parameters whose wrong
// use the API answers with status 400.
type ability struct {
	thinking thinkingForm
	off      thinkingOff
	xhigh    bool     // knows the effort between high and max
	sampling sampling // which sampling parameters are accepted
	schema   bool     // output_config.format and strict tools
	noForce  bool     // tool_choice any and tool are rejected
}

type thinkingForm uint8

const (
	thinkingNone     thinkingForm = iota
	thinkingBudget                // thinking.type enabled with budget_tokens
	thinkingAdaptive              // thinking.type adaptive with output_config.effort
)

// thinkingOff is how a request without thinking is written.
type thinkingOff uint8

const (
	offOmit     thinkingOff = iota // no thinking unless asked for
	offDisabled                    // on by default: thinking.type disabled
	offBetween                     // on by default: thinking.type between_tools is the least
	offNever                       // always on: the lowest effort is the least
)

type sampling uint8

const (
	samplingBoth sampling = iota // temperature and top_p
	samplingOne                  // either, not both
	samplingNone                 // neither, unless it is the default
)

// models is looked through from the top: the first row whose family is in the name (any, when empty) and whose
// version is not above the model's counts. Versions are major*100 + minor.
//
// Source: Anthropic's pages on thinking, effort, structured outputs and tool choice, and the migration guides
// of Claude 4.6, 4.7, 5, Fable 5 and 5.5, as of November 2026.
var models = [...]struct {
	family string
	from   int
	ability
}{
	{"fable", 501, ability{thinking: thinkingAdaptive, off: offNever, xhigh: true, sampling: samplingNone, schema: true, noForce: true}},
	{"fable", 500, ability{thinking: thinkingAdaptive, off: offNever, xhigh: true, sampling: samplingNone, schema: true}},
	{"mythos", 500, ability{thinking: thinkingAdaptive, off: offNever, xhigh: true, sampling: samplingNone, schema: true}},
	{"sonnet", 505, ability{thinking: thinkingAdaptive, off: offBetween, xhigh: true, sampling: samplingNone, schema: true, noForce: true}},
	{"", 505, ability{thinking: thinkingAdaptive, off: offNever, xhigh: true, sampling: samplingNone, schema: true, noForce: true}},
	{"", 500, ability{thinking: thinkingAdaptive, off: offDisabled, xhigh: true, sampling: samplingNone, schema: true}},
	{"", 407, ability{thinking: thinkingAdaptive, xhigh: true, sampling: samplingNone, schema: true}},
	{"", 406, ability{thinking: thinkingAdaptive, sampling: samplingOne, schema: true}},
	{"", 401, ability{thinking: thinkingBudget, sampling: samplingOne, schema: true}},
	{"", 307, ability{thinking: thinkingBudget}},
	{"", 1, ability{}},
}

// unknownModel is assumed of names without a version, of other vendors mostly.
var unknownModel = ability{thinking: thinkingBudget}

func abilityOf(model []byte) ability {
	version := modelVersion(model)
	for i := range models {
		if m := &models[i]; version >= m.from && bytes.Contains(model, []byte(m.family)) {
			return m.ability
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

// budgetOf gives the thinking budget that stands for an effort on models which want one.
func budgetOf(e chat.Effort) int64 {
	switch {
	case e <= chat.EffortMinimal:
		return 0
	case e == chat.EffortLow:
		return leastBudget
	case e == chat.EffortMedium:
		return 4096
	case e == chat.EffortHigh:
		return 16384
	default:
		return 32768
	}
}

// leastBudget is the smallest budget_tokens that the API takes.
const leastBudget = 1024
