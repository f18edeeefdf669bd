// Package refusal says in one way what a failure means, whichever vendor it came from: an adapter imports it to answer a
// vendor's error, or a request that it can't translate, with the status, type and code that clients see for it on every
// deployment, and with the class that tells the router what to try next. There is one constructor for each situation.
//
// The package uses no reflection, no fmt and no clock.
package refusal

import "github.com/switchyard-gateway/switchyard/sdk/abi"

// Types of the canonical error object.
const (
	TypeInvalidRequest = "invalid_request_error"
	TypeServer         = "server_error"
	TypeRateLimit      = "rate_limit_error"
	TypeQuota          = "insufficient_quota"
)

// Codes of the canonical error object. They are part of the surface that clients see.
const (
	CodeInvalidValue         = "invalid_value"
	CodeUnsupportedParameter = "unsupported_parameter"
	CodeUnsupportedEndpoint  = "unsupported_endpoint"
	CodeContextLength        = "context_length_exceeded"
	CodeContentFilter        = "content_filter"
	CodeModelNotFound        = "model_not_found"
	CodeRateLimit            = "rate_limit_exceeded"
	CodeQuota                = "insufficient_quota"
	CodeUpstreamAuth         = "upstream_auth"
	CodeUpstreamError        = "upstream_error"
	CodeUpstreamTimeout      = "upstream_timeout"
	CodeOverloaded           = "overloaded"
	CodeBadResponse          = "bad_upstream_response"
)

// Invalid refuses a request that is wrong whichever vendor gets it.
func Invalid(param, message string) *abi.Refusal {
	return &abi.Refusal{
		Status: 400, Class: abi.ClassFinal, Kind: abi.ErrorInvalidRequest,
		Type: TypeInvalidRequest, Code: CodeInvalidValue, Param: param, Message: message,
	}
}

// Unsupported refuses what this vendor can't do and another one may.
func Unsupported(param, message string) *abi.Refusal {
	ref := Invalid(param, message)
	ref.Class, ref.Code = abi.ClassOther, CodeUnsupportedParameter
	return ref
}

// UnsupportedEndpoint refuses an endpoint that the vendor does not have.
func UnsupportedEndpoint(vendor string, e abi.Endpoint) *abi.Refusal {
	ref := Unsupported("", vendor+" does not serve the endpoint "+e.String())
	ref.Code = CodeUnsupportedEndpoint
	return ref
}

// UnsupportedDialect refuses a client dialect that the adapter can't translate.
func UnsupportedDialect(vendor string, d abi.Dialect) *abi.Refusal {
	return Unsupported("", vendor+" can't be reached in the dialect "+d.String())
}

// ContextLength says that the prompt does not fit the model's context window.
func ContextLength(message string) *abi.Refusal {
	ref := Invalid("messages", message)
	ref.Kind, ref.Code = abi.ErrorContextWindow, CodeContextLength
	return ref
}

// ContentPolicy says that the vendor's policy refused the request.
func ContentPolicy(message string) *abi.Refusal {
	ref := Invalid("", message)
	ref.Kind, ref.Code = abi.ErrorContentPolicy, CodeContentFilter
	return ref
}

// UpstreamAuth says that the vendor refused the operator's credential. Detail is what the vendor said, already
// masked (see Mask); it may be empty.
func UpstreamAuth(detail string) *abi.Refusal {
	ref := server(502, CodeUpstreamAuth, "the provider refused the router's credential")
	if detail != "" {
		ref.Message += ": " + detail
	}
	ref.Class, ref.Kind = abi.ClassOther, abi.ErrorAuth
	return ref
}

// ModelNotFound says that the vendor does not know the model.
func ModelNotFound(message string) *abi.Refusal {
	return &abi.Refusal{
		Status: 404, Class: abi.ClassOther, Kind: abi.ErrorNotFound,
		Type: TypeInvalidRequest, Code: CodeModelNotFound, Param: "model", Message: message,
	}
}

// RateLimit says that the vendor wants a pause; retryAfterMS is 0 when it did not say how long.
func RateLimit(message string, retryAfterMS uint32) *abi.Refusal {
	return &abi.Refusal{
		Status: 429, Class: abi.ClassRetry, Kind: abi.ErrorRateLimit, RetryAfterMS: retryAfterMS,
		Type: TypeRateLimit, Code: CodeRateLimit, Message: message,
	}
}

// Quota says that a balance or quota at the vendor is used up.
func Quota(message string) *abi.Refusal {
	return &abi.Refusal{
		Status: 429, Class: abi.ClassOther, Kind: abi.ErrorQuota,
		Type: TypeQuota, Code: CodeQuota, Message: message,
	}
}

// Overloaded says that the vendor has no capacity at the moment.
func Overloaded(message string, retryAfterMS uint32) *abi.Refusal {
	ref := server(503, CodeOverloaded, message)
	ref.Kind, ref.RetryAfterMS = abi.ErrorOverloaded, retryAfterMS
	return ref
}

// UpstreamError says that the vendor failed with this status, 500 or above.
func UpstreamError(status int, message string) *abi.Refusal {
	return server(status, CodeUpstreamError, message)
}

// UpstreamTimeout says that the vendor gave up on the request.
func UpstreamTimeout(message string) *abi.Refusal {
	ref := server(504, CodeUpstreamTimeout, message)
	ref.Kind = abi.ErrorTimeout
	return ref
}

// BadResponse says that the vendor's answer can't be read.
func BadResponse(message string) *abi.Refusal {
	ref := server(502, CodeBadResponse, message)
	ref.Kind = abi.ErrorBadResponse
	return ref
}

func server(status int, code, message string) *abi.Refusal {
	return &abi.Refusal{Status: status, Class: abi.ClassRetry, Type: TypeServer, Code: code, Message: message}
}
