package endpoint

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Kind is a failure that routes declare: a status, a type and a code, which do not change.
type Kind struct {
	Status     int
	Type, Code string
	About      string // for the description
}

// Types of errors, as all routes of the server have them.
const (
	TypeRequest        = "invalid_request_error"
	TypeAuthentication = "authentication_error"
	TypePermission     = "permission_error"
	TypeServer         = "server_error"
)

// The failures that come of letting callers in and of reading requests, which routes have without declaring them.
var (
	NoKey          = Kind{http.StatusUnauthorized, TypeAuthentication, "invalid_api_key", "There is no key in the request, or it is not valid."}
	NoAdminToken   = Kind{http.StatusUnauthorized, TypeAuthentication, "invalid_admin_token", "The admin token is not in the request."}
	AdminDisabled  = Kind{http.StatusForbidden, TypePermission, "admin_disabled", "No admin token is configured."}
	MissingScope   = Kind{http.StatusForbidden, TypePermission, "missing_scope", "The key does not have the scope."}
	ForeignTenant  = Kind{http.StatusForbidden, TypePermission, "tenant_not_allowed", "The key is another tenant's."}
	TenantRequired = Kind{http.StatusBadRequest, TypeRequest, "tenant_required", "The admin token needs ?tenant=NAME here."}
	NoTenant       = Kind{http.StatusNotFound, TypeRequest, "tenant_not_found", "There is no such tenant."}

	InvalidBody  = Kind{http.StatusBadRequest, TypeRequest, "invalid_body", "The body is missing, or can't be read as what it claims to be."}
	SlowBody     = Kind{http.StatusRequestTimeout, TypeRequest, "request_timeout", "The body did not arrive in time."}
	LargeBody    = Kind{http.StatusRequestEntityTooLarge, TypeRequest, "request_too_large", "The body is too large."}
	WrongType    = Kind{http.StatusUnsupportedMediaType, TypeRequest, "unsupported_media_type", "The body has another media type than the route takes."}
	InvalidValue = Kind{http.StatusUnprocessableEntity, TypeRequest, "invalid_value", "A value is not what the description says, or can't be stored."}

	Exists   = Kind{http.StatusConflict, TypeRequest, "already_exists", "The name is taken."}
	Conflict = Kind{http.StatusConflict, TypeRequest, "revision_conflict", "It was changed since it was read."}
	InUse    = Kind{http.StatusConflict, TypeRequest, "in_use", "It serves, or another policy does; the message says what to do."}
	Internal = Kind{http.StatusInternalServerError, TypeServer, "internal_error", "The router failed on the request."}

	gone = Kind{499, TypeRequest, "client_closed_request", ""}
)

// Failure is the answer to a request that is not served.
type Failure struct {
	Kind Kind    `json:"-"`
	Body Problem `json:"error"`
}

// Problem is the error object.
type Problem struct {
	Message string   `json:"message"`
	Type    string   `json:"type" doc:"The kind of error, as in the OpenAI API."`
	Param   *string  `json:"param" doc:"Which value the error is about."`
	Code    *string  `json:"code" doc:"A stable name to branch on."`
	Reasons []Reason `json:"reasons,omitempty" doc:"Of policy_refused: everything that is wrong with an upload."`
}

// Reason is one thing that is wrong with an upload.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Place   string `json:"place,omitempty" doc:"Where in the upload: module, name, note, or config with line and path."`
}

// Say makes a failure of the kind.
func (k Kind) Say(format string, args ...any) *Failure {
	code := k.Code
	return &Failure{Kind: k, Body: Problem{Message: fmt.Sprintf(format, args...), Type: k.Type, Code: &code}}
}

// On names the value that the failure is about.
func (f *Failure) On(param string) *Failure {
	f.Body.Param = &param
	return f
}

// Error returns the message.
func (f *Failure) Error() string { return f.Body.Message }

// GetStatus is what the library asks errors for, and GetHeaders too.
func (f *Failure) GetStatus() int { return f.Kind.Status }

// GetHeaders returns the headers of the answer.
func (f *Failure) GetHeaders() http.Header {
	if f.Kind.Status == http.StatusUnauthorized {
		return http.Header{"Www-Authenticate": {"Bearer"}}
	}
	return nil
}

// capital makes of an error text what stands at the beginning of a message.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Clip cuts what a client sent to a length that fits a message.
func Clip(s string) string { return s[:min(len(s), 128)] }

// invalid makes a failure of what the library found wrong with a request.
func invalid(m *huma.ErrorModel) *Failure {
	var k Kind
	switch m.Status {
	case http.StatusRequestTimeout:
		return SlowBody.Say("The request body did not arrive in time.")
	case http.StatusRequestEntityTooLarge:
		return LargeBody.Say("%s.", capital(m.Detail))
	case http.StatusUnsupportedMediaType:
		k = WrongType
	case http.StatusUnprocessableEntity:
		k = InvalidValue
	default: // a body that ends too early is a 500 to the library
		k = InvalidBody
	}
	var param string
	var texts []string
	for _, d := range m.Errors {
		at := place(d.Location)
		if param == "" {
			param = at
		}
		if at == "" {
			texts = append(texts, capital(d.Message))
		} else {
			texts = append(texts, at+": "+d.Message)
		}
	}
	if len(texts) == 0 {
		texts = append(texts, capital(m.Detail))
	}
	f := k.Say("%s.", strings.Join(texts, "; "))
	if param == "" {
		return f
	}
	return f.On(param)
}

// place is where in a request a value stands: "limits.usd_per_day" for what the library calls body.limits.usd_per_day.
func place(location string) string {
	part, rest, _ := strings.Cut(location, ".")
	switch part {
	case "body", "query", "path", "header":
		return rest
	default:
		return location
	}
}
