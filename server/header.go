package server

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// Request headers for what a client's SDK may not let into the body. The body wins.
const (
	headerRetries       = "X-Switchyard-Num-Retries"
	headerTimeout       = "X-Switchyard-Timeout"
	headerStreamTimeout = "X-Switchyard-Stream-Timeout"
	headerSession       = "X-Switchyard-Session"
	headerTags          = "X-Switchyard-Tags"
	headerTenant        = "X-Switchyard-Tenant"
)

// maxRetries is the most that a client may ask for, in the header as in the body.
const maxRetries = 100

// readHeaders completes a request with the routing headers.
func readHeaders(req *gateway.Request, h http.Header) error {
	if v := h.Get(headerRetries); v != "" && req.NumRetries == nil {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > maxRetries {
			return gateway.InvalidRequest("invalid_value", strings.ToLower(headerRetries),
				"The header %s must be an integer from 0 to %d, not %q.", strings.ToLower(headerRetries), maxRetries, gateway.Clip(v))
		}
		req.NumRetries = &n
	}
	if v := h.Get(headerTimeout); v != "" && req.Timeout == 0 {
		d, e := gateway.ParseTimeout(strings.ToLower(headerTimeout), v)
		if e != nil {
			return e
		}
		req.Timeout = d
	}
	if v := h.Get(headerStreamTimeout); v != "" && req.StreamTimeout == nil {
		d, e := gateway.ParseTimeout(strings.ToLower(headerStreamTimeout), v)
		if e != nil {
			return e
		}
		req.StreamTimeout = &d
	}
	if req.Session == "" {
		req.Session = h.Get(headerSession)
	}
	if len(req.Tags) == 0 {
		for _, line := range h.Values(headerTags) {
			for tag := range strings.SplitSeq(line, ",") {
				if tag = strings.TrimSpace(tag); tag == "" {
					continue
				}
				if e := req.AddTag(strings.ToLower(headerTags), tag); e != nil {
					return e
				}
			}
		}
	}
	if len(req.Tags) == 0 && req.Tenant != nil {
		req.Tags = req.Tenant.Tags
	}
	return nil
}

// describe puts what became of a request into the answer's headers. The cost of a stream is not
// among them: it is not known yet.
func describe(h http.Header, p *gateway.Report) {
	values := make([]string, 0, 10) // one allocation for all
	set := func(name, value string) {
		values = append(values, value)
		n := len(values)
		h[name] = values[n-1 : n : n]
	}
	if len(p.Attempts) > 0 {
		set("X-Switchyard-Deployment", headerValue(p.Deployment))
		set("X-Switchyard-Provider", headerValue(p.Provider))
		if p.Strategy != "" {
			set("X-Switchyard-Strategy", headerValue(p.Strategy))
		}
		set("X-Switchyard-Attempt-List", headerValue(p.AttemptList()))
	}
	if p.Policy != "" {
		set("X-Switchyard-Policy", headerValue(p.Policy))
	}
	set("X-Switchyard-Attempts", strconv.Itoa(len(p.Attempts)))
	set("X-Switchyard-Fallbacks", strconv.Itoa(p.Fallbacks))
	set("X-Switchyard-Overhead-Us", strconv.FormatInt(p.Overhead.Microseconds(), 10))
	if !math.IsNaN(p.Cost) {
		set("X-Switchyard-Cost-Usd", strconv.FormatFloat(math.Round(p.Cost*1e10)/1e10, 'f', -1, 64))
	}
	if len(p.Dropped) > 0 {
		set("X-Switchyard-Dropped-Params", headerValue(strings.Join(p.Dropped, ",")))
	}
	describeLimits(set, p)
}

// maxHeaderValue keeps the headers below what proxies commonly take.
const maxHeaderValue = 2 << 10

// headerValue makes any text fit for a header: bytes other than visible ASCII and blanks are
// percent-encoded, and what is too long is cut and ends in three dots.
func headerValue(s string) string {
	clean := len(s) <= maxHeaderValue
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= ' ' && s[i] <= '~'
	}
	if clean {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if b.Len() > maxHeaderValue-6 {
			b.WriteString("...")
			break
		}
		if c := s[i]; c >= ' ' && c <= '~' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
