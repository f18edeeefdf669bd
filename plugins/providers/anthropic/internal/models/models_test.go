package models

import "testing"

func TestModels(t *testing.T) {
	for model, want := range map[string]int{
		"claude-opus-4-20250514":                    400,
		"claude-3-7-sonnet-20250219":                307,
		"claude-3-5-haiku-latest":                   305,
		"claude-3-haiku-20240307":                   300,
		"claude-3.5-sonnet":                         305,
		"claude-sonnet-4@20250514":                  400,
		"anthropic.claude-sonnet-4-5-20250929-v1:0": 405,
		"us.anthropic.claude-opus-4-6-v1":           406,
		"claude-haiku-4-5":                          405,
		"claude-opus-5":                             500,
		"claude-fable-5-1":                          501,
		"claude-2.1":                                201,
		"claude-instant-1.2":                        102,
		"claude-x":                                  0,
		"claude":                                    0,
		"gpt-4-0613":                                0,
		"":                                          0,
	} {
		if got := modelVersion([]byte(model)); got != want {
			t.Errorf("modelVersion(%q) = %d, want %d", model, got, want)
		}
	}
	for model, want := range map[string]Ability{
		"claude-opus-5-5":   {Thinking: ThinkingAdaptive, Off: OffNever, XHigh: true, Sampling: SamplingNone, Schema: true, NoForce: true},
		"claude-sonnet-5-5": {Thinking: ThinkingAdaptive, Off: OffBetween, XHigh: true, Sampling: SamplingNone, Schema: true, NoForce: true},
		"claude-fable-5":    {Thinking: ThinkingAdaptive, Off: OffNever, XHigh: true, Sampling: SamplingNone, Schema: true},
		"claude-opus-4-1":   {Thinking: ThinkingBudget, Sampling: SamplingOne, Schema: true},
		"claude-3-opus":     {},
		"my-alias":          unknownModel,
	} {
		if got := AbilityOf([]byte(model)); got != want {
			t.Errorf("AbilityOf(%q) = %+v, want %+v", model, got, want)
		}
	}
}
