package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func newPlugin() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "Work on plugin files", Args: cobra.NoArgs}
	cmd.AddCommand(newVectors())
	return cmd
}

func newVectors() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vectors",
		Short: "The golden vectors of a plugin: examples of its answers, which it has to give before it serves",
		Args:  cobra.NoArgs,
	}
	var tenant bool
	check := &cobra.Command{
		Use:   "check FILE.wasm",
		Short: "Admit a plugin as a router does, and play its vectors",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkVectors(cmd.Context(), cmd.OutOrStdout(), args[0], tenant)
		},
	}
	check.Flags().BoolVar(&tenant, "policy", false, "under the default limits of tenants' policies")
	cmd.AddCommand(check, &cobra.Command{
		Use:   "add FILE.wasm VECTORS.json",
		Short: "Put vectors into a plugin, in place of those that it has",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return addVectors(cmd.OutOrStdout(), args[0], args[1])
		},
	}, &cobra.Command{
		Use:   "list FILE.wasm",
		Short: "List the vectors of a plugin",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return listVectors(cmd.OutOrStdout(), args[0])
		},
	})
	return cmd
}

// addVectors replaces the file whole: a router may be watching it.
func addVectors(out io.Writer, path, vectors string) error {
	text, err := os.ReadFile(vectors)
	if err != nil {
		return err
	}
	list, err := host.ParseVectors(text)
	if err != nil {
		return fmt.Errorf("%s: %w", vectors, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	module, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if module, err = host.WithVectors(module, list); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".vectors-*")
	if err != nil {
		return fmt.Errorf("writing %s anew: %w", path, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // unless it has taken its place
	_, err = temp.Write(module)
	if err = errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s anew: %w", path, err)
	}
	_, err = fmt.Fprintf(out, "%s carries %s\n", path, count(list))
	return err
}

func listVectors(out io.Writer, path string) error {
	list, err := vectorsOf(path)
	if err != nil {
		return err
	}
	for _, v := range list {
		if _, err := fmt.Fprintf(out, "%-8s %s (input %d bytes, output %d bytes, config %s)\n", v.Export, v.Name, len(v.Input), len(v.Output), v.Config); err != nil {
			return err
		}
	}
	return nil
}

func vectorsOf(path string) ([]abi.Vector, error) {
	module, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := host.Vectors(module)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case len(list) == 0:
		return nil, fmt.Errorf("%s: it carries no golden vectors", path)
	}
	return list, nil
}

// checkVectors admits a plugin in a host of its own, configured like the first vector.
func checkVectors(ctx context.Context, out io.Writer, path string, tenant bool) error {
	list, err := vectorsOf(path)
	if err != nil {
		return err
	}
	name, ok := strings.CutSuffix(filepath.Base(path), ".wasm")
	if !ok {
		return fmt.Errorf("%s: a plugin's file name ends in .wasm", path)
	}
	spec := host.Spec{Plugin: name, Kind: abi.KindProvider, Config: []byte(list[0].Config)}
	if e := list[0].Export; e == abi.ExportScore || e == abi.ExportFeedback {
		spec.Kind = abi.KindStrategy
	}
	if tenant {
		spec.Owner = "tenant"
	}
	h, err := host.New(ctx, host.Options{Compiler: compiler(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { _ = h.Close(ctx) }() // the process ends
	set, err := h.Build(ctx, filepath.Dir(path), []host.Spec{spec}, nil)
	if err != nil {
		return err
	}
	defer set.Release()
	_, err = fmt.Fprintf(out, "%s answers %s as they say\n", path, count(list))
	return err
}

func count(list []abi.Vector) string {
	if len(list) == 1 {
		return "1 golden vector"
	}
	return fmt.Sprintf("%d golden vectors", len(list))
}
