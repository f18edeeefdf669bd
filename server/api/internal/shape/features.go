package shape

import (
	"math"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Figure is a number that may not be known, which is NaN to the contract and null in JSON.
type Figure float64

// MarshalJSON writes null for what JSON has no number for.
func (f Figure) MarshalJSON() ([]byte, error) {
	if v := float64(f); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(f), 'g', -1, 64), nil
}

// Schema describes the number.
func (Figure) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Nullable: true}
}

// hash is 64 bits, which a JSON number does not hold.
func hash(v uint64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatUint(v, 16)
}

// Features are the request's part of a decision's input, as strategies see it.
type Features struct {
	At             time.Time `json:"at"`
	Seed           string    `json:"seed,omitempty" doc:"Hexadecimal, as hashes are. Draws between equals."`
	Group          string    `json:"group"`
	Attempt        uint32    `json:"attempt" doc:"0: the first one in the group."`
	Endpoint       string    `json:"endpoint"`
	Dialect        string    `json:"dialect"`
	Features       []string  `json:"features" nullable:"false"`
	PromptTokens   uint32    `json:"prompt_tokens" doc:"An estimate."`
	MaxOutput      uint32    `json:"max_output,omitempty" doc:"The client's limit."`
	ExpectedOutput uint32    `json:"expected_output"`
	Messages       uint32    `json:"messages"`
	BodyBytes      uint32    `json:"body_bytes"`
	RemainingMS    Figure    `json:"remaining_ms" doc:"Of the deadline."`
	Tags           []string  `json:"tags,omitempty" nullable:"false"`
	LastError      string    `json:"last_error,omitempty" doc:"Of the attempt before."`
	Session        string    `json:"session_hash,omitempty"`
	Prefix         string    `json:"prefix_hash,omitempty"`
}

func featuresOf(h *abi.Header) Features {
	return Features{
		At: unix(h.Now), Seed: hash(h.Seed), Group: h.Group, Attempt: h.Attempt, Endpoint: h.Endpoint.String(), Dialect: h.Dialect.String(), Features: featureNames(h.Features),
		PromptTokens: h.PromptTokens, MaxOutput: h.MaxOutput, ExpectedOutput: h.ExpectedOutput, Messages: h.Messages, BodyBytes: h.BodyBytes,
		RemainingMS: Figure(h.RemainingMS), Tags: lines(h.Tags), LastError: h.LastError, Session: hash(h.SessionHash), Prefix: hash(h.PrefixHash),
	}
}

// unix is a time of the contract. What is beyond the year 9999 can't be written, and can't have been.
func unix(ms uint64) time.Time {
	const last = 253402300799999
	return time.UnixMilli(int64(min(ms, last))).UTC()
}

// featureBits are the bits of the contract by name.
var featureBits = [...]struct {
	bit  uint32
	name string
}{
	{abi.FeatureStream, "stream"},
	{abi.FeatureTools, "tools"},
	{abi.FeatureImages, "images"},
	{abi.FeatureJSONSchema, "json_schema"},
	{abi.FeatureJSONMode, "json_mode"},
	{abi.FeatureAudio, "audio"},
	{abi.FeatureFiles, "files"},
	{abi.FeatureReasoning, "reasoning"},
	{abi.FeatureEmbeddings, "embeddings"},
	{abi.FeatureLogprobs, "logprobs"},
	{abi.FeatureMultiChoice, "multi_choice"},
}

func featureNames(bits uint32) []string {
	names := []string{}
	for _, f := range featureBits {
		if bits&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// Candidate is a deployment that could serve, with what was known of it then, as strategies see it.
type Candidate struct {
	Deployment   string     `json:"deployment"`
	Provider     string     `json:"provider"`
	Model        string     `json:"model"`
	Score        Figure     `json:"score" doc:"Lower is better; null: it was removed, or nobody was asked."`
	Filtered     bool       `json:"filtered" doc:"A filter removed it, so that nobody else was asked about it."`
	Tags         []string   `json:"tags,omitempty" nullable:"false"`
	Abilities    []string   `json:"abilities,omitempty" nullable:"false" doc:"Left out: not known."`
	Flags        []string   `json:"flags,omitempty" nullable:"false"`
	Weight       Figure     `json:"weight"`
	Order        int32      `json:"order"`
	PriceInput   Figure     `json:"price_input" doc:"USD for a million tokens, as the prices below."`
	PriceOutput  Figure     `json:"price_output"`
	PriceCached  Figure     `json:"price_cached"`
	Context      uint32     `json:"context,omitempty" doc:"Tokens."`
	MaxOutput    uint32     `json:"max_output,omitempty" doc:"Tokens."`
	InFlight     uint32     `json:"in_flight"`
	Samples      uint32     `json:"samples" doc:"Finished requests behind the figures."`
	TTFT         Figure     `json:"first_token_ms"`
	TTFTP50      Figure     `json:"first_token_p50_ms"`
	TTFTP95      Figure     `json:"first_token_p95_ms"`
	TTFTPeak     Figure     `json:"first_token_peak_ms"`
	Total        Figure     `json:"total_ms"`
	TotalP50     Figure     `json:"total_p50_ms"`
	TotalP95     Figure     `json:"total_p95_ms"`
	TotalPeak    Figure     `json:"total_peak_ms"`
	TPOT         Figure     `json:"per_output_token_ms"`
	ErrorRate    Figure     `json:"error_rate"`
	Consecutive  uint32     `json:"consecutive_failures"`
	ReqMinute    uint32     `json:"requests_last_minute"`
	FailMinute   uint32     `json:"failures_last_minute"`
	TokensMinute uint64     `json:"tokens_last_minute"`
	RPM          uint32     `json:"rpm_limit,omitempty"`
	TPM          uint64     `json:"tpm_limit,omitempty"`
	Cooling      *time.Time `json:"cooling_until,omitempty"`
}

// candidateFlags are the flags of the contract by name.
var candidateFlags = [...]struct {
	bit  uint32
	name string
}{
	{abi.CandidatePinned, "pinned"},
	{abi.CandidateFailed, "failed"},
	{abi.CandidateCooling, "cooling"},
	{abi.CandidateTrial, "trial"},
}

func candidateOf(c *abi.Candidate) Candidate {
	out := Candidate{
		Deployment: c.ID, Provider: c.Provider, Model: c.Model, Score: Figure(math.NaN()), Tags: lines(c.Tags), Weight: Figure(c.Weight), Order: c.Order,
		PriceInput: Figure(c.PriceInput), PriceOutput: Figure(c.PriceOutput), PriceCached: Figure(c.PriceCached), Context: c.Context, MaxOutput: c.MaxOutput,
		InFlight: c.InFlight, Samples: c.Samples, TTFT: Figure(c.TTFT), TTFTP50: Figure(c.TTFTP50), TTFTP95: Figure(c.TTFTP95), TTFTPeak: Figure(c.TTFTPeak),
		Total: Figure(c.Total), TotalP50: Figure(c.TotalP50), TotalP95: Figure(c.TotalP95), TotalPeak: Figure(c.TotalPeak), TPOT: Figure(c.TPOT),
		ErrorRate: Figure(c.ErrorRate), Consecutive: c.Consecutive, ReqMinute: c.ReqMinute, FailMinute: c.FailMinute, TokensMinute: c.TokensMinute, RPM: c.RPM, TPM: c.TPM,
	}
	if c.Flags&abi.CandidateAbilitiesKnown != 0 {
		out.Abilities = featureNames(c.Abilities)
	}
	for _, f := range candidateFlags {
		if c.Flags&f.bit != 0 {
			out.Flags = append(out.Flags, f.name)
		}
	}
	if c.CoolingUntil != 0 {
		out.Cooling = new(unix(c.CoolingUntil))
	}
	return out
}
