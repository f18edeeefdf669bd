package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/providers/anthropic/internal/models"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// plan is what was decided about a request before anything of it is written.
type plan struct {
	can       models.Ability
	jsonMode  jsonMode
	thinking  jsonraw.Value // the client's own thinking object, else see effort
	effort    chat.Effort   // EffortUnset: leave it to the model
	budget    int64         // of models.ThinkingBudget; 0: no thinking
	maxTokens int64

	temperature, topP jsonraw.Value
	clamped           bool // the temperature is above what the vendor takes
	dropEffort        bool // reasoning_effort can't be had together with the rest
}

// translate writes the vendor's body for an OpenAI chat request.
func (p *plugin) translate(in *abi.RequestInput, out *abi.RequestOutput) error {
	if err := p.req.Read(in.Body); err != nil {
		return err
	}
	r := &p.req
	if r.N > 1 {
		return refusal.Unsupported("n", vendor+" gives one choice per request")
	}
	turns := r.Turns()
	if len(turns) == 0 {
		return refusal.Invalid("messages", "no message has any content")
	}
	p.model.recall(in.Model)
	pl := plan{can: p.model.can}
	if err := p.plan(&pl, turns); err != nil {
		return err
	}
	if pl.clamped && in.Flags&abi.FlagStrictParams != 0 {
		return refusal.Invalid("temperature", vendor+" takes a temperature of 0 to 1")
	}

	if size := len(in.Body) + len(in.Body)/4; cap(out.Body) < size {
		out.Body = make([]byte, 0, size)
	}
	w := jsonraw.Writer{Buf: out.Body}
	w.Open(`{`)
	w.Around(`"model":`, p.model.quoted, `,"max_tokens":`)
	w.Buf = jsonraw.AppendUint(w.Buf, uint64(pl.maxTokens))
	if in.Flags&abi.FlagStream != 0 {
		w.Literal(`"stream":true`)
	}
	if err := p.writeSystem(&w, &pl); err != nil {
		return err
	}
	w.Open(`"messages":[`)
	for i := range turns {
		if err := p.writeTurn(&w, &turns[i], i == len(turns)-1); err != nil {
			return err
		}
	}
	w.Close(`]`)
	p.writeTools(&w, &pl)
	p.writeSampling(&w, &pl)
	p.writeThinking(&w, &pl)
	w.Close(`}`)

	out.Body = w.Buf
	out.ResponseMode = abi.ModeTranslate
	out.State = appendInitialState(out.State, pl.jsonMode == jsonTool)
	out.Dropped = r.Dropped(out.Dropped, func(name []byte) bool { return p.takes(&pl, name) })
	return nil
}

// plan decides what depends on several parameters at once. It is out of line because translate is long enough: in a guest, each
// variable of a function makes all its jumps dearer.
//
//go:noinline
func (p *plugin) plan(pl *plan, turns []chat.Turn) error {
	r, can := &p.req, &pl.can
	pl.thinking, pl.maxTokens, pl.temperature, pl.topP = r.Thinking, r.MaxTokens, r.Temperature, r.TopP
	forced := r.Choice.Mode == chat.ChoiceRequired || r.Choice.Mode == chat.ChoiceNamed
	if forced && can.NoForce {
		return refusal.Unsupported("tool_choice", "this model can't be forced to call a tool")
	}
	if pl.thinking == nil {
		pl.effort = r.Effort
	}
	wanted := pl.effort > chat.EffortMinimal && can.Thinking != models.ThinkingNone
	if wanted && (forced || can.Thinking == models.ThinkingBudget && p.lostThinking(turns)) {
		pl.dropEffort, wanted = true, false
		pl.effort = chat.EffortUnset
	}
	pl.jsonMode = p.chooseJSONMode(pl, wanted || pl.thinking != nil)
	if (forced || pl.jsonMode == jsonTool) && can.Off == models.OffDisabled {
		pl.effort = chat.EffortNone // forcing a tool and thinking exclude each other
	}

	if wanted && can.Thinking == models.ThinkingBudget {
		pl.budget = models.BudgetOf(pl.effort)
	}
	if pl.thinking != nil {
		if n, ok := pl.thinking.Get("budget_tokens").Int(); ok {
			pl.budget = min(max(n, 0), math.MaxInt32) // more than any model has; it is added to
		}
	}
	p.limit(pl)

	thinks := wanted || pl.thinking != nil && !pl.thinking.Get("type").TextIs("disabled")
	f := 0.0
	if pl.temperature != nil {
		f, _ = pl.temperature.Float()
	}
	switch {
	case can.Sampling == models.SamplingNone, thinks && f != 1, can.Sampling == models.SamplingOne && f == 1 && pl.topP != nil:
		pl.temperature = nil
	case f > 1:
		pl.clamped = true
	}
	if pl.temperature != nil && can.Sampling == models.SamplingOne || thinks || can.Sampling == models.SamplingNone {
		pl.topP = nil
	}
	return nil
}

// limit sets max_tokens, which includes the thinking budget and must exceed it. A client's limit is kept if
// half of it makes a budget at all, and raised otherwise.
func (p *plugin) limit(pl *plan) {
	switch {
	case pl.maxTokens == 0:
		pl.maxTokens = p.config.maxTokens + pl.budget
	case pl.budget < pl.maxTokens:
	case pl.thinking == nil && pl.maxTokens >= 2*models.LeastBudget:
		pl.budget = pl.maxTokens / 2
	default:
		if pl.thinking == nil {
			pl.budget = models.LeastBudget
		}
		pl.maxTokens += pl.budget
	}
}

// lostThinking reports whether the conversation is within a tool loop whose assistant turn has no thinking
// block: with a thinking budget the API wants one there.
func (p *plugin) lostThinking(turns []chat.Turn) bool {
	n := len(turns)
	if n < 2 || turns[n-1].Assistant {
		return false
	}
	if first := p.req.Message(p.req.In(turns[n-1])[0]); first.Role() != chat.RoleTool {
		return false
	}
	m := p.req.Message(p.req.In(turns[n-2])[0])
	if m.HasThoughts() {
		return false
	}
	part := m.Parts()
	return !part.Next() || part.Kind != chat.PartThinking && part.Kind != chat.PartRedacted
}

func (p *plugin) writeSampling(w *jsonraw.Writer, pl *plan) {
	r := &p.req
	if pl.clamped {
		w.Literal(`"temperature":1`)
	} else if pl.temperature != nil {
		w.Around(`"temperature":`, pl.temperature, ``)
	}
	if pl.topP != nil {
		w.Around(`"top_p":`, pl.topP, ``)
	}
	if topK := p.topK(pl); topK != nil {
		w.Member("top_k", topK)
	}
	open := false
	for stop := range r.Stop {
		if chat.Blank(stop) {
			continue // the API refuses them
		}
		if !open {
			w.Key("stop_sequences")
			w.Array()
			open = true
		}
		w.Raw(stop)
	}
	if open {
		w.End()
	}
	if r.User != nil {
		w.Key("metadata")
		w.Object()
		w.Member("user_id", r.User)
		w.End()
	}
	if tier := serviceTier(r.ServiceTier); tier != "" {
		w.Key("service_tier")
		w.String(tier)
	}
}

// topK returns the extension top_k, when it can be sent.
func (p *plugin) topK(pl *plan) jsonraw.Value {
	if pl.can.Sampling == models.SamplingNone || pl.budget > 0 || pl.thinking != nil {
		return nil
	}
	var topK jsonraw.Value
	for i := range p.req.Params {
		if param := &p.req.Params[i]; string(param.Name) == "top_k" && param.Value.Kind() == jsonraw.Number {
			topK = param.Value
		}
	}
	return topK
}

func serviceTier(v jsonraw.Value) string {
	switch string(v.Inner()) {
	case "auto":
		return "auto"
	case "default", "standard_only":
		return "standard_only"
	}
	return ""
}

// writeThinking writes thinking and output_config.
func (p *plugin) writeThinking(w *jsonraw.Writer, pl *plan) {
	effort := ""
	switch {
	case pl.thinking != nil:
		w.Member("thinking", pl.thinking)
	case pl.budget > 0:
		w.Key("thinking")
		w.Object()
		w.Key("type")
		w.String("enabled")
		w.Key("budget_tokens")
		w.Int(pl.budget)
		w.End()
	case pl.can.Thinking == models.ThinkingAdaptive && pl.effort > chat.EffortMinimal:
		writeThinkingType(w, "adaptive")
		if effort = pl.effort.String(); pl.effort == chat.EffortXHigh && !pl.can.XHigh {
			effort = "high"
		}
	case pl.effort == chat.EffortNone || pl.effort == chat.EffortMinimal:
		switch pl.can.Off {
		case models.OffDisabled:
			writeThinkingType(w, "disabled")
		case models.OffBetween:
			writeThinkingType(w, "between_tools")
		case models.OffNever:
			effort = "low"
		}
	}
	if effort == "" && pl.jsonMode != jsonNative {
		return
	}
	w.Key("output_config")
	w.Object()
	if effort != "" {
		w.Key("effort")
		w.String(effort)
	}
	if pl.jsonMode == jsonNative {
		w.Key("format")
		w.Object()
		w.Key("type")
		w.String("json_schema")
		w.Member("schema", p.req.Format.Schema.Value())
		w.End()
	}
	w.End()
}

func writeThinkingType(w *jsonraw.Writer, kind string) {
	w.Key("thinking")
	w.Object()
	w.Key("type")
	w.String(kind)
	w.End()
}

// isOne reports whether v is the default of the sampling parameters.
func isOne(v jsonraw.Value) bool {
	f, _ := v.Float()
	return f == 1
}

// takes says which parameters are honoured; the others are reported as dropped.
func (p *plugin) takes(pl *plan, name []byte) bool {
	r := &p.req
	switch string(name) {
	case "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice", "response_format",
		"user", "safety_identifier", "thinking":
		return true
	case "parallel_tool_calls":
		return r.Tools() > 0
	case "reasoning_effort":
		return !pl.dropEffort && (pl.can.Thinking != models.ThinkingNone || r.Effort <= chat.EffortMinimal)
	case "temperature":
		return pl.temperature != nil || isOne(r.Temperature)
	case "top_p":
		return pl.topP != nil || isOne(r.TopP)
	case "top_k":
		return p.topK(pl) != nil
	case "service_tier":
		return serviceTier(r.ServiceTier) != ""
	}
	return false
}
