//go:build race

package host_test

import (
	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
)

func init() { host.QuickCompiler = hosttest.Compiler }
