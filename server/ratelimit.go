package server

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// describeLimits says what is left of the caller's limits a minute, as the OpenAI API does: of the
// tenant's or of the key's, whichever is tighter, after this request's estimate was taken off. Reset
// is when all of the limit is there again, as "6m0s". What is not limited is not mentioned.
func describeLimits(set func(name, value string), p *gateway.Report) {
	if r := &p.Limits.Requests; r.Limit > 0 {
		set("X-Ratelimit-Limit-Requests", strconv.FormatInt(r.Limit, 10))
		set("X-Ratelimit-Remaining-Requests", strconv.FormatInt(r.Remaining, 10))
		set("X-Ratelimit-Reset-Requests", r.Reset.String())
	}
	if r := &p.Limits.Tokens; r.Limit > 0 {
		set("X-Ratelimit-Limit-Tokens", strconv.FormatInt(r.Limit, 10))
		set("X-Ratelimit-Remaining-Tokens", strconv.FormatInt(r.Remaining, 10))
		set("X-Ratelimit-Reset-Tokens", r.Reset.String())
	}
}
