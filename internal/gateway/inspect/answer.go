package inspect

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Answer reports whether an unstreamed body is an answer that may be forwarded as it is,
// and its usage. Anything odd is left to the adapter.
func Answer(body []byte) (usage abi.Usage, ok bool) {
	root, err := jsonraw.Parse(body)
	if err != nil || root.Kind() != jsonraw.Object {
		return usage, false
	}
	for m := root.Members(); m.Next(); {
		switch string(m.Name()) {
		case "error":
			if !m.Value.Absent() {
				return usage, false
			}
		case "choices", "data":
			ok = ok || m.Value.Kind() == jsonraw.Array
		case "usage":
			usage = readUsage(m.Value)
		}
	}
	return usage, ok
}

// readUsage reads a usage object of the OpenAI dialect.
func readUsage(v jsonraw.Value) (u abi.Usage) {
	if v.Kind() != jsonraw.Object {
		return u
	}
	u.Present = true
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "prompt_tokens":
			u.Prompt = count(m.Value)
		case "completion_tokens":
			u.Completion = count(m.Value)
		case "prompt_tokens_details":
			u.Cached = count(m.Value.Get("cached_tokens"))
			u.CacheWrite = count(m.Value.Get("cache_write_tokens"))
		case "completion_tokens_details":
			u.Reasoning = count(m.Value.Get("reasoning_tokens"))
		}
	}
	return u
}

func count(v jsonraw.Value) uint64 {
	n, ok := v.Int()
	if !ok || n < 0 {
		return 0
	}
	return uint64(n)
}

// Event is what one stream event of the OpenAI dialect means to the request's life.
type Event struct {
	Failed   bool // an error event
	Usage    abi.Usage
	Choice   bool   // it has a choice at all
	Content  bool   // has content, a tool call, or a finish reason of any choice
	Speaking uint64 // choices that have no finish reason here, as a set of indexes
	Finished uint64 // choices that have
}

// ReadEvent reads an event, which is an object.
func ReadEvent(v jsonraw.Value) (f Event) {
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "error":
			f.Failed = !m.Value.Absent()
		case "usage":
			f.Usage = readUsage(m.Value)
		case "choices":
			for e := m.Value.Elements(); e.Next(); {
				f.Choice = true
				f.read(e.Value)
			}
		}
	}
	return f
}

// read adds what one choice says.
func (f *Event) read(choice jsonraw.Value) {
	var index uint64
	finish := false
	for m := choice.Members(); m.Next(); {
		switch string(m.Name()) {
		case "index":
			index = count(m.Value)
		case "finish_reason":
			finish = m.Value.Kind() == jsonraw.String && len(m.Value) > len(`""`)
		case "text":
			f.Content = f.Content || m.Value.Kind() == jsonraw.String && len(m.Value) > len(`""`)
		case "delta":
			for d := m.Value.Members(); d.Next(); {
				if string(d.Name()) == "role" {
					continue
				}
				switch d.Value.Kind() {
				case jsonraw.String, jsonraw.Array, jsonraw.Object:
					f.Content = f.Content || len(d.Value) > len(`""`)
				}
			}
		}
	}
	if finish {
		f.Content = true
		f.Finished |= 1 << min(index, 63)
	} else {
		f.Speaking |= 1 << min(index, 63)
	}
}
