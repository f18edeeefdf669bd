package gateway

import (
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/inspect"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Request is a client's request, decoded once: what routing needs to know stands beside the
// bytes, which stay as they came. Inspect makes one; the server fills in who asks.
type Request struct {
	ID string
	inspect.Facts

	Tenant     *Tenant // nil when the gateway is open
	TenantName string  // for strategies; of the tenant acted for, if any
	Key        *Key    // nil when the gateway is open
}

// Inspect decodes a body of the OpenAI dialect as far as routing needs it. The error is for the
// client.
func Inspect(endpoint abi.Endpoint, body []byte) (*Request, *Error) {
	r := &Request{}
	if m := r.Decode(endpoint, body); m != nil {
		return nil, mistaken(m)
	}
	return r, nil
}

// ParseTimeout reads a timeout as clients give it in a header: seconds, or a Go duration. name
// is for the error.
func ParseTimeout(name, value string) (time.Duration, *Error) {
	d, m := inspect.Timeout(name, value)
	if m != nil {
		return 0, mistaken(m)
	}
	return d, nil
}

// AddTag adds a tag that stands in a header. name is for the error.
func (q *Request) AddTag(name, tag string) *Error {
	q.Tags = append(q.Tags, tag)
	if m := inspect.Tags(name, q.Tags); m != nil {
		return mistaken(m)
	}
	return nil
}

func mistaken(m *inspect.Mistake) *Error { return InvalidRequest(m.Code, m.Param, "%s", m.Message) }

// flags are what an adapter hears of how the client wants its answer.
func (q *Request) flags() (f uint16) {
	if q.Stream {
		f |= abi.FlagStream
	}
	if q.IncludeUsage {
		f |= abi.FlagIncludeUsage
	}
	if q.StrictParams {
		f |= abi.FlagStrictParams
	}
	return f
}
