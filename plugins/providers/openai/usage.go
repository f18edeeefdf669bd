package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// readUsage reads a usage object. Present stays false if it counts nothing.
func (p *plugin) readUsage(v jsonraw.Value) (u abi.Usage) {
	var total, hit uint64
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "prompt_tokens":
			u.Prompt, u.Present = count(m.Value), true
		case "completion_tokens":
			u.Completion, u.Present = count(m.Value), true
		case "total_tokens":
			total = count(m.Value)
		case "prompt_tokens_details":
			for d := m.Value.Members(); d.Next(); {
				switch string(d.Name()) {
				case "cached_tokens":
					u.Cached = count(d.Value)
				case "cache_write_tokens":
					u.CacheWrite = count(d.Value)
				}
			}
		case "completion_tokens_details":
			for d := m.Value.Members(); d.Next(); {
				if d.Is("reasoning_tokens") {
					u.Reasoning = count(d.Value)
				}
			}
		case "prompt_cache_hit_tokens":
			hit = count(m.Value)
		}
	}
	if u.Cached == 0 {
		u.Cached = hit
	}
	if p.Vendor.AddReasoning && total == u.Prompt+u.Completion+u.Reasoning {
		u.Completion += u.Reasoning
	}
	return u
}

// count reads a number of tokens; what is none counts as 0.
func count(v jsonraw.Value) uint64 {
	if n, ok := v.Int(); ok && n > 0 {
		return uint64(n)
	}
	return 0
}

// writeUsage writes the vendor's usage object, with completion_tokens as u has them.
func writeUsage(w *jsonraw.Writer, v jsonraw.Value, u *abi.Usage) {
	w.Object()
	for m := v.Members(); m.Next(); {
		w.RawKey(m.Key)
		if m.Is("completion_tokens") {
			w.Int(int64(u.Completion))
		} else {
			w.Raw(m.Value)
		}
	}
	w.End()
}
