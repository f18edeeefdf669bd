package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"
)

// maxInterim is how many interim answers (1xx) may come before the final one.
const maxInterim = 5

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// readHead reads up to the end of the headers and prepares the body. Interim answers are skipped.
func (x *exchange) readHead(toHead bool) (*Response, error) {
	buf := getBuffer()
	from, total := 0, 0 // where the head begins, and what went before it
	for interim := 0; ; {
		end, err := x.fill(&buf, from, total)
		if err != nil {
			putBuffer(buf)
			return nil, err
		}
		resp := &x.resp
		keep, err := parseHead(resp, buf[from:end])
		if err != nil {
			putBuffer(buf)
			return nil, err
		}
		if resp.Status < 200 && resp.Status != http.StatusSwitchingProtocols {
			if interim++; interim > maxInterim {
				putBuffer(buf)
				return nil, malformed("more than %d interim answers", maxInterim)
			}
			total += end - from
			from = end
			continue
		}
		x.buf, x.rest, x.keep = buf, buf[end:], keep
		if err := x.frame(resp, toHead); err != nil {
			return nil, err
		}
		resp.Body = x
		return resp, nil
	}
}

// fill reads until the buffer has a whole head that begins at from, and returns its end.
func (x *exchange) fill(buf *[]byte, from, total int) (end int, err error) {
	b, seen := *buf, from
	defer func() { *buf = b }()
	limit := x.conn.host.o.MaxHead
	for {
		end = headEnd(b, from, seen)
		reach := end
		if end == 0 {
			reach = len(b)
		}
		if limit > 0 && total+reach-from > limit {
			return 0, malformed("headers of more than %d bytes", limit)
		}
		if end > 0 {
			return end, nil
		}
		seen = len(b)
		if len(b) == cap(b) {
			grown := append(make([]byte, 0, 2*cap(b)), b...)
			putBuffer(b)
			b = grown
		}
		n, err := x.conn.stream.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if n > 0 {
			continue
		}
		if errors.Is(err, io.EOF) && len(b)+total > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
}

// headEnd finds the empty line after which the body begins. Bytes before seen were searched.
func headEnd(b []byte, from, seen int) int {
	for i := max(from, seen-3); ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n + 1
		switch {
		case i < len(b) && b[i] == '\n':
			return i + 1
		case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
			return i + 2
		}
	}
}

// parseHead reads a status line and headers, with the empty line at their end. keep reports whether the host leaves the
// connection open after the body. A line may end in LF alone, as RFC 9112 allows.
func parseHead(resp *Response, head []byte) (keep bool, err error) {
	text := string(head) // one copy, which all values share
	line, text := cutLine(text)
	minor, status, ok := parseStatus(line)
	if !ok {
		return false, malformed("the status line")
	}
	lines := strings.Count(text, "\n") - 1
	values := make([]string, 0, max(lines, 0))
	h := make(http.Header, max(lines, 0))
	*resp = Response{Status: status, Header: h, Length: -1}
	keep = minor == 1
	for {
		line, text = cutLine(text)
		if line == "" {
			break
		}
		name, value, ok := parseField(line)
		if !ok {
			return false, malformed("a header line")
		}
		values = append(values, value)
		n := len(values)
		if old, ok := h[name]; ok {
			h[name] = append(old, value)
		} else {
			h[name] = values[n-1 : n : n]
		}
	}
	if minor == 0 && h["Transfer-Encoding"] != nil {
		return false, malformed("a transfer encoding under HTTP/1.0")
	}
	for _, v := range h["Connection"] {
		for option := range strings.SplitSeq(v, ",") {
			switch option = strings.Trim(option, " \t"); {
			case strings.EqualFold(option, "close"):
				return false, nil
			case strings.EqualFold(option, "keep-alive") && minor == 0:
				keep = true
			}
		}
	}
	return keep, nil
}

// cutLine takes the first line off, and its end.
func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// parseStatus reads "HTTP/1.1 200 OK", where the words at the end may be missing.
func parseStatus(line string) (minor, status int, ok bool) {
	const version = "HTTP/1."
	if len(line) < len("HTTP/1.1 200") || line[:len(version)] != version || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return 0, 0, false
	}
	switch line[7] {
	case '0':
	case '1':
		minor = 1
	default:
		return 0, 0, false
	}
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		status = status*10 + int(c-'0')
	}
	return minor, status, status >= 100 && clean(line[12:], ' ')
}

// parseField reads one header. A line that continues the one before begins with a blank and is refused like any other
// that does not begin with a name.
func parseField(line string) (name, value string, ok bool) {
	colon := strings.IndexByte(line, ':')
	if colon <= 0 {
		return "", "", false
	}
	canonical, first := true, true // in a word between dashes
	for i := range colon {
		c := line[i]
		if !token[c] {
			return "", "", false
		}
		canonical = canonical && (c|0x20 < 'a' || c|0x20 > 'z' || first == (c < 'a'))
		first = c == '-'
	}
	name = line[:colon]
	if !canonical {
		name = textproto.CanonicalMIMEHeaderKey(name)
	}
	value = strings.Trim(line[colon+1:], " \t")
	return name, value, clean(value, ' ')
}

// token has the bytes of a header's name (RFC 9110, section 5.6.2).
var token = func() (set [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		set[c] = true
	}
	return set
}()
