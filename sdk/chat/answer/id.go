package answer

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// AppendID appends the id of an answer whose vendor gave none, as a raw string made of the request's id.
func AppendID[T ~string | ~[]byte](dst []byte, requestID T) []byte {
	dst = append(dst, `"chatcmpl-`...)
	return append(jsonraw.AppendEscaped(dst, requestID), '"')
}

// AppendCallID appends the id of a tool call whose vendor gave none, as a raw string. It is made of the request's id
// and the call's place, so that it is the same on every delta and different in every answer.
func AppendCallID[T ~string | ~[]byte](dst []byte, requestID T, choice, call int) []byte {
	hash := uint64(14695981039346656037) // FNV-1a
	for i := range len(requestID) {
		hash = (hash ^ uint64(requestID[i])) * 1099511628211
	}
	dst = strconv.AppendUint(append(dst, `"call_`...), hash, 36)
	if choice > 0 {
		dst = strconv.AppendInt(append(dst, '_'), int64(choice), 10)
	}
	return append(strconv.AppendInt(append(dst, '_'), int64(call), 10), '"')
}
