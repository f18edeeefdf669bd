package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

// one is a config of one rule with the members given.
func one(members string) string { return `{"rules":[{` + members + `}]}` }

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, want string }{
		{`[]`, `config: [] is not an object`},
		{`{"rule":[]}`, `rule: unknown key: did you mean rules?`},
		{`{"x":1}`, `x: unknown key; known here: rules, by, utc_offset`},
		{`{"a: b\n":1}`, `a?: unknown key; known here: rules, by, utc_offset`},
		{`{"by":"price"}`, `by: nothing that ranks; known here: ` + strings.Join(rankings(), ", ")},
		{`{"by":"cost_us"}`, `by: nothing that ranks: did you mean cost_usd?`},
		{`{"by":7}`, `by: nothing that ranks; known here: ` + strings.Join(rankings(), ", ")},
		{`{"utc_offset":"+01:00"}`, `utc_offset: "+01:00" is not a number from -12 to 14 in steps of 0.25`},
		{`{"utc_offset":0.1}`, `utc_offset: 0.1 is not a number from -12 to 14 in steps of 0.25`},
		{`{"by":"order","by":"load"}`, `by: stands here twice`},
		{`{"rules":{}}`, `rules: {} is not a list`},
		{`{"rules":[]}`, `rules: has 0 entries: there must be 1 to 100`},
		{`{"rules":["x"]}`, `rules[0]: "x" is not an object`},
		{`{"rules":[{}]}`, `rules[0]: decides nothing: it needs one of only, prefer, split, avoid, by, deny, attempt_timeout_ms, first_token_timeout_ms`},
		{one(`"when":{"stream":true}`), `rules[0]: decides nothing: it needs one of only, prefer, split, avoid, by, deny, attempt_timeout_ms, first_token_timeout_ms`},
		{`{"rules":[{"only":"a"},{"only":"b"}]}`, `rules[1]: is never reached, as rules[0] has neither when nor continue`},
		{`{"rules":[{"deny":"no"},{"only":"b"}]}`, `rules[1]: is never reached, as rules[0] has neither when nor continue`},
		{one(`"deny":"no","only":"a"`), `rules[0].deny: ends the list, so that only name and when can stand beside it`},
		{one(`"deny":"no","continue":true`), `rules[0].deny: ends the list, so that only name and when can stand beside it`},
		{one(`"otherwise":"no","avoid":"a"`), `rules[0].otherwise: goes with only, which is missing`},
		{one(`"sticky":true,"avoid":"a"`), `rules[0].sticky: goes with split, which is missing`},
		{one(`"prefer":"a","split":[{"to":"b","weight":1}]`), `rules[0].split: does not go together with prefer: use two rules, the first with continue`},
		{one(`"name":"","only":"a"`), `rules[0].name: "" is not a text of one line with 1 to 128 bytes`},
		{one(`"name":"a\nb","only":"a"`), `rules[0].name: "a\nb" is not a text of one line with 1 to 128 bytes`},
		{one(`"prefers":"a"`), `rules[0].prefers: unknown key: did you mean prefer?`},
		{one(`"only":7`), `rules[0].only: 7 is not a deployment's id, an object, or a list of these`},
		{one(`"only":[]`), `rules[0].only: has 0 entries: there must be 1 to 1000`},
		{one(`"only":{}`), `rules[0].only: is empty: it needs a key`},
		{one(`"only":["a",{"model":[]}]`), `rules[0].only[1].model: has 0 entries: there must be 1 to 1000`},
		{one(`"only":{"tag":"eu"}`), `rules[0].only.tag: unknown key: did you mean tags?`},
		{one(`"only":{"tags":["eu",7]}`), `rules[0].only.tags[1]: 7 is not a text of one line with 1 to 128 bytes`},
		{one(`"only":{"price_input":"2"}`), `rules[0].only.price_input: "2" is not a number, or an object with min, max or both`},
		{one(`"only":{"price_input":{}}`), `rules[0].only.price_input: needs min, max or both, and min not above max`},
		{one(`"only":{"price_input":{"min":2,"max":1}}`), `rules[0].only.price_input: needs min, max or both, and min not above max`},
		{one(`"only":{"price_input":{"min":"2"}}`), `rules[0].only.price_input.min: "2" is not a number`},
		{one(`"only":{"price_input":{"mim":2}}`), `rules[0].only.price_input.mim: unknown key: did you mean min?`},
		{one(`"only":{"tools":"yes"}`), `rules[0].only.tools: "yes" is not true or false`},
		{one(`"only":{"hours":"1-2"}`), `rules[0].only.hours: unknown key; known here: ` + names(&deployments)},
		{one(`"only":[[[[[["a"]]]]]]`), `rules[0].only[0][0][0][0][0]: is nested too deep`},
		{one(`"when":"a","only":"a"`), `rules[0].when: "a" is not an object or a list of objects`},
		{one(`"when":{"provider":"a"},"only":"a"`), `rules[0].when.provider: unknown key; known here: ` + names(&requests)},
		{one(`"when":{"hours":"9-25"},"only":"a"`), `rules[0].when.hours: "9-25" is not a part of the day, such as "22-6" or "09:30-17:00"`},
		{one(`"when":{"hours":["8-9","9-09:00"]},"only":"a"`), `rules[0].when.hours[1]: "9-09:00" is not a part of the day, such as "22-6" or "09:30-17:00"`},
		{one(`"when":{"days":["mon","Monday"]},"only":"a"`), `rules[0].when.days[1]: "Monday" is not one of sun, mon, tue, wed, thu, fri, sat`},
		{one(`"when":[{"tags":"a"},{"not":{"x":1}}],"only":"a"`), `rules[0].when[1].not.x: unknown key; known here: ` + names(&requests)},
		{one(`"when":{"offered":{"tags":true}},"only":"a"`), `rules[0].when.offered.tags: true is not a text of one line with 1 to 128 bytes`},
		{one(`"split":"a"`), `rules[0].split: "a" is not a list of objects with to and weight`},
		{one(`"split":[{"to":"a"}]`), `rules[0].split[0]: needs to and weight`},
		{one(`"split":[{"to":"a","weight":0}]`), `rules[0].split[0].weight: 0 is not a number from 0.001 to 1000000`},
		{one(`"deny":{"status":403}`), `rules[0].deny: needs a message`},
		{one(`"deny":{"message":"x","status":200}`), `rules[0].deny.status: 200 is not a whole number from 400 to 599`},
		{one(`"deny":{"message":"x","code":"No way"}`), `rules[0].deny.code: "No way" is not a code of small letters, digits and _`},
		{one(`"deny":7`), `rules[0].deny: 7 is not an object`},
		{one(`"attempt_timeout_ms":0`), `rules[0].attempt_timeout_ms: 0 is not a whole number from 1 to 3600000`},
		{one(`"first_token_timeout_ms":1.5`), `rules[0].first_token_timeout_ms: 1.5 is not a whole number from 1 to 3600000`},
		{one(`"continue":"yes","only":"a"`), `rules[0].continue: "yes" is not true or false`},
		{one(`"only":"` + strings.Repeat("x", 129) + `"`), `rules[0].only: "` + strings.Repeat("x", 39) + `… is not a text of one line with 1 to 128 bytes`},
		{
			`{"by":1,"rules":[{"only":7},{"when":{"tags":2},"deny":"no"}]}`,
			"by: nothing that ranks; known here: " + strings.Join(rankings(), ", ") + "\n" +
				"rules[0].only: 7 is not a deployment's id, an object, or a list of these\n" +
				"rules[1].when.tags: 2 is not a text of one line with 1 to 128 bytes",
		},
		{one(`"prefer":[` + strings.Repeat(`{"tags":"*a*"},`, 90) + `"b"]`), `rules: take up to 7378300 units of fuel for sixteen deployments, and 1600000 is the most: use fewer conditions, or names in the place of patterns`},
	} {
		err := sdktest.ConfigureError(&plugin{}, c.config)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v\nwant %s", c.config, err, c.want)
		}
	}
	err := sdktest.ConfigureError(&plugin{}, `{"rules":[{"when":{"tags":["a",]}}]}`)
	if err == nil || !strings.Contains(err.Error(), "at byte 31") {
		t.Errorf("bad JSON: %v", err)
	}
}

// TestRulesThatExcludeEachOther: only the dearest of the rules that end the list counts.
func TestRulesThatExcludeEachOther(t *testing.T) {
	t.Parallel()
	rules := func(continued string) string {
		rule := `{"when":{"tags":"t"},"prefer":["a","b","c","d"]` + continued + `}`
		return `{"rules":[` + strings.Repeat(rule+",", 60) + rule + `]}`
	}
	if err := sdktest.ConfigureError(&plugin{}, rules("")); err != nil {
		t.Error(err)
	}
	if err := sdktest.ConfigureError(&plugin{}, rules(`,"continue":true`)); err == nil || !strings.HasPrefix(err.Error(), "rules: take up to") {
		t.Errorf("rules that all have a say: %v", err)
	}
	asking := `{"when":{"session":["s"` + strings.Repeat(`,"s"`, 899) + `]},"only":"a","continue":true}`
	if err := sdktest.ConfigureError(&plugin{}, `{"rules":[`+strings.Repeat(asking+",", 17)+asking+`]}`); err != nil {
		t.Errorf("what is asked of a request counts twice: %v", err)
	}
}

// TestManyProblems are cut before they fill a message.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	err := sdktest.ConfigureError(&plugin{}, `{"rules":[{"x":1}`+strings.Repeat(`,{"only":7}`, 60)+`]}`)
	if err == nil || strings.Count(err.Error(), "\n") != maxProblems || !strings.HasSuffix(err.Error(), "\nconfig: 41 problems more") {
		t.Errorf("61 problems: %v", err)
	}
}

// TestConfigureTwice keeps nothing of a config that was there before, or that was refused.
func TestConfigureTwice(t *testing.T) {
	t.Parallel()
	p := &plugin{}
	for _, c := range []struct{ config, order string }{
		{`{"by":"cost_usd","utc_offset":3,"rules":[{"only":{"tags":"eu"}}]}`, "ollama/llama mistral/large"},
		{`{"rules":[{"only":7}]}`, "ollama/llama mistral/large"},
		{`{}`, "openai/large openai/small mistral/large ollama/llama"},
	} {
		_ = p.Configure([]byte(c.config)) // one of them is refused
		cands := fleet()
		s := sdktest.NewStrategy(t, fixed{p}, c.config)
		if got := strategytest.Order(strategytest.Score(t, s, abi.Header{}, cands...), cands...); got != c.order {
			t.Errorf("after %s: %q, want %q", c.config, got, c.order)
		}
	}
}

// TestSchemaNamesEveryKey: what Configure takes is in the schema, which is JSON without a reference that leads nowhere.
func TestSchemaNamesEveryKey(t *testing.T) {
	t.Parallel()
	text := (&plugin{}).Describe().ConfigSchema
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Defs       map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, part := range strings.Split(string(text), `"$ref":"#/$defs/`)[1:] {
		if name, _, _ := strings.Cut(part, `"`); s.Defs[name] == nil {
			t.Errorf("nothing defines %s", name)
		}
	}
	var rule struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(s.Defs["rule"], &rule); err != nil {
		t.Fatal(err)
	}
	known := func(config string) []string {
		_, list, ok := strings.Cut(sdktest.ConfigureError(&plugin{}, config).Error(), "known here: ")
		if !ok {
			t.Fatalf("%s: no list of keys", config)
		}
		return strings.Split(list, ", ")
	}
	for _, key := range known(`{"zzzz":1}`) {
		if s.Properties[key] == nil {
			t.Errorf("the schema has no key %s", key)
		}
	}
	keys := known(one(`"zzzz":1`))
	for _, key := range keys {
		if rule.Properties[key] == nil {
			t.Errorf("the schema's rule has no key %s", key)
		}
	}
	if len(keys) != len(rule.Properties) {
		t.Errorf("the schema's rule has %d keys, Configure takes %d", len(rule.Properties), len(keys))
	}
	for _, of := range []*scope{&requests, &deployments} {
		for _, f := range of.fields {
			if !bytes.Contains(s.Defs[of.name], []byte(`"`+f.name+`":`)) {
				t.Errorf("the schema's %s has no key %s", of.name, f.name)
			}
		}
	}
}

func names(s *scope) string {
	list := make([]string, len(s.fields))
	for i, f := range s.fields {
		list[i] = f.name
	}
	return strings.Join(list, ", ")
}

// FuzzConfigure: whatever is accepted decides, and what is refused is refused in lines that begin with a path.
func FuzzConfigure(f *testing.F) {
	for _, config := range []string{
		typical, `{}`, `{"rules":[{"deny":{"message":"x","status":451,"code":"a"}}]}`, one(`"only":"a","otherwise":"x"`),
		one(`"when":[{"offered":["a*",{"price_input":{"min":1}}]},{"not":[{"hours":["1-2","22:30-5"]}]}],"prefer":"*","sticky":false,"first_token_timeout_ms":7`),
		one(`"split":[{"to":["a",{"tags":"b"}],"weight":0.5}],"sticky":true,"continue":true`), `{"rules":[{"when":{"tags":["a"`,
	} {
		f.Add([]byte(config), uint64(1))
	}
	f.Fuzz(func(t *testing.T, config []byte, seed uint64) {
		p := &plugin{}
		if err := p.Configure(config); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if line == "" || len(line) > 4<<10 {
					t.Fatalf("%q is refused with %q", config, err)
				}
			}
			return
		}
		s := sdktest.NewStrategy(t, fixed{p}, "")
		h := abi.Header{Seed: seed, Now: seed % (1 << 42), Tags: "eu\nb", PromptTokens: uint32(seed), SessionHash: seed}
		first := strategytest.Score(t, s, h, fleet()...)
		again := strategytest.Score(t, s, h, fleet()...)
		for i, score := range first.Scores {
			if score != again.Scores[i] && (score == score || again.Scores[i] == again.Scores[i]) || score < 0 || score > 3 {
				t.Fatalf("%s: scores %v and %v", config, first.Scores, again.Scores)
			}
		}
	})
}
