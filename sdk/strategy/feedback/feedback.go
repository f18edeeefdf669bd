// Package feedback is what a strategy imports that wants to hear how its choices ended. Importing
// it adds the export, and with it the host runs the strategy as a single instance that may keep
// state; its decisions can then not be replayed.
package feedback

import "github.com/switchyard-gateway/switchyard/sdk/abi"

// Func hears of one finished attempt. The input aliases a reused buffer.
type Func func(*abi.Feedback)

var registered Func //nolint:unused // the export, which is there on wasip1 only, reads it

// Register makes f the module's listener. Call it once, in an init function.
func Register(f Func) { registered = f }

// Handle answers the export, appending to dst.
func Handle(f Func, dst, input []byte) []byte {
	var in abi.Feedback
	if err := in.Decode(input); err != nil {
		ref := abi.Refusal{Status: 400, Type: "invalid_request_error", Code: "invalid_value", Message: err.Error()}
		return ref.Append(dst)
	}
	f(&in)
	return abi.AppendOK(dst)
}
