package gateway

import (
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// What the gateway itself reads of the OpenAI dialect when an answer passes through untouched:
// whether it is one, its usage, and where a stream commits and ends.

// plainAnswer reports whether an unstreamed body is an answer that may be forwarded as it is,
// and its usage. Anything odd is left to the adapter.
func plainAnswer(body []byte) (usage abi.Usage, ok bool) {
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

// eventFacts is what one stream event of the OpenAI dialect means to the request's life.
type eventFacts struct {
	failed   bool // an error event
	usage    abi.Usage
	choice   bool   // it has a choice at all
	content  bool   // has content, a tool call, or a finish reason of any choice
	speaking uint64 // choices that have no finish reason here, as a set of indexes
	finished uint64 // choices that have
}

func readEvent(v jsonraw.Value) (f eventFacts) {
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "error":
			f.failed = !m.Value.Absent()
		case "usage":
			f.usage = readUsage(m.Value)
		case "choices":
			for e := m.Value.Elements(); e.Next(); {
				f.choice = true
				f.read(e.Value)
			}
		}
	}
	return f
}

// read adds what one choice says.
func (f *eventFacts) read(choice jsonraw.Value) {
	var index uint64
	finish := false
	for m := choice.Members(); m.Next(); {
		switch string(m.Name()) {
		case "index":
			index = count(m.Value)
		case "finish_reason":
			finish = m.Value.Kind() == jsonraw.String && len(m.Value) > len(`""`)
		case "text":
			f.content = f.content || m.Value.Kind() == jsonraw.String && len(m.Value) > len(`""`)
		case "delta":
			for d := m.Value.Members(); d.Next(); {
				if string(d.Name()) == "role" {
					continue
				}
				switch d.Value.Kind() {
				case jsonraw.String, jsonraw.Array, jsonraw.Object:
					f.content = f.content || len(d.Value) > len(`""`)
				}
			}
		}
	}
	if finish {
		f.content = true
		f.finished |= 1 << min(index, 63)
	} else {
		f.speaking |= 1 << min(index, 63)
	}
}

func orNaN(d time.Duration) float64 {
	if d == 0 {
		return math.NaN()
	}
	return milliseconds(d)
}
