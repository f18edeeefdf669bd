// Package simulator plays model vendors on loopback, so that a router can be tried, tested and measured without accounts.
// It speaks the dialects of OpenAI, Anthropic and Ollama, takes its time as they do, and fails as they do, on demand.
//
//	sim := simulator.New(simulator.Options{Seed: 1})
//	err := sim.Serve(ctx, listener)
//
// # Addresses
//
// The first path segment names the vendor; what follows is the vendor's own path. A base URL therefore is
// http://127.0.0.1:9901/openai, /anthropic or /ollama.
//
//	/openai/v1/chat/completions  /openai/v1/completions  /openai/v1/embeddings  /openai/v1/models
//	/anthropic/v1/messages
//	/ollama/api/chat  /ollama/api/tags  /ollama/v1/… (the same paths as under /openai)
//
// An account is a profile. It is chosen by the segment (/openai@slow/v1/…), or by the header X-Sim-Profile, which wins; without
// either it is "default". A profile counts all requests that name it, whichever vendor they went to. Models are free to choose;
// names that begin with "missing-" are unknown to every vendor.
//
// # Profiles
//
// Built in: default, fast (no latency), burst (no latency, a stream in one write), slow, flaky, ratelimited, overloaded, down, badkey,
// hang, stall (hangs after five tokens), cut (after five tokens), badjson, html. POST /_sim/profiles/NAME sets one, unknown fields are
// refused (in Go: SetProfile, with the types of package profile):
//
//	{"latency":   {"median": "80ms", "sigma": 0.4, "max": "1s"},
//	 "per_token": {"min": "4ms", "max": "12ms"},
//	 "faults": [{"kind": "status", "status": 429, "retry_after": "2s", "first": 3},
//	            {"kind": "cut", "after_tokens": 10, "probability": 0.05}]}
//
//	latency     time to the first byte: {"fixed": D}, {"min": D, "max": D} for uniform, {"median": D, "sigma": S} for lognormal
//	            with min and max as bounds
//	per_token   time between two tokens, likewise; an unstreamed answer takes one draw times its tokens
//	tokens      natural length of an answer, 40 if absent
//	burst       send a stream in one write rather than flush each token
//	key         the only credential accepted; any if absent
//	faults      the first fault that hits a request is used
//
// A fault hits every request, or those that meet all of first (the first N requests), every (each Nth) and probability (a share,
// drawn from the seed). Its kinds:
//
//	status          the vendor's error for status 400 to 599; retry_after, written as retry_after_as says: seconds, date or ms.
//	                4xx other than 408 come at once, the rest after the latency
//	html            an HTML page, status 502 or as given
//	context_length  the vendor's error for a prompt that is too long
//	content_policy  the vendor's error for a prompt that it does not like
//	hang            no further byte until the client leaves
//	cut             the connection is closed without an end
//	bad_json        an event, or an unstreamed body, that is not JSON, under status 200
//	truncated_json  half an event or body, then a regular end
//	stream_error    an error event; unstreamed the vendor's status 500
//	slow            delay between tokens
//	empty           an answer without content
//
// In a stream hang, cut, bad_json, truncated_json and stream_error come after after_tokens tokens: 0 is before the first event (for
// hang and cut before the headers), more tokens than the answer has is just before its end. An unstreamed answer that is cut ends in
// the middle of the body, or before the headers if after_tokens is 0.
//
// # Answers
//
// The text depends on the seed, the model, the last user message and the tool results. It begins with a digest of these. It is as long
// as the profile says, or as "tokens:N" in the last user message says, and never longer than the request's token limit, which then is
// the finish reason. If that message has "marker:XYZ", every token begins with XYZ, and so do the strings in tool arguments: streams
// that were mixed up can be told apart.
// Stop sequences and JSON output are honoured, images counted.
//
// With tools, the model calls the one that tool_choice forces, or else each whose name the last user message has, with the smallest
// arguments that satisfy the schema. When the conversation ends with tool results, the answer is a text that quotes them, forced or not.
//
// Ids and times depend on the seed, the profile and the number of the request: the same requests in the same order get the same bytes.
// Token counts of prompts are estimates. Requests that a vendor refuses are refused in its words, or nearly; Anthropic's older rule that
// roles alternate is kept, because an adapter should not rely on the newer one.
//
// # Control
//
//	POST   /_sim/profiles/NAME  sets a profile; its request count starts at zero
//	GET    /_sim/requests       the last 256 requests, oldest first, without credentials
//	DELETE /_sim/requests       forgets them
//	GET    /_sim/stats          counters: received, in flight, completed, refused, faulted, cancelled by the client
package simulator
