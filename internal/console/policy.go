package console

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// NewPolicy is the command policy: what a tenant does with its policies, over HTTP.
func NewPolicy(getenv Lookup) *cobra.Command {
	c := &client{}
	cmd := c.ofTenant(&cobra.Command{Use: "policy", Short: "Upload, try, activate and roll back a tenant's routing policies"}, getenv, "policy")
	cmd.AddCommand(
		policyList(c), policyVersions(c), policyUpload(c), policyReplay(c), policyFigures(c),
		policyStep(c, "activate NAME VERSION", "Let a version decide for all requests", "activate"),
		policyCanary(c),
		policyStep(c, "rollback NAME", "Put back the version that was active before", "rollback"),
		policyStep(c, "deactivate NAME", "Let no version decide", "deactivate"),
		policyDelete(c),
	)
	return cmd
}

func policyList(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List policies and what serves", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Policies []routedPolicy `json:"policies"`
			}
			if err := c.get(cmd.Context(), "/v1/policies", &answer); err != nil {
				return err
			}
			w := table(cmd.OutOrStdout())
			fmt.Fprintln(w, "POLICY\tACTIVE\tCANARY")
			for _, p := range answer.Policies {
				fmt.Fprintf(w, "%s\t%s\t%s\n", p.Name, p.active(), p.canary())
			}
			return w.Flush()
		},
	}
}

func policyVersions(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "versions NAME", Short: "List a policy's versions", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var answer struct {
				Versions []struct {
					Version int    `json:"version"`
					State   string `json:"state"`
					Reason  string `json:"reason"`
					Module  string `json:"module_sha256"`
					By      string `json:"by"`
					Created string `json:"created_at"`
					Note    string `json:"note"`
				} `json:"versions"`
			}
			if err := c.get(cmd.Context(), policyPath(args[0], "/versions"), &answer); err != nil {
				return err
			}
			w := table(cmd.OutOrStdout())
			fmt.Fprintln(w, "VERSION\tSTATE\tMODULE\tUPLOADED\tBY\tNOTE")
			for _, v := range answer.Versions {
				fmt.Fprintf(w, "%d\t%s\t%.12s\t%s\t%s\t%s\n", v.Version, v.State, v.Module, v.Created, v.By, v.Note)
			}
			return w.Flush()
		},
	}
}

func policyUpload(c *client) *cobra.Command {
	var config, note string
	cmd := &cobra.Command{
		Use: "upload NAME MODULE.wasm", Short: "Upload a version of a policy; it serves nothing yet", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, kind, err := uploadForm(args[1], config, note)
			if err != nil {
				return err
			}
			var v struct {
				Version int `json:"version"`
			}
			if err := c.send(cmd.Context(), http.MethodPost, policyPath(args[0], ""), kind, body, &v); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s@%d\n", args[0], v.Version)
			return err
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "`FILE` with the policy's configuration, JSON or YAML")
	cmd.Flags().StringVar(&note, "note", "", "what is new, for the history")
	return cmd
}

// uploadForm packs a module and its configuration as the API takes them.
func uploadForm(module, config, note string) (io.Reader, string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, part := range [...]struct{ field, path string }{{"module", module}, {"config", config}} {
		if part.path == "" {
			continue
		}
		content, err := os.ReadFile(part.path)
		if err != nil {
			return nil, "", fmt.Errorf("reading the %s: %w", part.field, err)
		}
		w, err := form.CreateFormFile(part.field, filepath.Base(part.path))
		if err != nil {
			return nil, "", err
		}
		if _, err := w.Write(content); err != nil {
			return nil, "", err
		}
	}
	if note != "" {
		if err := form.WriteField("note", note); err != nil {
			return nil, "", err
		}
	}
	return &body, form.FormDataContentType(), form.Close()
}

// policyStep is a command that changes what serves.
func policyStep(c *client, use, short, step string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{}
			if reason != "" {
				body["reason"] = reason
			}
			if len(args) == 2 {
				n, err := versionNumber(args[1])
				if err != nil {
					return err
				}
				body["version"] = n
			}
			return c.step(cmd.Context(), cmd.OutOrStdout(), args[0], step, body)
		},
	}
	if step == "activate" {
		cmd.Args = cobra.ExactArgs(2)
	}
	cmd.Flags().StringVar(&reason, "reason", "", "for the history")
	return cmd
}

func policyCanary(c *client) *cobra.Command {
	var percent float64
	var reason string
	cmd := &cobra.Command{
		Use: "canary NAME VERSION --share PERCENT", Short: "Let a version decide for a share of the requests", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := versionNumber(args[1])
			if err != nil {
				return err
			}
			body := map[string]any{"version": n, "share_percent": percent}
			if reason != "" {
				body["reason"] = reason
			}
			return c.step(cmd.Context(), cmd.OutOrStdout(), args[0], "canary", body)
		},
	}
	cmd.Flags().Float64Var(&percent, "share", 5, "`PERCENT` of the requests")
	cmd.Flags().StringVar(&reason, "reason", "", "for the history")
	return cmd
}

func policyDelete(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME [VERSION]", Short: "Delete a policy that does not serve, or one of its versions", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := policyPath(args[0], "")
			if len(args) == 2 {
				n, err := versionNumber(args[1])
				if err != nil {
					return err
				}
				path += "/versions/" + strconv.Itoa(n)
			}
			return c.send(cmd.Context(), http.MethodDelete, path, "", nil, nil)
		},
	}
}

func versionNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no version: versions are numbered from 1", s)
	}
	return n, nil
}

// routedPolicy is a policy and which versions of it serve.
type routedPolicy struct {
	Name   string `json:"name"`
	Active int    `json:"active_version"`
	Canary *struct {
		Version int     `json:"version"`
		Percent float64 `json:"share_percent"`
	} `json:"canary"`
}

func (p *routedPolicy) active() string {
	if p.Active == 0 {
		return "-"
	}
	return strconv.Itoa(p.Active)
}

func (p *routedPolicy) canary() string {
	if p.Canary == nil {
		return "-"
	}
	return fmt.Sprintf("%d (%g %%)", p.Canary.Version, p.Canary.Percent)
}

// step changes what serves, and says what does then.
func (c *client) step(ctx context.Context, out io.Writer, name, step string, body map[string]any) error {
	var answer struct {
		routedPolicy
		Policy   *routedPolicy `json:"policy"` // of activate
		Replaced string        `json:"replaced"`
	}
	if err := c.post(ctx, policyPath(name, "/"+step), body, &answer); err != nil {
		return err
	}
	p := &answer.routedPolicy
	if answer.Policy != nil {
		p = answer.Policy
	}
	line := fmt.Sprintf("%s: active %s, canary %s", p.Name, p.active(), p.canary())
	if answer.Replaced != "" {
		line += ", in place of " + answer.Replaced
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 8, 2, ' ', 0) }
