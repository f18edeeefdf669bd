package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/spf13/cobra"

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

// quickstart runs simulator and router together until ctx ends, or either fails.
func quickstart(ctx context.Context, path, listen, vendors string, getenv lookup, stdout, stderr io.Writer) error {
	log, err := newLogger(stderr, "warn")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	simulating, routing := make(chan net.Addr, 1), make(chan net.Addr, 1)
	ended := make(chan error, 2)
	go func() {
		sim := simulator.New(simulator.Options{Seed: 1, Log: log})
		ended <- simulate(ctx, sim, vendors, stdout, func(a net.Addr) { simulating <- a })
	}()
	started := 1
	vendorsAt, err := first(ctx, simulating, ended)
	if err != nil {
		return err
	}
	// With the simulator's address in the environment, the config follows --vendors.
	env := func(name string) (string, bool) {
		if name == "SWITCHYARD_SIMULATOR" {
			return vendorsAt.String(), true
		}
		return getenv(name)
	}
	go func() {
		ended <- serve(ctx, path, listen, env, log, func(a net.Addr) { routing <- a })
	}()
	started++
	var url string
	select {
	case a := <-routing:
		url = "http://" + a.String()
	case err = <-ended:
		started--
	}
	if err == nil && url != "" {
		if err = demonstrate(ctx, url, stdout); err == nil {
			fmt.Fprintf(stdout, nextSteps, url, path)
			select {
			case <-ctx.Done():
			case err = <-ended:
				started--
			}
		}
	}
	stop()
	for range started {
		err = errors.Join(err, <-ended)
	}
	return err
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
		title string
		o     chatOptions
	}{
		{"a completion from model group quality", chatOptions{url: url, model: "quality", noStream: true}},
		{"a stream from model group fast", chatOptions{url: url, model: "fast"}},
	} {
		fmt.Fprintf(stdout, "\n── %s\n", d.title)
		if err := newConversation(d.o, stdout, stdout).say(ctx, "What is a railway switchyard for?"); err != nil {
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

With real vendors, stop this and run:

  OPENAI_API_KEY=... ANTHROPIC_API_KEY=... bin/switchyard serve --config plugins.yaml

%[2]s and the files in plugins/dist may be changed while this runs. Ctrl-C stops.
`
