package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Error is a failure as a client may see it: the fields of the OpenAI error object and a status.
// It carries nothing of the operator's configuration and nothing secret.
type Error struct {
	Status     int
	Type       string
	Code       string
	Param      string
	Message    string
	RetryAfter time.Duration // 0: unknown

	class abi.Class
	kind  abi.ErrorKind
	// canceled marks the end by the client's leaving, which is nobody's failure.
	canceled bool
	// waited marks a timeout of the gateway's own: it has waited for as long as the attempt took.
	waited bool
	// stays marks a failure that no other group may make good.
	stays bool
	// drained marks the end of a snapshot's drain, which is nobody's failure either.
	drained bool
	// unsent marks a request that was given up before a byte of it reached the vendor. What a client
	// wrote may have brought that about, so it says nothing about the deployment.
	unsent bool
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Canceled reports whether the client left before there was an answer.
func (e *Error) Canceled() bool { return e.canceled }

// Retried reports whether a client that repeats the request at once could do better than the
// gateway just did.
func (e *Error) Retried() bool { return e.class != abi.ClassFinal }

// InvalidRequest is a 400 that the client has to mend.
func InvalidRequest(code, param, format string, args ...any) *Error {
	return &Error{
		Status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param,
		Message: fmt.Sprintf(format, args...), kind: abi.ErrorInvalidRequest,
	}
}

func serverError(status int, code, format string, args ...any) *Error {
	return &Error{
		Status: status, Type: "server_error", Code: code, Message: fmt.Sprintf(format, args...),
		class: abi.ClassRetry,
	}
}

// panicked is what is on record of a request that ended in a panic, which is no deployment's fault.
// The client never sees it.
func panicked() *Error {
	e := serverError(http.StatusInternalServerError, "internal_error", "The gateway failed on this request.")
	e.unsent = true
	return e
}

func modelNotFound(model string) *Error {
	return &Error{
		Status: http.StatusNotFound, Type: "invalid_request_error", Code: "model_not_found", Param: "model",
		Message: fmt.Sprintf("The model %q does not exist or you do not have access to it.", Clip(model)),
		kind:    abi.ErrorNotFound,
	}
}

// Clip cuts what a client sent to a length that fits a message.
func Clip(s string) string { return s[:min(len(s), 128)] }

func fromRefusal(r *abi.Refusal) *Error {
	e := &Error{
		Status: r.Status, Type: r.Type, Code: r.Code, Param: r.Param, Message: r.Message,
		RetryAfter: time.Duration(r.RetryAfterMS) * time.Millisecond, class: r.Class, kind: r.Kind,
	}
	if e.Status < 400 || e.Status > 599 {
		e.Status = http.StatusBadGateway
	}
	e.Type = cmp.Or(e.Type, "server_error")
	e.Code = cmp.Or(e.Code, "upstream_error")
	return e
}

// countsAgainst reports whether the failure says something about the deployment, rather than
// about the request or the client.
func (e *Error) countsAgainst() bool {
	if e.canceled {
		return false
	}
	switch e.kind {
	case abi.ErrorInvalidRequest, abi.ErrorContextWindow, abi.ErrorContentPolicy:
		return false
	default:
		return true
	}
}

// fallsBack reports whether another group could do better. What the client has to mend it has to
// mend there too; a prompt that is too long, or refused by a vendor's policy, may pass elsewhere.
func (e *Error) fallsBack() bool {
	switch {
	case e.canceled, e.stays:
		return false
	case e.kind == abi.ErrorContextWindow, e.kind == abi.ErrorContentPolicy:
		return true
	case e.kind == abi.ErrorInvalidRequest:
		return e.class == abi.ClassRetry
	default:
		return e.class != abi.ClassFinal
	}
}

// failure is what the deployment's health needs to know of e.
func (e *Error) failure() health.Failure {
	return health.Failure{Kind: e.kind, RetryAfter: e.RetryAfter, Label: e.label(), Waited: e.waited}
}

// label names the failure in a few characters, for headers and metrics. A vendor's code is taken
// only if it is a name: it goes where a sentence, or a line end, would do harm.
func (e *Error) label() string {
	switch {
	case e.canceled:
		return "canceled"
	case isName(e.Code):
		return e.Code
	default:
		return "status_" + strconv.Itoa(e.Status)
	}
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' {
			continue
		}
		return false
	}
	return s != "" && len(s) <= 64
}
