// Compiler compiles one module for a test that waits for it, see host.Options.Compiler: package hosttest builds and
// starts it.
package main

import (
	"fmt"
	"os"

	"github.com/switchyard-gateway/switchyard/host"
)

func main() {
	if err := host.CompilerMain(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
