// Package explain tells a recorded routing decision in words: import it to answer why a request
// went where it did.
package explain

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Decision returns sentences about a request's decisions, in the order in which things happened.
func Decision(r *decisionlog.Record) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for i := range r.Picks {
		p := &r.Picks[i]
		if i == 0 {
			add("%s", request(&p.Header))
		}
		add("%s", choice(r, p, i > 0))
		for _, line := range calls(p) {
			add("%s", line)
		}
		if line := scores(p); line != "" {
			add("%s", line)
		}
		if p.Try >= 0 && p.Try < len(r.Tries) {
			add("%s", attempt(&r.Tries[p.Try]))
		}
	}
	add("%s", ending(r))
	return lines
}

// features are what a request may ask for, in words.
var features = []struct {
	bit  uint32
	name string
}{
	{abi.FeatureTools, "tools"}, {abi.FeatureImages, "images"}, {abi.FeatureAudio, "audio"}, {abi.FeatureFiles, "files"}, {abi.FeatureJSONMode, "JSON"},
	{abi.FeatureJSONSchema, "a JSON schema"}, {abi.FeatureReasoning, "reasoning"}, {abi.FeatureEmbeddings, "embeddings"},
}

func request(h *abi.Header) string {
	var b strings.Builder
	kind := "A request"
	if h.Features&abi.FeatureStream != 0 {
		kind = "A streamed request"
	}
	fmt.Fprintf(&b, "%s for model group %q came with about %s of prompt and %s expected in the answer", kind, h.Group, count(h.PromptTokens, "token"), count(h.ExpectedOutput, "token"))
	var wants []string
	for _, f := range features {
		if h.Features&f.bit != 0 {
			wants = append(wants, f.name)
		}
	}
	if len(wants) > 0 {
		b.WriteString("; it asked for " + list(wants))
	}
	if h.Tags != "" {
		b.WriteString("; it was tagged " + list(strings.Split(h.Tags, "\n")))
	}
	return b.String() + "."
}

func choice(r *decisionlog.Record, p *decisionlog.Pick, again bool) string {
	verb := "could serve it"
	if again {
		verb = "could serve the next attempt"
	}
	head := fmt.Sprintf("%s of group %q %s", count(uint32(len(p.Candidates)), "deployment"), p.Header.Group, verb)
	if n := trials(p); n > 0 {
		head += fmt.Sprintf(", %d of them on trial after a cooldown", n)
	}
	switch decision.Outcome(p.Outcome) {
	case decision.Ranked:
		if p.Try < 0 || p.Try >= len(r.Tries) {
			return head + "; the only one left to try was taken by another request, so the choice was made again."
		}
		return fmt.Sprintf("%s; %s was chosen by %s.", head, r.Tries[p.Try].Deployment, p.By)
	case decision.Emptied:
		return head + "; none was left in the end."
	case decision.Rejected:
		return head + "; the request was refused."
	case decision.Unavailable:
		return head + "; a strategy that must not be left out failed, so the request was refused."
	default:
		return head + "; the request ended before one was chosen."
	}
}

func trials(p *decisionlog.Pick) (n int) {
	for i := range p.Candidates {
		if p.Candidates[i].Flags&abi.CandidateTrial != 0 {
			n++
		}
	}
	return n
}

var failures = map[string]string{
	decision.FailedFault:   "failed, and had no say",
	decision.FailedRefusal: "answered that it could not decide, and had no say",
	decision.FailedBreaker: "was not asked, because it had failed too often",
}

// calls are the strategies in turn.
func calls(p *decisionlog.Pick) []string {
	var lines []string
	for i := range p.Calls {
		c := &p.Calls[i]
		who := fmt.Sprintf("Strategy %q", c.Strategy)
		if c.Policy {
			who = fmt.Sprintf("The tenant's policy %q (version %s)", c.Strategy, c.Version)
		}
		switch {
		case c.Failed != "":
			lines = append(lines, who+" "+cmp.Or(failures[c.Failed], "had no say: "+c.Failed)+".")
		case c.Reason != "":
			lines = append(lines, fmt.Sprintf("%s said: %s.", who, strings.TrimSuffix(c.Reason, ".")))
		}
	}
	return lines
}

// most is how many candidates are listed.
const most = 8

// scores lists candidates, the best first.
func scores(p *decisionlog.Pick) string {
	if len(p.Scores) != len(p.Candidates) || decision.Outcome(p.Outcome) != decision.Ranked {
		return ""
	}
	order := make([]int, len(p.Scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := p.Scores[a], p.Scores[b]
		if math.IsNaN(x) || math.IsNaN(y) { // cmp.Compare puts NaN first
			return cmp.Compare(boolean(math.IsNaN(x)), boolean(math.IsNaN(y)))
		}
		return cmp.Compare(x, y)
	})
	var parts []string
	for _, i := range order[:min(len(order), most)] {
		parts = append(parts, score(p, i))
	}
	if n := len(order) - most; n > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", n))
	}
	return "Scores, lower is better: " + strings.Join(parts, ", ") + "."
}

func score(p *decisionlog.Pick, i int) string {
	id := p.Candidates[i].ID
	switch {
	case i < len(p.Filtered) && p.Filtered[i]:
		return id + " removed by a filter"
	case math.IsNaN(p.Scores[i]):
		return id + " removed"
	default:
		return fmt.Sprintf("%s %.4g", id, p.Scores[i])
	}
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func attempt(t *decisionlog.Try) string {
	took := t.Took.Round(time.Millisecond)
	switch {
	case t.Canceled:
		return fmt.Sprintf("The client left after %s, so the attempt at %s was ended.", took, t.Deployment)
	case t.Error != "" && t.Status >= 400:
		return fmt.Sprintf("%s answered with status %d (%s) after %s.", t.Deployment, t.Status, t.Error, took)
	case t.Error != "":
		return fmt.Sprintf("The attempt at %s failed after %s: %s.", t.Deployment, took, t.Error)
	case t.FirstToken > 0:
		return fmt.Sprintf("%s sent its first token after %s and was done after %s.", t.Deployment, t.FirstToken.Round(time.Millisecond), took)
	default:
		return fmt.Sprintf("%s answered after %s.", t.Deployment, took)
	}
}

func ending(r *decisionlog.Record) string {
	e := &r.Entry
	took := e.Latency.Round(time.Millisecond)
	if e.Error != "" {
		return fmt.Sprintf("The client got status %d (%s) after %s.", e.Status, e.Error, took)
	}
	cost := "at a cost that is not known"
	if e.Priced {
		cost = "for $" + e.Cost.String()
	}
	tokens := ""
	if e.Counted {
		tokens = fmt.Sprintf(" The vendor counted %s of prompt and %s of answer.", count(uint32(e.Prompt), "token"), count(uint32(e.Completion), "token"))
	}
	return fmt.Sprintf("The client got its answer after %s, %s.%s", took, cost, tokens)
}

func count(n uint32, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return words[0]
}
