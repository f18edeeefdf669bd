package refusal

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// maxErrorText is how much of a vendor's text an error message carries.
const maxErrorText = 1 << 10

// FromStatus makes of a vendor's error status the refusal that clients see for it, whichever vendor it is.
// Message is the vendor's, which is masked and cut here; vendors' tables refine the result by their own error
// types. A status below 400 gives BadResponse.
func FromStatus(status int, message string, retryAfterMS uint32) *abi.Refusal {
	message = Mask(message)
	if message == "" {
		message = "the provider answered with status " + strconv.Itoa(status)
	}
	var ref *abi.Refusal
	switch {
	case status < 400:
		return BadResponse(message)
	case status == 401, status == 403:
		return UpstreamAuth(message)
	case status == 402:
		return Quota(message)
	case status == 404:
		return ModelNotFound(message)
	case status == 408:
		ref = UpstreamTimeout(message)
	case status == 409, status == 425:
		ref = UpstreamError(status, message)
	case status == 424:
		ref = UpstreamError(502, message)
	case status == 429:
		return RateLimit(message, retryAfterMS)
	case status == 503, status == 529:
		return Overloaded(message, retryAfterMS)
	case status == 504:
		ref = UpstreamTimeout(message)
	case status == 500, status == 502:
		ref = UpstreamError(status, message)
	case status > 500:
		ref = UpstreamError(502, message)
	default:
		ref = Invalid("", message)
		ref.Status = status
	}
	ref.RetryAfterMS = retryAfterMS
	return ref
}

// FromText is FromStatus for an error whose body is not what the vendor documents: plain text, or a page of
// HTML, which some proxy on the way wrote. It gives BadResponse for a status below 400, and for a page with a
// status that would blame the request.
func FromText(status int, body []byte, retryAfterMS uint32) *abi.Refusal {
	text := plainText(body)
	blames := status < 500 && status != 401 && status != 403 && status != 408 && status != 429
	if status < 400 || blames && isHTML(body) {
		message := "the provider's answer can't be read"
		if text != "" {
			message += ": " + Mask(text)
		}
		return BadResponse(message)
	}
	return FromStatus(status, text, retryAfterMS)
}

// plainText returns the beginning of body as one line of valid UTF-8 without HTML tags.
func plainText(body []byte) string {
	out := make([]byte, 0, min(len(body), maxErrorText))
	tag, space := false, false
	html := isHTML(body)
	for _, c := range body {
		if len(out) >= maxErrorText {
			break
		}
		switch {
		case html && c == '<':
			tag, space = true, true
		case tag:
			tag = c != '>'
		case c <= ' ' || c == 0x7f:
			space = true
		default:
			if space && len(out) > 0 {
				out = append(out, ' ')
			}
			space = false
			out = append(out, c)
		}
	}
	return string(bytes.ToValidUTF8(out, []byte("\uFFFD")))
}

func isHTML(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// Mask returns text, cut to 1 KiB, with everything that looks like a credential replaced: vendors
// echo parts of the key that they refuse.
func Mask(text string) string {
	if len(text) > maxErrorText {
		text = string(bytes.ToValidUTF8([]byte(text[:maxErrorText]), nil))
	}
	var out []byte
	copied := 0
	afterScheme := false
	for i := 0; i < len(text); {
		if !isTokenByte(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && isTokenByte(text[i]) {
			i++
		}
		token := text[start:i]
		if looksSecret(token) || afterScheme && len(token) >= 8 {
			out = append(append(out, text[copied:start]...), "***"...)
			copied = i
		}
		afterScheme = strings.EqualFold(token, "bearer") || strings.EqualFold(token, "basic")
	}
	if copied == 0 {
		return text
	}
	return string(append(out, text[copied:]...))
}

func isAlnum(c byte) bool { return c-'0' <= 9 || (c|0x20)-'a' <= 'z'-'a' }

func isTokenByte(c byte) bool {
	return isAlnum(c) || c == '-' || c == '_' || c == '*' || c == '.' || c == '+' || c == '/' || c == '='
}

var secretPrefixes = [...]string{"sk-", "sk_", "pk-", "rk-", "key-", "gsk_", "xai-", "hf_", "nvapi-", "AIza", "AKIA", "ASIA", "ya29.", "eyJ"}

// looksSecret knows the vendors' prefixes, and takes any unbroken run of 32 letters and digits for a key: names
// of models and ids of requests are shorter or hyphenated.
func looksSecret(token string) bool {
	for _, p := range secretPrefixes {
		if len(token) >= len(p)+4 && token[:len(p)] == p {
			return true
		}
	}
	run, digits, letters := 0, false, false
	for i := range len(token) {
		c := token[i]
		if !isAlnum(c) {
			run, digits, letters = 0, false, false
			continue
		}
		run++
		digits = digits || c <= '9'
		letters = letters || c > '9'
		if run >= 32 && digits && letters {
			return true
		}
	}
	return false
}

// RetryAfter reads retry-after-ms (milliseconds) or retry-after (seconds or an HTTP date, counted from now in
// Unix seconds) from an answer's headers, and gives milliseconds; 0 when neither can be read.
func RetryAfter(headers abi.Pairs, now uint64) uint32 {
	if ms, ok := decimal(headers.Get("retry-after-ms")); ok {
		return clampMS(ms)
	}
	v := bytes.TrimSpace(headers.Get("retry-after"))
	if seconds, ok := decimal(v); ok {
		return clampMS(seconds * 1000)
	}
	if at, ok := httpDate(v); ok && at > int64(now) {
		return clampMS(float64(at-int64(now)) * 1000)
	}
	return 0
}

func decimal(b []byte) (float64, bool) {
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(b)), 64)
	return f, err == nil && f >= 0
}

func clampMS(ms float64) uint32 { return uint32(min(ms, 1<<31)) }

// httpDate reads "Sun, 06 Nov 1994 08:49:37 GMT" as Unix seconds.
func httpDate(b []byte) (int64, bool) {
	if len(b) != 29 || string(b[25:]) != " GMT" {
		return 0, false
	}
	month := bytes.Index([]byte("JanFebMarAprMayJunJulAugSepOctNovDec"), b[8:11])
	if month < 0 || month%3 != 0 {
		return 0, false
	}
	var n [5]int64 // day, year, hour, minute, second
	for i, span := range [...][2]int{{5, 7}, {12, 16}, {17, 19}, {20, 22}, {23, 25}} {
		v, err := strconv.ParseUint(string(b[span[0]:span[1]]), 10, 32)
		if err != nil {
			return 0, false
		}
		n[i] = int64(v)
	}
	// Days since 1970-01-01 of a proleptic Gregorian date; years are taken to start in March.
	y, m := n[1], int64(month/3+1)
	if m <= 2 {
		y--
		m += 12
	}
	days := 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + n[0] - 1 - 719468
	return days*86400 + n[2]*3600 + n[3]*60 + n[4], true
}
