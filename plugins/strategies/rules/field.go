package main

import (
	"math"
	"unsafe"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/lottery"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// kind is what a condition can ask of a field, and so what stands beside its key.
type kind uint8

const (
	kindText    kind = iota // patterns, of which one matches
	kindTags                // patterns, of which one matches one of several texts
	kindAllTags             // patterns, each of which matches one of several texts
	kindNumber              // a number, or the least and the most
	kindFlag                // true or false
	kindName                // names, of which one is it
	kindHours               // parts of the day
	kindDays                // days of the week
	kindNot                 // a condition that does not hold
	kindOffered             // a condition that one of the candidates meets
	kinds
)

// field is one key of a condition: what it is called, what it means, and where its value is found. One list of them
// reads, describes and evaluates conditions.
type field struct {
	name, about string
	kind        kind
	text        func(*subject) []byte
	slot        int                    // of the text's hash among a candidate's
	number      func(*subject) float64 // NaN is not known
	flag        func(*subject) (on, known bool)
	rank        rank
	measured    bool // by requests of the last time, so that one without requests has to be tried
}

// rank says how a number ranks deployments.
type rank uint8

const (
	rankNot rank = iota
	rankLow      // the lowest is best
	rankHigh
)

// features are what a request can ask for and a deployment can be able to do.
var features = []struct {
	name, about string
	bit         uint32
}{
	{"stream", "a stream", abi.FeatureStream},
	{"tools", "tools", abi.FeatureTools},
	{"images", "images in the prompt", abi.FeatureImages},
	{"json_schema", "an answer by a JSON schema", abi.FeatureJSONSchema},
	{"json_mode", "an answer in JSON", abi.FeatureJSONMode},
	{"audio", "audio", abi.FeatureAudio},
	{"files", "files", abi.FeatureFiles},
	{"reasoning", "reasoning", abi.FeatureReasoning},
	{"embeddings", "embeddings", abi.FeatureEmbeddings},
}

// scope is what a condition is about, and so the keys that it may have.
type scope struct {
	name   string
	fields []field
	bare   *field // what a text in the place of a condition is a pattern for; nil: nothing
}

// requests are what when is about, deployments what the conditions are about that select some.
var (
	requests    = scope{name: "request", fields: requestFields()}
	deployments = newDeployments()
)

func newDeployments() scope {
	s := scope{name: "deployment", fields: deploymentFields()}
	s.bare = s.find("deployment")
	return s
}

// ask is how a field of a kind is asked.
func (s *scope) ask(k kind) func(t *test, s *subject) bool {
	if s.bare != nil {
		return k.fast()
	}
	return k.evaluator()
}

// find returns the field of a name, nil if there is none.
func (s *scope) find(name string) *field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

func requestFields() []field {
	list := []field{
		{name: "group", kind: kindText, about: "model group", text: func(s *subject) []byte { return s.in.Group() }},
		{name: "tags", kind: kindTags, about: "any of these is a tag of the request", text: func(s *subject) []byte { return s.in.Tags() }},
		{name: "all_tags", kind: kindAllTags, about: "each of these is a tag of the request", text: func(s *subject) []byte { return s.in.Tags() }},
		{name: "session", kind: kindName, about: "session or user that the client names; no patterns"},
		{name: "tenant", kind: kindText, about: "tenant; another one's name for a key that acts for others", text: func(s *subject) []byte { return s.in.Tenant() }},
		{name: "endpoint", kind: kindText, about: "chat, completions or embeddings", text: func(s *subject) []byte { return readOnly(s.in.Endpoint().String()) }},
		{name: "dialect", kind: kindText, about: "the client's: openai, anthropic", text: func(s *subject) []byte { return readOnly(s.in.Dialect().String()) }},
		{name: "last_error", kind: kindText, about: "code of the failure before, in a later attempt", text: func(s *subject) []byte { return s.in.LastError() }},
		{name: "hours", kind: kindHours, about: "time of day"},
		{name: "days", kind: kindDays, about: "day of the week"},
		{name: "prompt_tokens", kind: kindNumber, about: "estimate of the prompt's length", number: func(s *subject) float64 { return float64(s.in.PromptTokens()) }},
		{name: "max_tokens", kind: kindNumber, about: "the client's limit of the answer, not known if there is none", number: func(s *subject) float64 { return orUnknown(s.in.MaxOutput()) }},
		{name: "expected_tokens", kind: kindNumber, about: "what the router expects of the answer", number: func(s *subject) float64 { return float64(s.in.ExpectedOutput()) }},
		{name: "messages", kind: kindNumber, about: "messages of the prompt", number: func(s *subject) float64 { return float64(s.in.Messages()) }},
		{name: "body_bytes", kind: kindNumber, about: "size of the request", number: func(s *subject) float64 { return float64(s.in.BodyBytes()) }},
		{name: "attempt", kind: kindNumber, about: "attempts made in this group before, 0 at first", number: func(s *subject) float64 { return float64(s.in.Attempt()) }},
		{name: "remaining_ms", kind: kindNumber, about: "what is left of the request's time", number: func(s *subject) float64 { return s.in.RemainingMS() }},
	}
	for _, f := range features {
		list = append(list, field{
			name: f.name, kind: kindFlag, about: "the request asks for " + f.about,
			flag: func(s *subject) (on, known bool) { return s.in.Features()&f.bit != 0, true },
		})
	}
	return append(list,
		field{name: "offered", kind: kindOffered, about: "there is such a deployment on offer"},
		field{name: "not", kind: kindNot, about: "this does not hold"},
	)
}

func deploymentFields() []field {
	list := []field{
		{name: "deployment", kind: kindText, slot: slotID, about: "its id, such as openai/gpt-4o", text: func(s *subject) []byte { return s.c.ID() }},
		{name: "provider", kind: kindText, slot: slotProvider, about: "name of its provider", text: func(s *subject) []byte { return s.c.Provider() }},
		{name: "model", kind: kindText, slot: slotModel, about: "the vendor's name of the model", text: func(s *subject) []byte { return s.c.Model() }},
		{name: "tags", kind: kindTags, about: "any of these is a tag of it", text: func(s *subject) []byte { return s.c.Tags() }},
		{name: "all_tags", kind: kindAllTags, about: "each of these is a tag of it", text: func(s *subject) []byte { return s.c.Tags() }},
		{name: "cost_usd", kind: kindNumber, rank: rankLow, about: "expected price of this request", number: cost},
		{name: "price_input", kind: kindNumber, rank: rankLow, about: "USD for a million tokens", number: func(s *subject) float64 { return s.c.PriceInput() }},
		{name: "price_output", kind: kindNumber, rank: rankLow, about: "USD for a million tokens", number: func(s *subject) float64 { return s.c.PriceOutput() }},
		{name: "latency_ms", kind: kindNumber, rank: rankLow, measured: true, about: "expected time of this request, its load reckoned in", number: latency},
		{name: "ttft_ms", kind: kindNumber, rank: rankLow, measured: true, about: "time to the first token of streams, on average", number: func(s *subject) float64 { return s.c.TTFT() }},
		{name: "ttft_p95_ms", kind: kindNumber, rank: rankLow, measured: true, about: "the same for all but 5 of 100", number: func(s *subject) float64 { return s.c.TTFTP95() }},
		{name: "total_ms", kind: kindNumber, rank: rankLow, measured: true, about: "time of whole requests, on average", number: func(s *subject) float64 { return s.c.Total() }},
		{name: "total_p95_ms", kind: kindNumber, rank: rankLow, measured: true, about: "the same for all but 5 of 100", number: func(s *subject) float64 { return s.c.TotalP95() }},
		{name: "error_rate", kind: kindNumber, rank: rankLow, about: "share of failures in the last minute, 0 to 1", number: func(s *subject) float64 { return s.c.ErrorRate() }},
		{name: "failures_in_a_row", kind: kindNumber, about: "since the last success", number: func(s *subject) float64 { return float64(s.c.Consecutive()) }},
		{name: "in_flight", kind: kindNumber, rank: rankLow, about: "requests that it serves now", number: func(s *subject) float64 { return float64(s.c.InFlight()) }},
		{name: "load", kind: kindNumber, rank: rankLow, about: "the same divided by its weight", number: load},
		{name: "requests_minute", kind: kindNumber, about: "requests in the last minute", number: func(s *subject) float64 { return float64(s.c.ReqMinute()) }},
		{name: "limit_used", kind: kindNumber, rank: rankLow, about: "share of its limit of requests or tokens a minute, the greater; not known without a limit", number: limitUsed},
		{name: "context", kind: kindNumber, rank: rankHigh, about: "context window in tokens", number: func(s *subject) float64 { return orUnknown(s.c.Context()) }},
		{name: "max_output", kind: kindNumber, rank: rankHigh, about: "longest answer in tokens", number: func(s *subject) float64 { return orUnknown(s.c.MaxOutput()) }},
		{name: "order", kind: kindNumber, rank: rankLow, about: "the operator's", number: func(s *subject) float64 { return float64(s.c.Order()) }},
		{name: "weight", kind: kindNumber, about: "the operator's", number: func(s *subject) float64 { return s.c.Weight() }},
	}
	for _, f := range features {
		list = append(list, field{
			name: f.name, kind: kindFlag, about: "it can do " + f.about,
			flag: func(s *subject) (on, known bool) {
				return s.c.Abilities()&f.bit != 0, s.c.Flags()&abi.CandidateAbilitiesKnown != 0
			},
		})
	}
	return append(list, field{name: "not", kind: kindNot, about: "this does not hold"})
}

// readOnly returns the bytes of a text without copying them.
func readOnly(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// orUnknown reads a count of which 0 says that it is not known.
func orUnknown(n uint32) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(n)
}

// tokens are what the request is expected to take.
func tokens(in abi.View) (prompt, output float64) {
	prompt, output = float64(in.PromptTokens()), float64(in.ExpectedOutput())
	if limit := float64(in.MaxOutput()); limit > 0 {
		output = min(output, limit)
	}
	return prompt, output
}

// cost is the expected price in USD, NaN if a price that it needs is not known. Without any estimate it compares the
// prices of one token each.
func cost(s *subject) float64 { return s.remember(memoCost, expectedCost) }

func expectedCost(s *subject) float64 {
	prompt, output := tokens(s.in)
	if prompt == 0 && output == 0 {
		prompt, output = 1, 1
	}
	return (part(prompt, s.c.PriceInput()) + part(output, s.c.PriceOutput())) / 1e6
}

// part is what so many tokens cost. Rounding it keeps a product and a sum from being joined, which some machines do.
func part(tokens, price float64) float64 {
	switch {
	case tokens == 0:
		return 0
	case price >= 0:
		return float64(tokens * price)
	default:
		return math.NaN()
	}
}

// latency is the expected time in milliseconds: of a stream the first token and the rest, else the whole, a tenth longer
// for each request in flight at weight 1.
func latency(s *subject) float64 { return s.remember(memoLatency, expectedTime) }

func expectedTime(s *subject) float64 {
	const perLoad = 0.1
	ms := either(s.c.TotalPeak(), s.c.Total())
	if first := either(s.c.TTFTPeak(), s.c.TTFT()); first == first && s.in.Features()&abi.FeatureStream != 0 {
		switch _, output := tokens(s.in); {
		case s.c.TPOT() > 0:
			ms = first + float64(output*s.c.TPOT())
		case !(ms > first):
			ms = first
		}
	}
	return ms * (1 + float64(perLoad*load(s)))
}

// either is the peak-sensitive average if there is one, else the plain one; NaN if neither is known. Nothing takes no time.
func either(peak, average float64) float64 {
	switch {
	case peak > 0:
		return peak
	case average > 0:
		return average
	default:
		return math.NaN()
	}
}

func load(s *subject) float64 {
	weight, _ := lottery.Weight(s.c.CandidateView)
	return float64(s.c.InFlight()) / weight
}

func limitUsed(s *subject) float64 { return s.remember(memoLimit, shareOfLimits) }

func shareOfLimits(s *subject) float64 {
	used := math.NaN()
	if limit := s.c.RPM(); limit > 0 {
		used = float64(s.c.ReqMinute()) / float64(limit)
	}
	if limit := s.c.TPM(); limit > 0 {
		if share := float64(s.c.TokensMinute()) / float64(limit); !(used > share) {
			used = share
		}
	}
	return used
}

// byWeight is what ranks if nothing else does: chance, by weight.
const byWeight = "weight"

// rankings are what by may name.
func rankings() []string {
	names := []string{byWeight}
	for i := range deployments.fields {
		if f := &deployments.fields[i]; f.rank != rankNot {
			names = append(names, f.name)
		}
	}
	return names
}
