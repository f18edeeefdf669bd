package http1

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// answering handlers, by name. What they return is compared too.
var handlers = map[string]func(w http.ResponseWriter, r *http.Request) string{
	"nothing": func(http.ResponseWriter, *http.Request) string { return "" },
	"status":  func(w http.ResponseWriter, _ *http.Request) string { w.WriteHeader(http.StatusNotFound); return "" },
	"unknown status": func(w http.ResponseWriter, _ *http.Request) string {
		w.WriteHeader(299)
		return written(w.Write([]byte("x")))
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusNoContent)
		return written(w.Write([]byte("abc"))) + flushed(w)
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Etag", `"a"`)
		w.WriteHeader(http.StatusNotModified)
		return written(w.Write([]byte("abc")))
	},
	"small":         func(w http.ResponseWriter, _ *http.Request) string { return written(w.Write([]byte("<html>hello"))) },
	"empty write":   func(w http.ResponseWriter, _ *http.Request) string { return written(w.Write(nil)) },
	"large":         func(w http.ResponseWriter, _ *http.Request) string { return written(w.Write(filler(100_000))) },
	"just gathered": func(w http.ResponseWriter, _ *http.Request) string { return written(w.Write(filler(2040))) },
	"around a buffer": func(w http.ResponseWriter, _ *http.Request) string {
		return pieces(w, 4000, 60, 10, 1, 1, 4096, 4070, 1)
	},
	"many pieces": func(w http.ResponseWriter, _ *http.Request) string {
		return pieces(w, 1, 2, 3, 500, 3000, 5000, 7, 10_000, 1, 4095, 4096, 4097, 2)
	},
	"flushed at once": func(w http.ResponseWriter, _ *http.Request) string { return flushed(w) },
	"flushed": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		s := flushed(w)
		for i := range 20 {
			s += pieces(w, i, 300*i) + flushed(w)
		}
		return s + flushed(w) + pieces(w, 5)
	},
	"flushed with a length": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "12003")
		return flushed(w) + pieces(w, 1, 1) + flushed(w) + pieces(w, 12_000, 1) + flushed(w)
	},
	"length": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "500")
		return pieces(w, 500)
	},
	"length in pieces": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "9009")
		return pieces(w, 1, 2, 3, 3, 4096, 4096, 808)
	},
	"large length": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "70000")
		return pieces(w, 70_000)
	},
	"less than the length": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "10")
		return pieces(w, 4)
	},
	"nothing of the length": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "10")
		return ""
	},
	"more than the length": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "10")
		return pieces(w, 4, 4, 4)
	},
	"no length": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "many")
		return pieces(w, 4)
	},
	"length 0": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Length", "0")
		return pieces(w, 1)
	},
	"odd header": func(w http.ResponseWriter, _ *http.Request) string {
		h := w.Header()
		h["X-Many"] = []string{"a", "b", ""}
		h["lower"] = []string{"c"}
		h["Bad Name"] = []string{"d"}
		h["Bad\r\nName"] = []string{"d"}
		h["Bad:name"] = []string{"d"}
		h[""] = []string{"d"}
		h.Set("X-Split", "a\r\nX-Injected: b\n\r\nc\x80")
		h.Set("X-Blank", " \t a \t ")
		h["X-None"] = nil
		return pieces(w, 3)
	},
	"date": func(w http.ResponseWriter, _ *http.Request) string { w.Header()["Date"] = nil; return pieces(w, 3) },
	"own type": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Type", "a/b")
		return pieces(w, 3)
	},
	"type unknown": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header()["Content-Type"] = nil
		return pieces(w, 3)
	},
	"encoded": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Content-Encoding", "gzip")
		return pieces(w, 3)
	},
	"close": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Connection", "close")
		return pieces(w, 3)
	},
	"other connection": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Connection", "keep-alive")
		return pieces(w, 3)
	},
	"chunked by hand": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("Transfer-Encoding", "chunked")
		return pieces(w, 3)
	},
	"header too late": func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("X-A", "1")
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-A", "2")
		w.Header().Set("Content-Length", "7")
		w.WriteHeader(http.StatusInternalServerError)
		return pieces(w, 3)
	},
	"large header": func(w http.ResponseWriter, _ *http.Request) string {
		for i := range 100 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("v", 100))
		}
		return pieces(w, 3, 4000, 500)
	},
	"aborted": func(http.ResponseWriter, *http.Request) string { panic(http.ErrAbortHandler) },
	"aborted late": func(w http.ResponseWriter, _ *http.Request) string {
		pieces(w, 10)
		flushed(w)
		pieces(w, 10)
		panic(http.ErrAbortHandler)
	},
	"panic":      func(http.ResponseWriter, *http.Request) string { panic("of the handler") },
	"bad status": func(w http.ResponseWriter, _ *http.Request) string { w.WriteHeader(99); return "" },
	"body read": func(w http.ResponseWriter, r *http.Request) string {
		s := read(r.Body, 1) + read(r.Body, 0) + read(r.Body, 3) + read(r.Body, 1) + read(r.Body, 100_000) + read(r.Body, 0)
		for range 100 { // more reads are none
			s += read(r.Body, 1)
		}
		_ = r.Body.Close()
		return s + read(r.Body, 1)
	},
	"body closed": func(w http.ResponseWriter, r *http.Request) string {
		_ = r.Body.Close()
		return read(r.Body, 1)
	},
	"body read too late": func(w http.ResponseWriter, r *http.Request) string {
		flushed(w)
		n, err := r.Body.Read(make([]byte, 1))
		return fmt.Sprint(n, err != nil && err != io.EOF)
	},
}

func filler(n int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n] }

func written(n int, err error) string { return fmt.Sprintf("wrote %d %v; ", n, err) }

// read reads up to n bytes, in any number of reads.
func read(r io.Reader, n int) string {
	p := make([]byte, n)
	n, err := io.ReadFull(r, p)
	return fmt.Sprintf("read %q %v; ", p[:n], err)
}

func flushed(w http.ResponseWriter) string {
	return fmt.Sprintf("flushed %v; ", http.NewResponseController(w).Flush())
}

func pieces(w http.ResponseWriter, sizes ...int) (s string) {
	for _, n := range sizes {
		s += written(w.Write(filler(n)))
	}
	return s
}

// TestSameAnswers has each handler answer two requests behind each other on both servers.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var said []string
			p := newPair(t, func(w http.ResponseWriter, r *http.Request) {
				said := func(s string) { mu.Lock(); defer mu.Unlock(); said = append(said, r.Method+" "+s) }
				defer func() {
					if cause := recover(); cause != nil {
						said("panicked")
						panic(cause)
					}
				}()
				said(h(w, r))
			})
			for _, requests := range []string{plain[2] + plain[0], last[1] + plain[0], plain[0] + plain[2], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + string(filler(9000)) + plain[0]} {
				ours := p.play("http1", []byte(requests))
				oursSaid := said
				said = nil
				theirs := p.play("nethttp", []byte(requests))
				a, restA := answers(ours.out.Bytes(), nil)
				b, restB := answers(theirs.out.Bytes(), nil)
				if !reflect.DeepEqual(a, b) || (restA == "") != (restB == "") {
					t.Errorf("the answers were\n%+v %s\nand of net/http\n%+v %s", a, restA, b, restB)
				}
				if !reflect.DeepEqual(oursSaid, said) {
					t.Errorf("the handler got\n%.2000q\nand from net/http\n%.2000q", oursSaid, said)
				}
				said = nil
			}
		})
	}
}

// counted is a connection that counts its writes.
type counted struct {
	*script
	writes int
}

func (c *counted) Write(p []byte) (int, error) { c.writes++; return c.script.Write(p) }

// TestWrites checks how many times the socket is written to.
func TestWrites(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		writes  int
	}{
		"nothing":     {func(http.ResponseWriter, *http.Request) {}, 1},
		"with length": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "600"); pieces(w, 600) }, 1},
		"small":       {func(w http.ResponseWriter, _ *http.Request) { pieces(w, 600, 100, 3000) }, 1},
		"stream": {func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				pieces(w, 300)
				flushed(w)
			}
			pieces(w, 300)
		}, 11},
		"stream that is flushed in the end": {func(w http.ResponseWriter, _ *http.Request) { pieces(w, 300); flushed(w) }, 2},
	} {
		c := &counted{script: newScript([]byte(plain[0]))}
		s := New(&http.Server{Handler: tc.handler})
		s.take(c)
		<-c.closed
		if c.writes != tc.writes {
			t.Errorf("%s: %d writes, want %d", name, c.writes, tc.writes)
		}
		if chunked := strings.Contains(c.out.String(), "chunked"); chunked != strings.HasPrefix(name, "stream") {
			t.Errorf("%s: chunked %v", name, chunked)
		}
	}
}

// TestDate checks its form, and that it is there once.
func TestDate(t *testing.T) {
	t.Parallel()
	c := newScript([]byte(plain[0] + last[0]))
	s := New(&http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	s.take(c)
	<-c.closed
	for range 2 {
		_, rest, _ := strings.Cut(c.out.String(), "\r\nDate: ")
		date, rest, _ := strings.Cut(rest, "\r\n")
		if _, err := http.ParseTime(date); err != nil {
			t.Error(err)
		}
		c.out.Reset()
		c.out.WriteString(rest)
	}
	if strings.Contains(c.out.String(), "Date") {
		t.Errorf("there is another one in %q", c.out.String())
	}
}
