package answer

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// AppendUsage appends the usage object. The details are there when they are not zero.
func AppendUsage(dst []byte, u *abi.Usage) []byte {
	dst = appendCount(dst, `{"prompt_tokens":`, u.Prompt)
	dst = appendCount(dst, `,"completion_tokens":`, u.Completion)
	dst = appendCount(dst, `,"total_tokens":`, u.Prompt+u.Completion)
	if u.Cached > 0 || u.CacheWrite > 0 {
		dst = appendCount(dst, `,"prompt_tokens_details":{"cached_tokens":`, u.Cached)
		if u.CacheWrite > 0 {
			dst = appendCount(dst, `,"cache_write_tokens":`, u.CacheWrite)
		}
		dst = append(dst, '}')
	}
	if u.Reasoning > 0 {
		dst = appendCount(dst, `,"completion_tokens_details":{"reasoning_tokens":`, u.Reasoning)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendCount is out of line because it is called in many places, and each would be as long.
//
//go:noinline
func appendCount(dst []byte, key string, n uint64) []byte {
	return jsonraw.AppendUint(append(dst, key...), n)
}
