package refusal

import (
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestFromStatus(t *testing.T) {
	for _, tc := range []struct {
		status, want int
		typ, code    string
		class        abi.Class
		kind         abi.ErrorKind
	}{
		{200, 502, TypeServer, CodeBadResponse, abi.ClassRetry, abi.ErrorBadResponse},
		{400, 400, TypeInvalidRequest, CodeInvalidValue, abi.ClassFinal, abi.ErrorInvalidRequest},
		{401, 502, TypeServer, CodeUpstreamAuth, abi.ClassOther, abi.ErrorAuth},
		{402, 429, TypeQuota, CodeQuota, abi.ClassOther, abi.ErrorQuota},
		{403, 502, TypeServer, CodeUpstreamAuth, abi.ClassOther, abi.ErrorAuth},
		{404, 404, TypeInvalidRequest, CodeModelNotFound, abi.ClassOther, abi.ErrorNotFound},
		{408, 504, TypeServer, CodeUpstreamTimeout, abi.ClassRetry, abi.ErrorTimeout},
		{409, 409, TypeServer, CodeUpstreamError, abi.ClassRetry, abi.ErrorGeneral},
		{422, 422, TypeInvalidRequest, CodeInvalidValue, abi.ClassFinal, abi.ErrorInvalidRequest},
		{424, 502, TypeServer, CodeUpstreamError, abi.ClassRetry, abi.ErrorGeneral},
		{429, 429, TypeRateLimit, CodeRateLimit, abi.ClassRetry, abi.ErrorRateLimit},
		{500, 500, TypeServer, CodeUpstreamError, abi.ClassRetry, abi.ErrorGeneral},
		{503, 503, TypeServer, CodeOverloaded, abi.ClassRetry, abi.ErrorOverloaded},
		{504, 504, TypeServer, CodeUpstreamTimeout, abi.ClassRetry, abi.ErrorTimeout},
		{520, 502, TypeServer, CodeUpstreamError, abi.ClassRetry, abi.ErrorGeneral},
		{529, 503, TypeServer, CodeOverloaded, abi.ClassRetry, abi.ErrorOverloaded},
	} {
		got := FromStatus(tc.status, "m", 0)
		if got.Status != tc.want || got.Type != tc.typ || got.Code != tc.code || got.Class != tc.class || got.Kind != tc.kind {
			t.Errorf("FromStatus(%d) = %+v", tc.status, got)
		}
	}
	if ref := FromStatus(500, "", 0); !strings.Contains(ref.Message, "500") {
		t.Errorf("without a text: %q", ref.Message)
	}
}

func TestFromText(t *testing.T) {
	const page = "\n<html><head><title>502</title></head>\n<body>Bad  <b>gateway</b></body></html>"
	for _, tc := range []struct {
		status  int
		body    string
		code    string
		message string
	}{
		{503, "Service\r\nUnavailable", CodeOverloaded, "Service Unavailable"},
		{502, page, CodeUpstreamError, "502 Bad gateway"},
		{404, page, CodeBadResponse, "the provider's answer can't be read: 502 Bad gateway"},
		{429, page, CodeRateLimit, "502 Bad gateway"},
		{200, "{", CodeBadResponse, "the provider's answer can't be read: {"},
		{200, "", CodeBadResponse, "the provider's answer can't be read"},
		{500, "\xff\x00a", CodeUpstreamError, "\uFFFD a"},
	} {
		if got := FromText(tc.status, []byte(tc.body), 0); got.Code != tc.code || got.Message != tc.message {
			t.Errorf("FromText(%d, %q) = %q, %q", tc.status, tc.body, got.Code, got.Message)
		}
	}
	if got := FromText(500, []byte(strings.Repeat("a ", 5000)), 0); len(got.Message) > maxErrorText {
		t.Errorf("the message has %d bytes", len(got.Message))
	}
}

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"invalid x-api-key": "invalid x-api-key",
		"Incorrect API key provided: sk-proj-ab**********yz.": "Incorrect API key provided: ***",
		"bad Bearer abcdefghij, sorry":                        "bad Bearer ***, sorry",
		"the basic idea":                                      "the basic idea",
		"key 0123456789abcdef0123456789abcdef end":            "key *** end",
		"model: anthropic.claude-3-5-sonnet-20241022-v2:0":    "model: anthropic.claude-3-5-sonnet-20241022-v2:0",
		"request req_011CSHoEeqs5C35K2UUqR7Fy":                "request req_011CSHoEeqs5C35K2UUqR7Fy",
		"AIzaSyA-1234567 was refused":                         "*** was refused",
	} {
		if got := Mask(text); got != want {
			t.Errorf("Mask(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 2, 28, 23, 59, 50, 0, time.UTC)
	for _, tc := range []struct {
		name, value string
		want        uint32
	}{
		{"Retry-After", "3", 3000},
		{"retry-after", "0.5", 500},
		{"Retry-After-Ms", "1500", 1500},
		{"retry-after", now.Add(15 * time.Second).Format("Mon, 02 Jan 2006 15:04:05 GMT"), 15000},
		{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{"retry-after", "Sun, 06 Xxx 2094 08:49:37 GMT", 0},
		{"retry-after", "soon", 0},
		{"retry-after", "-1", 0},
		{"retry-after", "1e300", 1 << 31},
		{"x-other", "3", 0},
	} {
		if got := RetryAfter(abi.Pairs(nil).Append(tc.name, tc.value), uint64(now.Unix())); got != tc.want {
			t.Errorf("RetryAfter(%s: %s) = %d, want %d", tc.name, tc.value, got, tc.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("Bearer sk-abcdefgh <b>"), "Sun, 06 Nov 1994 08:49:37 GMT")
	f.Fuzz(func(t *testing.T, body []byte, date string) {
		ref := FromText(500, body, 0)
		if ref.Message == "" || len(ref.Message) > 2*maxErrorText {
			t.Errorf("message of %d bytes", len(ref.Message))
		}
		if at, ok := httpDate([]byte(date)); ok {
			if want, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", date); err == nil && want.Unix() != at {
				t.Errorf("httpDate(%q) = %d, want %d", date, at, want.Unix())
			}
		}
	})
}
