package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/internal/console"
	"github.com/switchyard-gateway/switchyard/internal/simulator"
)

func newQuickstart(getenv lookup) *cobra.Command {
	var path, listen, vendors string
	cmd := &cobra.Command{
		Use:   "quickstart",
		Short: "Start simulated vendors and a router in front of them, send two requests, and keep serving",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return quickstart(cmd.Context(), path, listen, vendors, getenv, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&path, "config", "examples/quickstart/plugins.yaml", "the configuration `FILE`")
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR` of the router instead of server.listen")
	cmd.Flags().StringVar(&vendors, "vendors", "127.0.0.1:9901", "`ADDR` of the simulated vendors")
	return cmd
}

// quickstart runs simulator and router together until ctx ends, or the router fails.
func quickstart(ctx context.Context, path, listen, vendors string, getenv lookup, stdout, stderr io.Writer) error {
	log, err := newLogger(stderr, "warn")
	if err != nil {
		return err
	}
	// The vendors outlive the router, whose streams may go on for a while after ctx has ended.
	vendorsCtx, stopVendors := context.WithCancel(context.WithoutCancel(ctx))
	vendorsEnded := make(chan error, 1)
	simulating := make(chan net.Addr, 1)
	go func() {
		sim := simulator.New(simulator.Options{Seed: 1, Log: log})
		vendorsEnded <- simulate(vendorsCtx, sim, vendors, stdout, func(a net.Addr) { simulating <- a })
	}()
	vendorsAt, err := first(ctx, simulating, vendorsEnded)
	if err != nil {
		stopVendors()
		return err
	}
	err = quickstartRouter(ctx, path, listen, vendorsAt, getenv, log, stdout)
	stopVendors()
	return errors.Join(err, <-vendorsEnded)
}

// quickstartRouter runs the router in front of the vendors until ctx ends.
func quickstartRouter(ctx context.Context, path, listen string, vendors net.Addr, getenv lookup, log *slog.Logger, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	memory, err := os.MkdirTemp("", "switchyard-quickstart-")
	if err != nil {
		return fmt.Errorf("making a folder for the store: %w", err)
	}
	defer func() { _ = os.RemoveAll(memory) }()
	// With these in the environment the config follows --vendors, and each run begins without tenants.
	env := func(name string) (string, bool) {
		switch name {
		case "SWITCHYARD_SIMULATOR":
			return vendors.String(), true
		case "SWITCHYARD_STORE":
			return memory, true
		}
		return getenv(name)
	}
	ended := make(chan error, 1)
	routing := make(chan net.Addr, 1)
	go func() {
		ended <- serve(ctx, path, listen, env, log, func(a net.Addr) { routing <- a })
	}()
	at, err := first(ctx, routing, ended)
	if err != nil {
		return err
	}
	url := "http://" + at.String()
	if err := demonstrate(ctx, url, stdout); err != nil {
		stop()
		return errors.Join(err, <-ended)
	}
	fmt.Fprintf(stdout, nextSteps, url, path)
	return <-ended
}

// first waits for an address, or for the failure to get one.
func first(ctx context.Context, up <-chan net.Addr, ended <-chan error) (net.Addr, error) {
	select {
	case a := <-up:
		return a, nil
	case err := <-ended:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// demonstrate sends one completion and one stream.
func demonstrate(ctx context.Context, url string, stdout io.Writer) error {
	for _, d := range []struct {
		title, model string
		stream       bool
	}{
		{"a completion from model group quality", "quality", false},
		{"a stream from model group fast", "fast", true},
	} {
		fmt.Fprintf(stdout, "\n── %s\n", d.title)
		if err := console.Say(ctx, url, d.model, "What is a railway switchyard for?", d.stream, stdout); err != nil {
			return fmt.Errorf("%s: %w", d.title, err)
		}
	}
	return nil
}

const nextSteps = `
Serving on %[1]s. The vendors are simulated; their answers are made up. Try:

  curl -i %[1]s/v1/chat/completions -H 'content-type: application/json' \
    -d '{"model":"balanced","messages":[{"role":"user","content":"hello"}]}'
  bin/switchyard chat --url %[1]s --model quality

With an OpenAI SDK, change nothing but the base URL:

  OpenAI(base_url="%[1]s/v1", api_key="unused").chat.completions.create(model="fast", messages=[...])

With SWITCHYARD_ADMIN_TOKEN set before the start, tenants can be made and bring policies: docs/tenants.md.

With real vendors, stop this and run:

  OPENAI_API_KEY=... ANTHROPIC_API_KEY=... bin/switchyard serve --config plugins.yaml

%[2]s and the files in plugins/dist may be changed while this runs. Ctrl-C stops.
`
