package main

import "github.com/switchyard-gateway/switchyard/sdk/abi"

// vendor is what distinguishes one compatible API from OpenAI's own.
type vendor struct {
	name   string
	prefix string // goes before /chat/completions, behind the operator's base URL

	// serves has one bit (1 << endpoint) per endpoint that the vendor has.
	serves uint8

	// maxTokens is the only name of the token limit that the vendor knows; "" if it knows both.
	maxTokens string

	// noStreamOptions: the vendor refuses stream_options, and sends usage in any case.
	noStreamOptions bool

	drop   []string    // parameters that make the vendor refuse a request
	rename [][2]string // parameters that it calls otherwise

	// repair: answers to chat requests deviate from the format in ways that break clients (see message.go, stream.go).
	repair bool

	// addReasoning: completion_tokens leaves reasoning tokens out.
	addReasoning bool

	// keepReasoning leaves the member "reasoning" under its name, because clients send it back beside
	// reasoning_details; otherwise a repaired answer has it as reasoning_content.
	keepReasoning bool
}

const (
	servesChat        = 1 << abi.EndpointChat
	servesEmbeddings  = 1 << abi.EndpointEmbeddings
	servesCompletions = 1 << abi.EndpointCompletions
	everything        = servesChat | servesEmbeddings | servesCompletions
)

// vendors is looked up by name; the first one is the default. As of August 2026, from the vendors' API references.
var vendors = [...]vendor{
	{name: "openai", prefix: "/v1", serves: everything},
	{name: "azure", prefix: "/openai", serves: everything},
	{
		name: "groq", prefix: "/v1", serves: servesChat,
		drop: []string{"logprobs", "top_logprobs", "logit_bias"},
	},
	{name: "deepseek", prefix: "/v1", serves: servesChat, maxTokens: "max_tokens", repair: true},
	{name: "together", prefix: "/v1", serves: everything, maxTokens: "max_tokens", repair: true},
	{name: "fireworks", prefix: "/v1", serves: everything},
	{name: "openrouter", prefix: "/v1", serves: everything, repair: true, keepReasoning: true},
	{name: "xai", prefix: "/v1", serves: servesChat | servesCompletions, repair: true, addReasoning: true},
	{
		name: "perplexity", prefix: "", serves: servesChat, maxTokens: "max_tokens", noStreamOptions: true,
		repair: true,
	},
	{
		name: "mistral", prefix: "/v1", serves: servesChat | servesEmbeddings, maxTokens: "max_tokens", noStreamOptions: true,
		drop: []string{
			"logprobs", "top_logprobs", "logit_bias", "user", "safety_identifier", "store", "service_tier", "modalities",
			"audio", "verbosity", "web_search_options", "prompt_cache_retention", "functions", "function_call",
		},
		rename: [][2]string{{"seed", "random_seed"}},
		repair: true,
	},
	{name: "vllm", prefix: "/v1", serves: everything, repair: true},
	{name: "sglang", prefix: "/v1", serves: everything, repair: true},
	{name: "tgi", prefix: "/v1", serves: servesChat | servesCompletions, maxTokens: "max_tokens", repair: true},
	{name: "llamacpp", prefix: "/v1", serves: everything, maxTokens: "max_tokens", repair: true},
	{name: "lmstudio", prefix: "/v1", serves: everything, maxTokens: "max_tokens", repair: true},
	{name: "ollama", prefix: "/v1", serves: everything, maxTokens: "max_tokens", repair: true},
	{name: "generic", prefix: "/v1", serves: everything, repair: true},
}

func vendorNamed(name string) *vendor {
	for i := range vendors {
		if vendors[i].name == name {
			return &vendors[i]
		}
	}
	return nil
}

func vendorNames() string {
	names := ""
	for i := range vendors {
		if i > 0 {
			names += ", "
		}
		names += vendors[i].name
	}
	return names
}

func (v *vendor) has(e abi.Endpoint) bool { return e < 8 && v.serves>>e&1 != 0 }
