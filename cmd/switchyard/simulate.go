package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
	"github.com/switchyard-gateway/switchyard/internal/simulator/profile"
)

func newSimulate() *cobra.Command {
	var listen, level string
	var seed uint64
	var profiles []string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Play OpenAI, Anthropic and Ollama on loopback, with latency and faults",
		Long: `Play vendors on loopback: use ADDR/openai, ADDR/anthropic and ADDR/ollama as base_url.
ADDR/openai@flaky plays an account with a fault profile. Built in: default, fast, burst, slow, flaky,
ratelimited, overloaded, down, badkey, hang, stall, cut, badjson, html. POST ADDR/_sim/profiles/NAME changes
one while it runs, GET ADDR/_sim/requests shows what arrived, GET ADDR/_sim/stats counts.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(cmd.ErrOrStderr(), level)
			if err != nil {
				return err
			}
			sim := simulator.New(simulator.Options{Seed: seed, Log: log})
			for _, arg := range profiles {
				if err := loadProfile(sim, arg); err != nil {
					return err
				}
			}
			return simulate(cmd.Context(), sim, listen, cmd.OutOrStdout(), nil)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9901", "`ADDR` to listen on; there is no authentication, keep it on loopback")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "the same seed and order of requests give the same answers")
	cmd.Flags().StringArrayVar(&profiles, "profile", nil, "`NAME=FILE`: a fault profile as JSON; may be repeated")
	cmd.Flags().StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

func loadProfile(sim *simulator.Simulator, arg string) error {
	name, file, ok := strings.Cut(arg, "=")
	if !ok {
		return fmt.Errorf("--profile: %q is not NAME=FILE", arg)
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("--profile %s: %w", name, err)
	}
	p, err := profile.Decode(body)
	if err != nil {
		return fmt.Errorf("--profile %s: %s: %w", name, file, err)
	}
	return sim.SetProfile(name, p)
}

// simulate serves sim until ctx ends. ready, when given, hears the address.
func simulate(ctx context.Context, sim *simulator.Simulator, listen string, stdout io.Writer, ready func(net.Addr)) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", listen, err)
	}
	fmt.Fprintf(stdout, "simulating vendors: http://%[1]s/openai http://%[1]s/anthropic http://%[1]s/ollama\n", ln.Addr())
	if ready != nil {
		ready(ln.Addr())
	}
	return sim.Serve(ctx, ln)
}
