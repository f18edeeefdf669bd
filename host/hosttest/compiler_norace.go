//go:build !race || !unix

package hosttest

import "testing"

// Compiler returns an Options.Compiler for the hosts of tests: nil, as a test without the race detector compiles as
// quickly as any process.
func Compiler(testing.TB) []string { return nil }
