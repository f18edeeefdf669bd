// Package workload is what the benchmarks of jsonraw measure, natively and in a WASM guest: the work of an
// adapter on one chat request and on one stream event.
package workload

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw"

// doc is kept from one call to the next, as an adapter does.
var doc jsonraw.Outline

// Request translates a chat request in the OpenAI dialect into one with a separate system text, typed content
// blocks and tool arguments as objects, and appends it to dst. It checks body first.
func Request(dst, body []byte) ([]byte, error) {
	if err := doc.Read(body); err != nil {
		return dst, err
	}
	var messages, tools jsonraw.Node
	var model, maxTokens, temperature, topP, stop, stream jsonraw.Value
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		n := key + 1
		switch string(doc.Name(key)) {
		case "model":
			model = doc.Value(n)
		case "messages":
			messages = n
		case "tools":
			tools = n
		case "max_tokens", "max_completion_tokens":
			maxTokens = doc.Value(n)
		case "temperature":
			temperature = doc.Value(n)
		case "top_p":
			topP = doc.Value(n)
		case "stop":
			stop = doc.Value(n)
		case "stream":
			stream = doc.Value(n)
		}
	}
	w := jsonraw.Writer{Buf: dst}
	w.Object()
	w.Member("model", model)
	w.Key("messages")
	w.Array()
	var texts [8]jsonraw.Value
	system := texts[:0]
	var err error
	for e, end := doc.Elements(messages); e < end; e = doc.After(e) {
		if system, err = message(&w, e, system); err != nil {
			return dst, err
		}
	}
	w.End()
	if len(system) > 0 {
		w.Key("system")
		w.Joined("\n", system...)
	}
	if tools != 0 && !doc.Absent(tools) {
		w.Key("tools")
		w.Array()
		for e, end := doc.Elements(tools); e < end; e = doc.After(e) {
			for key, end := doc.Members(e); key < end; key = doc.After(key + 1) {
				if string(doc.Name(key)) == "function" {
					tool(&w, key+1)
				}
			}
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
func message(w *jsonraw.Writer, v jsonraw.Node, system []jsonraw.Value) ([]jsonraw.Value, error) {
	var role, content, calls, callID jsonraw.Node
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch string(doc.Name(key)) {
		case "role":
			role = key + 1
		case "content":
			content = key + 1
		case "tool_calls":
			calls = key + 1
		case "tool_call_id":
			callID = key + 1
		}
	}
	switch string(doc.Inner(role)) {
	case "system":
		return append(system, doc.Value(content)), nil
	case "tool":
		w.Object()
		w.Literal(`"role":"user","content":[{"type":"tool_result"`)
		w.Member("tool_use_id", doc.Value(callID))
		w.Member("content", doc.Value(content))
		w.End()
		w.Buf = append(w.Buf, `]}`...)
		return system, nil
	}
	w.Object()
	w.Key("role")
	w.Raw(doc.Value(role))
	w.Key("content")
	w.Array()
	if doc.Kind(content) == jsonraw.String {
		w.Raw(jsonraw.Value(`{"type":"text","text":`))
		w.Buf = append(append(w.Buf, doc.Value(content)...), '}')
	}
	for e, end := doc.Elements(content); e < end; e = doc.After(e) {
		w.Raw(doc.Value(e))
	}
	if calls != 0 {
		for e, end := doc.Elements(calls); e < end; e = doc.After(e) {
			if err := call(w, e); err != nil {
				return system, err
			}
		}
	}
	w.End()
	w.End()
	return system, nil
}

func call(w *jsonraw.Writer, v jsonraw.Node) error {
	var id, name, arguments jsonraw.Value
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch string(doc.Name(key)) {
		case "id":
			id = doc.Value(key + 1)
		case "function":
			for f, end := doc.Members(key + 1); f < end; f = doc.After(f + 1) {
				switch string(doc.Name(f)) {
				case "name":
					name = doc.Value(f + 1)
				case "arguments":
					arguments = doc.Value(f + 1)
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
		return err
	}
	w.End()
	return nil
}

func tool(w *jsonraw.Writer, function jsonraw.Node) {
	w.Object()
	for key, end := doc.Members(function); key < end; key = doc.After(key + 1) {
		if string(doc.Name(key)) == "parameters" {
			w.Member("input_schema", doc.Value(key+1))
		} else {
			w.RawKey(doc.Value(key))
			w.Raw(doc.Value(key + 1))
		}
	}
	w.End()
}

// Event translates one text delta of a stream into a chat completion chunk and appends it to dst. It checks
// event first.
func Event(dst, event []byte) ([]byte, error) {
	if err := doc.Read(event); err != nil {
		return dst, err
	}
	var kind, delta jsonraw.Node
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		switch string(doc.Name(key)) {
		case "type":
			kind = key + 1
		case "delta":
			delta = key + 1
		}
	}
	if string(doc.Inner(kind)) != "content_block_delta" {
		return dst, nil
	}
	var text jsonraw.Value
	for key, end := doc.Members(delta); key < end; key = doc.After(key + 1) {
		if string(doc.Name(key)) == "text" {
			text = doc.Value(key + 1)
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
