// Command bench compares the router with other gateways and with bare proxies, on loopback, and says whether it is as
// fast as it must be. It is a module of its own and knows the router as a program only, so that what it needs is no
// dependency of the router.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/switchyard-gateway/switchyard/bench/load"
	"github.com/switchyard-gateway/switchyard/bench/mock"
	"github.com/switchyard-gateway/switchyard/bench/proxy"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the benchmark or, when it has started itself, one of its parts: mock, load or proxy.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	part := ""
	if len(args) > 0 {
		part = args[0]
	}
	switch {
	case part == "mock":
		return serve(ctx, stdout, func(ln net.Listener) error { return new(mock.Server).Serve(ctx, ln) })
	case part == "proxy" && len(args) == 3:
		return serve(ctx, stdout, func(ln net.Listener) error { return proxy.Serve(ctx, args[1], args[2], ln) })
	case part == "load":
		return generate(ctx, stdin, stdout)
	}
	b, err := parse(args, stderr)
	if err != nil {
		return err
	}
	return b.run(ctx, stdout, stderr)
}

// serve listens on any port of loopback and says on which.
func serve(ctx context.Context, stdout io.Writer, serve func(net.Listener) error) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Fprintf(stdout, "listening on %s\n", ln.Addr())
	return serve(ln)
}

// generate takes options off the input and writes the result.
func generate(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var o load.Options
	if err := json.NewDecoder(stdin).Decode(&o); err != nil {
		return fmt.Errorf("reading the options: %w", err)
	}
	res, err := load.Run(ctx, &o)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(res); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

var errNothing = errors.New("no contender is left to measure")
