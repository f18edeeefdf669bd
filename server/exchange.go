package server

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// statusGone stands in the log for a client that left before its answer was complete.
const statusGone = 499

// maxRequestID is the longest request ID that is taken over from a client.
const maxRequestID = 128

// exchange is one request and its answer. Every handler's echo.Context is one. It belongs to
// the handler's goroutine.
type exchange struct {
	echo.Context
	s       *Server
	w       http.ResponseWriter
	control *http.ResponseController
	id      string
	start   time.Time

	status  int // sent, or meant for the log; 0: nothing was sent yet
	code    string
	request *gateway.Request // nil until it was decoded
	report  *gateway.Report  // nil until the gateway was asked
	quiet   bool             // logged at debug level
}

// conduct is the outermost step: it makes the exchange, turns errors and panics into answers,
// and logs the request.
func (s *Server) conduct(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		w := c.Response().Writer
		x := &exchange{
			Context: c, s: s, w: w, control: http.NewResponseController(w), start: time.Now(),
			id: requestID(c.Request().Header.Get("X-Request-Id")),
		}
		w.Header()["X-Request-Id"] = []string{x.id}
		s.active.Add(1)
		defer x.end()
		x.awaitBody()
		if err := next(x); err != nil {
			x.fail(err)
		}
		return nil
	}
}

// requestID accepts a client's ID that can be logged and sent back as it is, or makes one.
func requestID(given string) string {
	if given != "" && len(given) <= maxRequestID && visible(given) {
		return strings.Clone(given) // it outlives the request, whose head it is a piece of
	}
	var random [16]byte
	binary.LittleEndian.PutUint64(random[:], rand.Uint64())
	binary.LittleEndian.PutUint64(random[8:], rand.Uint64())
	var room [len("req-") + 2*len(random)]byte
	return string(hex.AppendEncode(append(room[:0], "req-"...), random[:]))
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// end logs the request. A panic becomes a 500, or, when the answer has begun, breaks the
// connection, so that nobody takes half an answer for a whole one.
func (x *exchange) end() {
	defer x.s.active.Add(-1)
	cause := recover()
	if cause == nil {
		x.logLine()
		return
	}
	begun, aborted := x.status != 0 || x.Response().Committed, cause == http.ErrAbortHandler //nolint:errorlint // as net/http compares it
	if !aborted {
		x.s.log.Error("request panicked", "request", x.id, "panic", cause, "stack", string(debug.Stack()))
	}
	x.code = codeInternal
	if !begun && !aborted {
		x.refuse(internalError(x.id))
		x.logLine()
		return
	}
	x.logLine()
	panic(http.ErrAbortHandler)
}

// logLine writes the access log. Bodies and keys are not in it.
func (x *exchange) logLine() {
	level := slog.LevelInfo
	if x.quiet {
		level = slog.LevelDebug
	}
	if !x.s.log.Enabled(context.Background(), level) {
		return
	}
	if x.status == 0 { // echo answered by itself, as it does to OPTIONS
		x.status = x.Response().Status
	}
	r := x.Request()
	end := time.Now()
	room := logAttrs.Get().(*[]slog.Attr)
	attrs := append((*room)[:0],
		slog.String("request", x.id), slog.String("method", r.Method), slog.String("route", x.route()),
		slog.Int("status", x.status), slog.Duration("duration", end.Sub(x.start)),
	)
	if x.code != "" {
		attrs = append(attrs, slog.String("code", x.code))
	}
	if q := x.request; q != nil {
		if q.TenantName != "" {
			attrs = append(attrs, slog.String("tenant", gateway.Clip(q.TenantName)))
		}
		attrs = append(attrs, slog.String("model", gateway.Clip(q.Model)), slog.Bool("stream", q.Stream))
	}
	if p := x.report; p != nil {
		attrs = append(attrs,
			slog.String("deployment", p.Deployment), slog.Int("attempts", len(p.Attempts)), slog.Int("fallbacks", p.Fallbacks),
		)
		if p.Policy != "" {
			attrs = append(attrs, slog.String("policy", p.Policy))
		}
	}
	if h, ok := x.s.log.Handler().(attrsHandler); ok {
		_ = h.HandleAttrs(end, level, "request", attrs) // there is nowhere to tell, as with any line
	} else {
		x.s.log.LogAttrs(context.Background(), level, "request", attrs...)
	}
	clear(attrs)
	*room = attrs
	logAttrs.Put(room)
}

// attrsHandler is a handler of lines that needs no record of them.
type attrsHandler interface {
	HandleAttrs(at time.Time, level slog.Level, msg string, attrs []slog.Attr) error
}

// logAttrs is room for the attributes of one line each.
var logAttrs = sync.Pool{New: func() any { return new(make([]slog.Attr, 0, 16)) }}

// route is the pattern that matched, or the path when none did.
func (x *exchange) route() string {
	if p := x.Path(); p != "" {
		return p
	}
	return gateway.Clip(x.Request().URL.Path)
}

// stall is how long one write to a client may take before the client counts as gone: a reader
// that stopped must not hold a stream, and the snapshot it uses, for ever. Writes of a stream
// that follow each other share the limit, and may have no more than half of it. net/http lifts
// it when the request ends.
const stall = time.Minute

// bigBody is what the buffers of a connection may not take in.
const bigBody = 64 << 10

// send writes a whole answer in JSON.
func (x *exchange) send(status int, body []byte) error {
	h := x.w.Header()
	h["Content-Type"] = inJSON
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.status = status
	if len(body) > bigBody {
		_ = x.control.SetWriteDeadline(time.Now().Add(stall)) // not every writer can
	}
	x.w.WriteHeader(status)
	if _, err := x.w.Write(body); err != nil {
		x.status = statusGone
	}
	return nil
}

const jsonType = "application/json"

// inJSON is jsonType as a header's value. Nobody changes it.
var inJSON = []string{jsonType}
