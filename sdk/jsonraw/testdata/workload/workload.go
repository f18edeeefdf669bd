// Package workload is what the benchmarks of jsonraw measure, natively and in a WASM guest: the work of an
// adapter on one chat request and on one stream event.
package workload

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw"

// Request translates a chat request in the OpenAI dialect into one with a separate system text, typed content
// blocks and tool arguments as objects, and appends it to dst. It checks body first.
func Request(dst, body []byte) ([]byte, error) {
	root, err := jsonraw.Parse(body)
	if err != nil {
		return dst, err
	}
	var model, messages, tools, maxTokens, temperature, topP, stop, stream jsonraw.Value
	for m := root.Members(); m.Next(); {
		switch string(m.Name()) {
		case "model":
			model = m.Value
		case "messages":
			messages = m.Value
		case "tools":
			tools = m.Value
		case "max_tokens", "max_completion_tokens":
			maxTokens = m.Value
		case "temperature":
			temperature = m.Value
		case "top_p":
			topP = m.Value
		case "stop":
			stop = m.Value
		case "stream":
			stream = m.Value
		}
	}
	w := jsonraw.Writer{Buf: dst}
	w.Object()
	w.Member("model", model)
	w.Key("messages")
	w.Array()
	var texts [8]jsonraw.Value
	system := texts[:0]
	for e := messages.Elements(); e.Next(); {
		if system, err = message(&w, e.Value, system); err != nil {
			return dst, err
		}
	}
	w.End()
	if len(system) > 0 {
		w.Key("system")
		w.Joined("\n", system...)
	}
	if !tools.Absent() {
		w.Key("tools")
		w.Array()
		for e := tools.Elements(); e.Next(); {
			tool(&w, e.Value.Get("function"))
		}
		w.End()
	}
	if maxTokens.Absent() {
		w.Literal(`"max_tokens":4096`)
	} else {
		w.Member("max_tokens", maxTokens)
	}
	w.Member("temperature", temperature)
	w.Member("top_p", topP)
	w.Member("stop_sequences", stop)
	w.Member("stream", stream)
	w.End()
	return w.Buf, nil
}

// message writes one message, or appends the text of a system message to system.
func message(w *jsonraw.Writer, message jsonraw.Value, system []jsonraw.Value) ([]jsonraw.Value, error) {
	var role, content, calls, callID jsonraw.Value
	for m := message.Members(); m.Next(); {
		switch string(m.Name()) {
		case "role":
			role = m.Value
		case "content":
			content = m.Value
		case "tool_calls":
			calls = m.Value
		case "tool_call_id":
			callID = m.Value
		}
	}
	if role.TextIs("system") {
		return append(system, content), nil
	}
	w.Object()
	w.Key("role")
	if role.TextIs("tool") {
		w.String("user")
		w.Key("content")
		w.Array()
		w.Object()
		w.Literal(`"type":"tool_result"`)
		w.Member("tool_use_id", callID)
		w.Member("content", content)
		w.End()
		w.End()
		w.End()
		return system, nil
	}
	w.Raw(role)
	w.Key("content")
	w.Array()
	if content.Kind() == jsonraw.String {
		w.Object()
		w.Literal(`"type":"text"`)
		w.Member("text", content)
		w.End()
	}
	for e := content.Elements(); e.Next(); {
		w.Raw(e.Value)
	}
	for e := calls.Elements(); e.Next(); {
		var id, name, arguments jsonraw.Value
		for m := e.Value.Members(); m.Next(); {
			switch {
			case m.Is("id"):
				id = m.Value
			case m.Is("function"):
				for f := m.Value.Members(); f.Next(); {
					switch {
					case f.Is("name"):
						name = f.Value
					case f.Is("arguments"):
						arguments = f.Value
					}
				}
			}
		}
		w.Object()
		w.Literal(`"type":"tool_use"`)
		w.Member("id", id)
		w.Member("name", name)
		w.Key("input")
		if err := w.Unquoted(arguments); err != nil {
			return system, err
		}
		w.End()
	}
	w.End()
	w.End()
	return system, nil
}

func tool(w *jsonraw.Writer, function jsonraw.Value) {
	w.Object()
	for m := function.Members(); m.Next(); {
		if m.Is("parameters") {
			w.Member("input_schema", m.Value)
		} else {
			w.RawKey(m.Key)
			w.Raw(m.Value)
		}
	}
	w.End()
}

// Event translates one text delta of a stream into a chat completion chunk and appends it to dst. It checks
// event first.
func Event(dst, event []byte) ([]byte, error) {
	root, err := jsonraw.Parse(event)
	if err != nil {
		return dst, err
	}
	var kind, delta jsonraw.Value
	for m := root.Members(); m.Next(); {
		switch string(m.Name()) {
		case "type":
			kind = m.Value
		case "delta":
			delta = m.Value
		}
	}
	if !kind.TextIs("content_block_delta") {
		return dst, nil
	}
	var text jsonraw.Value
	for m := delta.Members(); m.Next(); {
		if m.Is("text") {
			text = m.Value
		}
	}
	dst = append(dst, chunkStart...)
	dst = append(dst, text...)
	return append(dst, chunkEnd...), nil
}

// What surrounds the text is the same for all chunks of a stream, so that an adapter makes it once.
const (
	chunkStart = `{"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1700000000,` +
		`"model":"example-large","choices":[{"index":0,"delta":{"content":`
	chunkEnd = `},"finish_reason":null}]}`
)

// ChunkUsage reads a chat completion chunk as a meter does: the text's length, the finish reason's presence and
// the token counts. It checks chunk first.
func ChunkUsage(chunk []byte) (tokens int64, textLen int, err error) {
	root, err := jsonraw.Parse(chunk)
	if err != nil {
		return 0, 0, err
	}
	for m := root.Members(); m.Next(); {
		switch string(m.Name()) {
		case "choices":
			textLen = len(m.Value.Get("0", "delta", "content").Inner())
		case "usage":
			tokens, _ = m.Value.Get("total_tokens").Int()
		}
	}
	return tokens, textLen, nil
}
