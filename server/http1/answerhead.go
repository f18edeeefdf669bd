package http1

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// stated is what a handler's header says about the answer as a whole.
type stated struct {
	length     int64 // -1: nothing
	typed      bool  // its type is known, or not to be guessed
	dated      bool
	closing    bool
	connection []string
}

// appendHeader appends the first line of an answer and its header. What says how it is framed, and Connection, are left
// out. As in net/http, names that are not tokens are left out too, and line ends in values become blanks.
func appendHeader(dst []byte, status int, header http.Header) ([]byte, stated) {
	s := stated{length: -1}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	if text := http.StatusText(status); text != "" {
		dst = append(dst, text...)
	} else {
		dst = append(dst, "status code "...)
		dst = strconv.AppendInt(dst, int64(status), 10)
	}
	dst = append(dst, '\r', '\n')
	for name, values := range header {
		switch name {
		case "Content-Length":
			s.length = lengthOf(values)
			continue
		case "Connection":
			s.connection = values
			s.closing = len(values) > 0 && values[0] == "close"
			continue
		case "Transfer-Encoding":
			s.typed = true // so says net/http
			continue
		case "Trailer":
			continue
		case "Content-Type":
			s.typed = true
			if status == http.StatusNotModified {
				continue
			}
		case "Content-Encoding":
			s.typed = s.typed || len(values) > 0 && values[0] != ""
		case "Date":
			s.dated = true
		}
		if !token(name) {
			continue
		}
		for _, v := range values {
			dst = appendLine(dst, name, v)
		}
	}
	return dst, s
}

// lengthOf is -1 for what is no length.
func lengthOf(values []string) int64 {
	if len(values) == 0 {
		return -1
	}
	n, err := strconv.ParseUint(strings.Trim(values[0], " \t"), 10, 63)
	if err != nil {
		return -1
	}
	return int64(n)
}

func token(s string) bool {
	for i := range len(s) {
		if class[s[i]]&nameByte == 0 {
			return false
		}
	}
	return s != ""
}

func appendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		value = lineEnds.Replace(value)
	}
	dst = append(dst, strings.Trim(value, " \t")...)
	return append(dst, '\r', '\n')
}

var lineEnds = strings.NewReplacer("\r", " ", "\n", " ")

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

// dateLine is the Date of one second.
type dateLine struct {
	second int64
	line   []byte
}

var latest atomic.Pointer[dateLine]

func appendDate(dst []byte, now time.Time) []byte {
	d := latest.Load()
	if d == nil || d.second != now.Unix() {
		d = &dateLine{second: now.Unix(), line: now.UTC().AppendFormat(nil, "Date: "+http.TimeFormat+"\r\n")}
		latest.Store(d)
	}
	return append(dst, d.line...)
}
