// Package settings is what an operator may set of the provider openai, and what is known of the vendors: import it to have
// both as what a request needs.
package settings

import "github.com/switchyard-gateway/switchyard/sdk/abi"

// Vendor is what distinguishes one compatible API from OpenAI's own.
type Vendor struct {
	Name   string
	prefix string // goes before /chat/completions, behind the operator's base URL

	// serves has one bit (1 << endpoint) per endpoint that the vendor has.
	serves uint8

	// maxTokens is the only name of the token limit that the vendor knows; "" if it knows both.
	maxTokens string

	// noStreamOptions: the vendor refuses stream_options, and sends usage in any case.
	noStreamOptions bool

	drop   []string    // parameters that make the vendor refuse a request
	rename [][2]string // parameters that it calls otherwise

	// Repair: answers to chat requests deviate from the format in ways that break clients.
	Repair bool

	// AddReasoning: completion_tokens leaves reasoning tokens out.
	AddReasoning bool

	// KeepReasoning leaves the member "reasoning" under its name, because clients send it back beside
	// reasoning_details; otherwise a repaired answer has it as reasoning_content.
	KeepReasoning bool
}

const (
	servesChat        = 1 << abi.EndpointChat
	servesEmbeddings  = 1 << abi.EndpointEmbeddings
	servesCompletions = 1 << abi.EndpointCompletions
	everything        = servesChat | servesEmbeddings | servesCompletions
)

// vendors is looked up by name; the first one is the default. As of August 2026, from the vendors' API references.
var vendors = [...]Vendor{
	{Name: "openai", prefix: "/v1", serves: everything},
	{Name: "azure", prefix: "/openai", serves: everything},
	{
		Name: "groq", prefix: "/v1", serves: servesChat,
		drop: []string{"logprobs", "top_logprobs", "logit_bias"},
	},
	{Name: "deepseek", prefix: "/v1", serves: servesChat, maxTokens: "max_tokens", Repair: true},
	{Name: "together", prefix: "/v1", serves: everything, maxTokens: "max_tokens", Repair: true},
	{Name: "fireworks", prefix: "/v1", serves: everything},
	{Name: "openrouter", prefix: "/v1", serves: everything, Repair: true, KeepReasoning: true},
	{Name: "xai", prefix: "/v1", serves: servesChat | servesCompletions, Repair: true, AddReasoning: true},
	{
		Name: "perplexity", prefix: "", serves: servesChat, maxTokens: "max_tokens", noStreamOptions: true,
		Repair: true,
	},
	{
		Name: "mistral", prefix: "/v1", serves: servesChat | servesEmbeddings, maxTokens: "max_tokens", noStreamOptions: true,
		drop: []string{
			"logprobs", "top_logprobs", "logit_bias", "user", "safety_identifier", "store", "service_tier", "modalities",
			"audio", "verbosity", "web_search_options", "prompt_cache_retention", "functions", "function_call",
		},
		rename: [][2]string{{"seed", "random_seed"}},
		Repair: true,
	},
	{Name: "vllm", prefix: "/v1", serves: everything, Repair: true},
	{Name: "sglang", prefix: "/v1", serves: everything, Repair: true},
	{Name: "tgi", prefix: "/v1", serves: servesChat | servesCompletions, maxTokens: "max_tokens", Repair: true},
	{Name: "llamacpp", prefix: "/v1", serves: everything, maxTokens: "max_tokens", Repair: true},
	{Name: "lmstudio", prefix: "/v1", serves: everything, maxTokens: "max_tokens", Repair: true},
	{Name: "ollama", prefix: "/v1", serves: everything, maxTokens: "max_tokens", Repair: true},
	{Name: "generic", prefix: "/v1", serves: everything, Repair: true},
}

// Named returns the vendor of a name, nil if there is none.
func Named(name string) *Vendor {
	for i := range vendors {
		if vendors[i].Name == name {
			return &vendors[i]
		}
	}
	return nil
}

func names() string {
	list := ""
	for i := range vendors {
		if i > 0 {
			list += ", "
		}
		list += vendors[i].Name
	}
	return list
}

// Has reports whether the vendor has an endpoint.
func (v *Vendor) Has(e abi.Endpoint) bool { return e < 8 && v.serves>>e&1 != 0 }
