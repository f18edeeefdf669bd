package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/config"
)

func newCheck(getenv lookup) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Check a configuration and load its plugins, without serving",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			cfg, err := config.Load(path, getenv)
			if err != nil {
				return err
			}
			if _, err := newAccounts(cfg); err != nil {
				return err
			}
			h, err := newHost(ctx, cfg, slog.New(slog.DiscardHandler), nil)
			if err != nil {
				return err
			}
			defer func() { _ = h.Close(ctx) }() // the process ends
			set, err := h.Build(ctx, cfg.Plugins.Dir, specs(cfg, true), nil)
			if err != nil {
				return loadProblems(cfg, err)
			}
			defer set.Release()
			// What the store has is not known here: another process may have it open.
			if err := checkTenants(cfg, set, func(string) bool { return false }); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, p := range cfg.Providers {
				if p.Disabled != "" {
					fmt.Fprintf(out, "provider %s is disabled: %s\n", p.Name, p.Disabled)
				}
			}
			_, err = fmt.Fprintf(out, "%s is good: %d providers, %d model groups, %d tenants, %d plugins\n",
				path, len(cfg.Providers), len(cfg.Models), len(cfg.Tenants), plugins(h))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "plugins.yaml", "the configuration `FILE`")
	return cmd
}

// plugins counts the plugins that are loaded. The host lists one once for each owner.
func plugins(h *host.Host) int {
	names := map[string]bool{}
	for _, s := range h.Plugins() {
		names[s.Plugin] = true
	}
	return len(names)
}
