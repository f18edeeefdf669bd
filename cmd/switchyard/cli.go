package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/internal/console"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// version is set by the linker: make build passes the commit's description.
var version = "dev"

type lookup = console.Lookup

func newRoot(getenv lookup) *cobra.Command {
	root := &cobra.Command{
		Use:           "switchyard",
		Short:         "An LLM router whose providers and strategies are WebAssembly plugins",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newServe(getenv), newCheck(getenv), newSimulate(), newQuickstart(getenv), newVersion(), newPlugin(), newCompileModule(),
		console.NewChat(getenv), console.NewTenant(getenv), console.NewPolicy(getenv), console.NewDecision(getenv), console.NewUsage(getenv),
	)
	return root
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the plugin contract's version and the Go version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "switchyard %s (plugin ABI %d, %s)\n", buildVersion(), abi.Version, runtime.Version())
			return err
		},
	}
}

// buildVersion is the linker's version, or what go install recorded.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "dev" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return version
}
