package hosttest

import "github.com/switchyard-gateway/switchyard/sdk/abi"

// Samples in the OpenAI dialect. For an adapter of another vendor they are noise of a plausible shape.
const (
	chat = `{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"What is on the \"picture\"?"},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c1",` +
		`"type":"function","function":{"name":"look","arguments":"{\"at\":1}"}}]},{"role":"tool","tool_call_id":"c1","content":"a cat"}],` +
		`"tools":[{"type":"function","function":{"name":"look","description":"looks","parameters":{"type":"object","properties":{"at":{"type":"integer"}}}}}],` +
		`"tool_choice":"auto","temperature":0.2,"max_tokens":256,"stop":["END"],"stream":true,"stream_options":{"include_usage":true}}`
	completion = `{"id":"x","object":"chat.completion","created":1780000000,"model":"m","choices":[{"index":0,"message":{"role":"assistant",` +
		`"content":"A cat."},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}}`
	chunk   = `{"id":"x","object":"chat.completion.chunk","created":1780000000,"model":"m","choices":[{"index":0,"delta":{"content":"A"},"finish_reason":null}]}`
	failure = `{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}`
)

func requestInput(body string) *abi.RequestInput {
	return &abi.RequestInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Now: 1_780_000_000, Seed: 7,
		Model: []byte("vendor-model"), RequestID: []byte("req-1"), Body: []byte(body),
	}
}

func responseInput(status int, body string) *abi.ResponseInput {
	return &abi.ResponseInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: status, Now: 1_780_000_000, Seed: 7,
		Model: []byte("vendor-model"), RequestID: []byte("req-1"), Body: []byte(body),
		Headers: abi.Pairs(nil).Append("content-type", "application/json").Append("retry-after", "2"),
	}
}

func streamInput(end abi.End, events ...string) *abi.StreamInput {
	in := &abi.StreamInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream | abi.FlagIncludeUsage, End: end,
		Now: 1_780_000_000, Model: []byte("vendor-model"), RequestID: []byte("req-1"), Count: uint32(len(events)),
	}
	for _, e := range events {
		in.Events = in.Events.Append(nil, []byte(e))
	}
	return in
}

// dialect finds a dialect by the name that describe gives it.
func dialect(name string) abi.Dialect {
	for d := abi.DialectOpenAI; d <= abi.DialectResponses; d++ {
		if d.String() == name {
			return d
		}
	}
	return abi.DialectNone
}

// endpoint finds an endpoint by the name that describe gives it.
func endpoint(name string) abi.Endpoint {
	for e := abi.EndpointChat; e <= abi.EndpointCompletions; e++ {
		if e.String() == name {
			return e
		}
	}
	return abi.EndpointNone
}
