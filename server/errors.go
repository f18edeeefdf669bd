package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Types and codes of the errors that arise here; the others are the gateway's.
const (
	typeRequest        = "invalid_request_error"
	typeAuthentication = "authentication_error"
	typePermission     = "permission_error"
	typeServer         = "server_error"

	codeInternal = "internal_error"
)

func refusal(status int, typ, code, format string, args ...any) *gateway.Error {
	return &gateway.Error{Status: status, Type: typ, Code: code, Message: fmt.Sprintf(format, args...)}
}

func internalError(id string) *gateway.Error {
	return refusal(http.StatusInternalServerError, typeServer, codeInternal, "The gateway failed on this request (%s).", id)
}

// fail answers with an error of a handler. It is the one place where errors become statuses.
func (x *exchange) fail(err error) {
	var (
		e       *gateway.Error
		unknown *echo.HTTPError
	)
	switch {
	case errors.As(err, &e) && e.Canceled():
		x.status, x.code = statusGone, e.Code
		return
	case e != nil:
	case errors.As(err, &unknown) && unknown.Code == http.StatusNotFound:
		e = refusal(http.StatusNotFound, typeRequest, "unknown_url", "There is nothing at %s %q.", x.Request().Method, gateway.Clip(x.Request().URL.Path))
	case errors.As(err, &unknown) && unknown.Code == http.StatusMethodNotAllowed:
		e = refusal(http.StatusMethodNotAllowed, typeRequest, "method_not_allowed",
			"The method %s is not allowed for %q; use %s.", x.Request().Method, gateway.Clip(x.Request().URL.Path), x.w.Header().Get("Allow"))
	default:
		x.s.log.Error("request was not answered", "request", x.id, "route", x.route(), "error", err)
		e = internalError(x.id)
	}
	x.refuse(e)
}

// refuse sends an error as a whole answer.
func (x *exchange) refuse(e *gateway.Error) {
	x.code = e.Code
	h := x.w.Header()
	if e.RetryAfter > 0 {
		h["Retry-After"] = []string{strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10)}
	}
	if e.Status == http.StatusUnauthorized {
		h["Www-Authenticate"] = []string{"Bearer"}
	}
	if x.inVain(e.Status) {
		h["X-Should-Retry"] = []string{"false"}
	}
	_ = x.send(e.Status, appendError(nil, e))
}

// inVain reports whether SDKs, which by default repeat requests that failed with this status, had
// better not: a budget is used up for hours, or the gateway has repeated it already, unless it was
// told to leave that to the client.
func (x *exchange) inVain(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
	default:
		if status < 500 {
			return false
		}
	}
	if x.report == nil || len(x.report.Attempts) == 0 {
		return x.code == "insufficient_quota"
	}
	return x.request.NumRetries == nil || *x.request.NumRetries > 0
}

// appendError appends the error object of the OpenAI dialect.
func appendError(dst []byte, e *gateway.Error) []byte {
	message := e.Message
	if message == "" {
		message = http.StatusText(e.Status)
	}
	dst = append(dst, `{"error":{"message":`...)
	dst = jsonraw.AppendString(dst, message)
	dst = append(dst, `,"type":`...)
	dst = jsonraw.AppendString(dst, e.Type)
	dst = append(dst, `,"param":`...)
	dst = appendNullable(dst, e.Param)
	dst = append(dst, `,"code":`...)
	dst = appendNullable(dst, e.Code)
	return append(dst, '}', '}')
}

func appendNullable(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return jsonraw.AppendString(dst, s)
}
