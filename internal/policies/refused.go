package policies

import (
	"fmt"
	"slices"
	"strings"
)

// Codes of reasons for which an upload is refused. They don't change.
const (
	CodeName     = "invalid_name"    // of the policy
	CodeModule   = "invalid_module"  // it is no module, breaks the contract, or is beyond the limits
	CodeStart    = "start_failed"    // its start functions, describe or configure trapped, or ran dry
	CodeFilter   = "filter"          // it is a filter: its numbers rank nothing
	CodeConfig   = "invalid_config"  // the configuration is neither JSON nor YAML
	CodeSchema   = "config_schema"   // the configuration is not what the policy describes
	CodeRejected = "config_rejected" // the policy says why it does not take the configuration
	CodeVector   = "vector_mismatch" // a golden vector that the module carries is not answered as it says
	CodeTooLarge = "too_large"       // configuration or note
)

// Reason is one thing that is wrong with an upload.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Place is where in the upload: "module", "name", "note", or "config:7: rules[2].when" with the line and the path,
	// as far as they are known.
	Place string `json:"place,omitempty"`
}

// Refused is why an upload was not admitted: everything that could be told. It is about the upload, not about the gateway.
type Refused struct{ Reasons []Reason }

// Error joins the reasons with line breaks.
func (r *Refused) Error() string {
	lines := make([]string, len(r.Reasons))
	for i, one := range r.Reasons {
		if lines[i] = one.Message; one.Place != "" {
			lines[i] = one.Place + ": " + one.Message
		}
	}
	return strings.Join(lines, "\n")
}

// maxReasons is how many reasons an author is shown.
const maxReasons = 50

func (r *Refused) add(code, place, message string) {
	if len(r.Reasons) < maxReasons {
		r.Reasons = append(r.Reasons, Reason{code, message, place})
	}
}

// has reports whether there is a reason of a code at a place.
func (r *Refused) has(code, place string) bool {
	return slices.ContainsFunc(r.Reasons, func(one Reason) bool { return one.Code == code && one.Place == place })
}

// refusalError says to a tenant why something was not done. It is told apart by its kind, which the text does not repeat.
type refusalError struct {
	error
	kind error
}

// refuse makes an error of a kind.
func refuse(kind error, format string, args ...any) error {
	return &refusalError{fmt.Errorf(format, args...), kind}
}

// Unwrap returns what the text says, and the kind.
func (e *refusalError) Unwrap() []error { return []error{e.error, e.kind} }
