package answer

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// AppendUsage appends the usage object. The details are there when they are not zero.
func AppendUsage(dst []byte, u *abi.Usage) []byte {
	for _, c := range [...]struct {
		key string
		n   uint64
	}{{`{"prompt_tokens":`, u.Prompt}, {`,"completion_tokens":`, u.Completion}, {`,"total_tokens":`, u.Prompt + u.Completion}} {
		dst = appendCount(dst, c.key, c.n)
	}
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

func appendCount(dst []byte, key string, n uint64) []byte {
	return strconv.AppendUint(append(dst, key...), n, 10)
}
