package http1

import (
	"bytes"
	"net/http"
	"net/url"
)

// request is what a handler gets, in one piece.
type request struct {
	http.Request
	url  url.URL
	body body
}

// Classes of bytes.
const (
	nameByte  = 1 << iota // of a header's name: a token
	valueByte             // of a header's value: visible, blank or tab
	pathByte              // of a path, in which url.Parse leaves it as it is
	queryByte
	hostByte
)

var class = classes()

func classes() (class [256]uint8) {
	for c := range 256 {
		b := byte(c)
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
			class[b] = nameByte | valueByte | pathByte | queryByte | hostByte
		case ' ' < b && b <= '~':
			class[b] = valueByte | queryByte
		case b == ' ', b == '\t':
			class[b] = valueByte
		}
	}
	class['#'] &^= queryByte
	for _, of := range []struct {
		bytes string
		class uint8
	}{{"!#$%&'*+-.^_`|~", nameByte}, {"/-._~:@", pathByte}, {".:-_[]", hostByte}} {
		for _, b := range []byte(of.bytes) {
			class[b] |= of.class
		}
	}
	return class
}

// all reports whether all bytes are of a class.
func all(s []byte, of uint8) bool {
	for _, b := range s {
		if class[b]&of == 0 {
			return false
		}
	}
	return true
}

// line is where a header's name and value are in the head.
type line struct{ name, colon, value, end uint16 }

// maxLines is how many headers a plain request may have.
const maxLines = 64

// head is a request's head, taken apart.
type head struct {
	method               string
	target, query, after int // where the target, its question mark and what follows the target begin
	lines                [maxLines]line
	n                    int
	host                 int // the line of this header
	values               int // headers but for Host
	length               int64
	connection, closing  bool // the header is there; it says close
}

const version = " HTTP/1.1\r\n"

var headEnd = []byte("\r\n\r\n")

// recognise takes the request at the start of the buffer, if its head is all there and plain. Names of headers are made
// canonical in the buffer itself, which is as good to net/http.
func (c *conn) recognise() *request {
	b := c.buf[c.start:c.end]
	end := bytes.Index(b, headEnd)
	if end < 0 {
		return nil
	}
	b = b[:end+len(headEnd)]
	var h head
	if !h.requestLine(b) || !h.headers(b) {
		return nil
	}
	c.start += len(b)
	return c.assemble(&h, string(b))
}

func (h *head) requestLine(b []byte) bool {
	switch {
	case bytes.HasPrefix(b, []byte("POST /")):
		h.method = http.MethodPost
	case bytes.HasPrefix(b, []byte("GET /")):
		h.method = http.MethodGet
	default:
		return false
	}
	h.target = len(h.method) + 1
	i := h.target + 1
	if b[i] == '/' { // as the start of an authority
		return false
	}
	for class[b[i]]&pathByte != 0 {
		i++
	}
	h.query = i
	if b[i] == '?' {
		i++
		for class[b[i]]&queryByte != 0 {
			i++
		}
		if i == h.query+1 { // that there is a question mark would have to be remembered
			return false
		}
	}
	h.after = i
	return bytes.HasPrefix(b[i:], []byte(version))
}

// headers finds the lines, and judges those that say how the connection goes on.
func (h *head) headers(b []byte) bool {
	h.host, h.length = -1, -1
	for i := h.after + len(version); i < len(b)-2; {
		if h.n == maxLines {
			return false
		}
		l := line{name: uint16(i)}
		i = canonical(b, i)
		if b[i] != ':' || i == int(l.name) {
			return false
		}
		l.colon = uint16(i)
		i++
		for b[i] == ' ' || b[i] == '\t' {
			i++
		}
		l.value = uint16(i)
		for class[b[i]]&valueByte != 0 {
			i++
		}
		if b[i] != '\r' || b[i+1] != '\n' {
			return false
		}
		end := i
		for end > int(l.value) && (b[end-1] == ' ' || b[end-1] == '\t') {
			end--
		}
		l.end = uint16(end)
		i += 2
		if !h.judge(b, l) {
			return false
		}
		h.lines[h.n] = l
		h.n++
	}
	return h.host >= 0
}

// canonical writes the name at i as net/http does, and returns where it ends.
func canonical(b []byte, i int) int {
	const other = 'a' - 'A'
	first := true
	for ; class[b[i]]&nameByte != 0; i++ {
		switch c := b[i]; {
		case first && 'a' <= c && c <= 'z':
			b[i] = c - other
		case !first && 'A' <= c && c <= 'Z':
			b[i] = c + other
		}
		first = b[i] == '-'
	}
	return i
}

// judge reports whether a header leaves the request plain.
func (h *head) judge(b []byte, l line) bool {
	value := b[l.value:l.end]
	switch string(b[l.name:l.colon]) {
	case "Host":
		if h.host >= 0 || len(value) == 0 || !all(value, hostByte) {
			return false
		}
		h.host = h.n
		return true
	case "Content-Length":
		if h.length >= 0 || len(value) == 0 || len(value) > 18 {
			return false
		}
		h.length = 0
		for _, b := range value {
			if b < '0' || b > '9' {
				return false
			}
			h.length = 10*h.length + int64(b-'0')
		}
	case "Connection":
		if h.connection {
			return false
		}
		h.connection, h.closing = true, bytes.EqualFold(value, []byte("close"))
		if !h.closing && !bytes.EqualFold(value, []byte("keep-alive")) {
			return false
		}
	case "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Http2-Settings", "Pragma": // the last one net/http amends
		return false
	}
	h.values++
	return true
}

// assemble makes the request of which text is the head.
func (c *conn) assemble(h *head, text string) *request {
	r := new(request)
	r.Request = *c.template
	r.Method = h.method
	r.RequestURI = text[h.target:h.after]
	r.URL = &r.url
	r.url.Path = text[h.target:h.query]
	if h.query < h.after {
		r.url.RawQuery = text[h.query+1 : h.after]
	}
	r.Close = h.closing
	r.Header = make(http.Header, h.values)
	values := make([]string, h.values)
	for i := range h.n {
		l := &h.lines[i]
		value := text[l.value:l.end]
		if i == h.host {
			r.Host = value
			continue
		}
		name := text[l.name:l.colon]
		if earlier, ok := r.Header[name]; ok {
			r.Header[name] = append(earlier, value)
			continue
		}
		values[0] = value
		r.Header[name], values = values[:1:1], values[1:]
	}
	r.body.conn = c
	if h.length <= 0 {
		r.Body = http.NoBody
		r.body.arrived.Store(true)
		c.release()
		return r
	}
	r.ContentLength = h.length
	r.body.left = h.length
	r.body.arrived.Store(h.length <= int64(c.end-c.start))
	r.Body = &r.body
	return r
}
