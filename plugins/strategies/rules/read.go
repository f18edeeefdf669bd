package main

import (
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Limits of a config.
const (
	maxRules    = 100
	maxEntries  = 1000 // of a list
	maxDepth    = 4    // of not, offered and lists of alternatives
	maxText     = 128  // bytes of a name or a pattern
	maxMessage  = 200
	maxProblems = 20
	maxTimeout  = 3_600_000
)

// What a decision among sixteen deployments with two tags each may take in a guest, as measured, in WebAssembly
// instructions. A policy has 2,000,000 for them: what is accepted does not run dry.
const (
	maxFuel = 1_600_000
	sixteen = 16 // times what is asked of each deployment

	fuelRule     = 1500
	fuelAct      = 800 // of a rule that fits, for each deployment
	fuelTest     = 1100
	fuelText     = 150 // compared with one or two others
	fuelPattern  = 4000
	fuelName     = 50
	fuelShare    = 4000
	fuelOfShares = 50 // each share of a split is compared with each
)

// read makes a config of JSON, or says all that is wrong with it.
func read(text []byte) (config, error) {
	doc, err := jsonraw.Parse(text)
	if err != nil {
		return config{}, err
	}
	var r reader
	var c config
	r.object("", doc, []key{
		{"rules", func(path string, v jsonraw.Value) { c.rules = r.rules(path, v) }},
		{"by", func(path string, v jsonraw.Value) { c.by = r.by(path, v) }},
		{"utc_offset", func(path string, v jsonraw.Value) { c.utcOffset = int64(60 * r.number(path, v, -12, 14, 0.25)) }},
	})
	c.uses = r.uses
	return c, r.err()
}

func (r *reader) rules(path string, v jsonraw.Value) (list []rule) {
	if v.Kind() != jsonraw.Array {
		r.wrong(path, v, "a list")
		return nil
	}
	final, told := "", false // the rule behind which no other is reached
	asking, most := 0, 0
	r.list(path, v, maxRules, func(path string, v jsonraw.Value) {
		if final != "" && !told {
			r.fail(path, "is never reached, as "+final+" has neither when nor continue")
			told = true
		}
		problems := r.count()
		r.fuel, r.asking = 0, fuelRule
		rule := r.rule(path, v)
		asking += r.asking
		if acting := r.fuel + sixteen*fuelAct; rule.goesOn {
			asking += acting
		} else {
			most = max(most, acting) // only one of these has a say
		}
		if rule.when == nil && !rule.goesOn && r.count() == problems {
			final = path
		}
		list = append(list, rule)
	})
	if fuel := asking + most; fuel > maxFuel {
		r.fail(path, "take up to "+strconv.Itoa(fuel)+" units of fuel for sixteen deployments, and "+strconv.Itoa(maxFuel)+" is the most: use fewer conditions, or names in the place of patterns")
	}
	return list
}

func (r *reader) rule(path string, v jsonraw.Value) rule {
	rule := rule{label: path}
	problems := r.count()
	r.object(path, v, []key{
		{"name", func(path string, v jsonraw.Value) { rule.label = r.text(path, v, maxText) }},
		{"when", func(path string, v jsonraw.Value) {
			acting := r.fuel
			rule.when = r.condition(path, v, &requests, 0)
			r.asking, r.fuel = r.asking+r.fuel-acting, acting
		}},
		{"only", func(path string, v jsonraw.Value) { rule.only = r.selector(path, v) }},
		{"otherwise", func(path string, v jsonraw.Value) { rule.otherwise = r.refusal(path, v, 503, "no_deployment_allowed") }},
		{"prefer", func(path string, v jsonraw.Value) { rule.prefer = r.prefer(path, v) }},
		{"split", func(path string, v jsonraw.Value) { rule.split = r.split(path, v) }},
		{"sticky", func(path string, v jsonraw.Value) { rule.sticky = r.bool(path, v) }},
		{"avoid", func(path string, v jsonraw.Value) { rule.avoid = r.selector(path, v) }},
		{"by", func(path string, v jsonraw.Value) { rule.ranks, rule.by = true, r.by(path, v) }},
		{"deny", func(path string, v jsonraw.Value) { rule.deny = r.refusal(path, v, 403, "denied_by_rule") }},
		{"attempt_timeout_ms", func(path string, v jsonraw.Value) { rule.attempt = uint32(r.number(path, v, 1, maxTimeout, 1)) }},
		{"first_token_timeout_ms", func(path string, v jsonraw.Value) { rule.firstToken = uint32(r.number(path, v, 1, maxTimeout, 1)) }},
		{"continue", func(path string, v jsonraw.Value) { rule.goesOn = r.bool(path, v) }},
	})
	if r.count() == problems {
		r.consistent(path, &rule)
	}
	return rule
}

// consistent reports keys of a rule that contradict or need each other.
func (r *reader) consistent(path string, rule *rule) {
	decides := rule.only != nil || rule.avoid != nil || rule.prefer != nil || rule.split != nil || rule.ranks || rule.attempt > 0 || rule.firstToken > 0
	switch {
	case rule.deny != nil && (decides || rule.goesOn):
		r.fail(path+".deny", "ends the list, so that only name and when can stand beside it")
	case rule.deny == nil && !decides:
		r.fail(path, "decides nothing: it needs one of only, prefer, split, avoid, by, deny, attempt_timeout_ms, first_token_timeout_ms")
	case rule.otherwise != nil && rule.only == nil:
		r.fail(path+".otherwise", "goes with only, which is missing")
	case rule.sticky && rule.split == nil:
		r.fail(path+".sticky", "goes with split, which is missing")
	case rule.split != nil && rule.prefer != nil:
		r.fail(path+".split", "does not go together with prefer: use two rules, the first with continue")
	}
}

// prefer reads a selector, or a list of them in the order of preference.
func (r *reader) prefer(path string, v jsonraw.Value) (list []condition) {
	if v.Kind() != jsonraw.Array {
		return []condition{r.selector(path, v)}
	}
	r.list(path, v, maxEntries, func(path string, v jsonraw.Value) { list = append(list, r.selector(path, v)) })
	return list
}

func (r *reader) split(path string, v jsonraw.Value) (list []share) {
	if v.Kind() != jsonraw.Array {
		r.wrong(path, v, "a list of objects with to and weight")
		return nil
	}
	r.list(path, v, maxEntries, func(path string, v jsonraw.Value) {
		var s share
		r.fuel += fuelShare + sixteen*fuelOfShares*len(list)
		problems := r.count()
		r.object(path, v, []key{
			{"to", func(path string, v jsonraw.Value) { s.to = r.selector(path, v) }},
			{"weight", func(path string, v jsonraw.Value) { s.weight = r.number(path, v, 0.001, 1e6, 0) }},
		})
		if r.count() == problems && (s.to == nil || s.weight == 0) {
			r.fail(path, "needs to and weight")
		}
		list = append(list, s)
	})
	return list
}

// by reads what ranks equals; nil is weight.
func (r *reader) by(path string, v jsonraw.Value) *field {
	name := v.Text()
	if f := deployments.find(name); f != nil && f.rank != rankNot {
		return f
	}
	if name != byWeight {
		r.fail(path, "nothing that ranks"+meant(name, rankings()))
	}
	return nil
}

// refusal reads a message, or an object that has one.
func (r *reader) refusal(path string, v jsonraw.Value, status uint16, code string) *refusal {
	f := &refusal{status: status, code: code}
	if v.Kind() == jsonraw.String {
		f.message = r.text(path, v, maxMessage)
		return f
	}
	problems := r.count()
	r.object(path, v, []key{
		{"message", func(path string, v jsonraw.Value) { f.message = r.text(path, v, maxMessage) }},
		{"status", func(path string, v jsonraw.Value) { f.status = uint16(r.number(path, v, 400, 599, 1)) }},
		{"code", func(path string, v jsonraw.Value) { f.code = r.code(path, v) }},
	})
	if r.count() == problems && f.message == "" {
		r.fail(path, "needs a message")
	}
	return f
}

// code reads what programs tell errors apart by.
func (r *reader) code(path string, v jsonraw.Value) string {
	const most = 64
	s := v.Text()
	bad := func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') }
	if s == "" || len(s) > most || strings.ContainsFunc(s, bad) {
		r.wrong(path, v, "a code of small letters, digits and _")
	}
	return s
}
