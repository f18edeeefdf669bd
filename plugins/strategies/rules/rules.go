// Package main is the strategy rules: a short list of conditions and preferences decides where a request goes, for
// tenants who do not write code. docs/rules.md describes the list.
//
// Each rule asks about the request (when) and says something about the deployments on offer: which may serve (only),
// which come first (prefer, split), which come last (avoid), what ranks the rest (by), or that the request is refused
// (deny). The first rule that fits decides; one with continue leaves the rest of the list its say among equals.
package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// config is what Configure makes of the operator's or tenant's JSON. It is not changed afterwards.
type config struct {
	rules     []rule
	by        *field // nil: by weight
	utcOffset int64  // in minutes
	uses      uses   // of all conditions on deployments
}

// rule is one entry of the list. Conditions are nil where the entry has none.
type rule struct {
	label      string // its name, else where it stands, for reasons
	when       condition
	only       condition
	otherwise  *refusal
	avoid      condition
	prefer     []condition
	split      []share
	sticky     bool
	ranks      bool   // it says what ranks equals
	by         *field // nil: by weight
	deny       *refusal
	attempt    uint32 // milliseconds, 0: no limit
	firstToken uint32
	goesOn     bool
}

// share is one part of a split.
type share struct {
	to     condition
	weight float64
}

// refusal is what a client is told.
type refusal struct {
	status        uint16
	code, message string
}

type plugin struct {
	config
	subject subject // of the decision in hand; what it has room for is kept
	ranking ranking
	line    note.Line
}

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	return abi.Description{
		Name: "rules", Version: "1.0.0", About: "a list of conditions and preferences decides; see docs/rules.md",
		ConfigSchema: schema(),
	}
}

// Configure takes what docs/rules.md describes. The error has one line for each problem, which begins with the path of
// the value that is wrong: "rules[2].when.tags: …".
func (p *plugin) Configure(text []byte) error {
	c, err := read(text)
	if err != nil {
		return err
	}
	p.config, p.subject.utcOffset, p.subject.uses = c, c.utcOffset, c.uses
	return nil
}

// Score is a candidate's place, from 0. Those that nothing tells apart share one, so that weights draw between them.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	n := in.Len()
	s, r := &p.subject, &p.ranking
	s.begin(in)
	r.begin(n)
	by, ranked := p.by, false
	said := p.line.New()
	fitting := 0
	for i := range p.rules {
		rule := &p.rules[i]
		if rule.when != nil && !rule.when.holds(s) {
			continue
		}
		if fitting++; fitting > 1 {
			said.Text(", ")
		}
		said.Text(rule.label)
		refused := rule.deny
		if refused == nil {
			refused = rule.apply(s, r)
		}
		if refused != nil {
			refuse(out, refused)
			return nil
		}
		limit(out, rule)
		if rule.ranks && !ranked {
			by, ranked = rule.by, true
		}
		if !rule.goesOn {
			break
		}
	}
	if n == 0 {
		return nil
	}
	if fitting == 0 {
		said.Text("no rule fits")
	}
	r.settle(s, by, out.Scores)
	out.Reason = r.explain(s, by, out.Scores, said)
	return nil
}

// refuse rejects the request. The message is the reason, and so reaches the client.
func refuse(out *abi.ScoreOutput, r *refusal) {
	for i := range out.Scores {
		out.Scores[i] = math.NaN()
	}
	out.Directives, out.AttemptTimeoutMS, out.FirstTokenTimeoutMS = abi.DirectiveReject, 0, 0
	out.RejectStatus, out.RejectCode, out.Reason = r.status, r.code, r.message
}

// limit sets the rule's timeouts, of which the strictest counts.
func limit(out *abi.ScoreOutput, r *rule) {
	set := func(directive, ms uint32, field *uint32) {
		if ms > 0 && (out.Directives&directive == 0 || ms < *field) {
			out.Directives |= directive
			*field = ms
		}
	}
	set(abi.DirectiveAttemptTimeout, r.attempt, &out.AttemptTimeoutMS)
	set(abi.DirectiveFirstTokenTimeout, r.firstToken, &out.FirstTokenTimeoutMS)
}
