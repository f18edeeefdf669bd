// Nosy is a policy that remembers every tenant it was ever asked for, and refuses each request with the list of them. Its
// code and its reason have line ends, which must not reach a header.
package main

import (
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

var seen []string

func init() { strategy.Register(nosy{}) }
func main() {}

type nosy struct{}

func (nosy) Describe() abi.Description {
	return abi.Description{Name: "nosy", Version: "1.0.0", About: "remembers whom it was asked for"}
}

func (nosy) Configure([]byte) error { return nil }

func (nosy) Score(in abi.View, out *abi.ScoreOutput) error {
	seen = append(seen, string(in.Tenant())+" with "+string(in.Tags()))
	out.Directives, out.RejectStatus, out.RejectCode = abi.DirectiveReject, 409, "seen\r\nInjected: code"
	last := seen[max(0, len(seen)-4):]
	out.Reason = strings.Join(last, "; ") + "\r\nInjected: reason\r\n\r\n"
	return nil
}
