package main

import (
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/host"
)

const compileModule = "compile-module"

// newCompileModule is what a router starts to compile one plugin under limits.
func newCompileModule() *cobra.Command {
	return &cobra.Command{
		Use:    compileModule,
		Short:  "Compile one module for a router that waits for it",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return host.CompilerMain(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// compiler is the command that compiles plugins: this binary, also after the file that it was started from has been
// replaced by another version. Without the binary's path it is nil, and plugins are compiled in this process.
func compiler() []string {
	path := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil
		}
	}
	return []string{path, compileModule}
}
