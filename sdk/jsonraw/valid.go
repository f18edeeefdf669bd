package jsonraw

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// MaxDepth is how deeply arrays and objects may be nested in a document that [Valid] accepts.
const MaxDepth = scan.MaxDepth

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset int    // bytes before the offending one; the length of the text if it ends too early
	Reason string // for example "expected a comma or a closing brace"
}

// Error gives the reason and the offset.
func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// Valid checks that data is exactly one JSON value (RFC 8259) nested at most [MaxDepth] deep, with white space
// around it allowed. It accepts what encoding/json's Valid accepts, apart from the depth. A non-nil error is
// a [*SyntaxError].
func Valid(data []byte) error {
	if at, reason := scan.Valid(data); reason != "" {
		return &SyntaxError{Offset: at, Reason: reason}
	}
	return nil
}

// ScanString checks the string at the start of data and returns how long it is with its quotes, 0 if there is none or it
// has a mistake. With it an adapter can read text of which it knows the exact form.
func ScanString(data []byte) int {
	if len(data) == 0 || data[0] != '"' {
		return 0
	}
	return max(scan.CheckString(data, 1)&^scan.Seen, 0)
}
