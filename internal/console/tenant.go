package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// NewTenant is the command tenant: what an operator does with tenants and their keys, over HTTP.
func NewTenant(getenv Lookup) *cobra.Command {
	c := &client{}
	cmd := &cobra.Command{
		Use:   "tenant",
		Short: "Make tenants and API keys",
		Long: `Make tenants and API keys on a running router. The admin token comes from SWITCHYARD_ADMIN_TOKEN. What else can be set
and changed, limits and restrictions among it, is in the router's /openapi.json.`,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.prepare(cmd, getenv, adminVariable) },
	}
	locate(cmd, &c.url)
	cmd.AddCommand(tenantList(c), tenantCreate(c), tenantKey(c), tenantClose(c))
	return cmd
}

func tenantList(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List tenants", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Tenants []struct {
					Name   string `json:"name"`
					State  string `json:"state"`
					Source string `json:"source"`
				} `json:"tenants"`
			}
			if err := c.get(cmd.Context(), "/admin/tenants", &answer); err != nil {
				return err
			}
			w := table(cmd.OutOrStdout())
			fmt.Fprintln(w, "TENANT\tSTATE\tFROM")
			for _, t := range answer.Tenants {
				fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, t.State, t.Source)
			}
			return w.Flush()
		},
	}
}

func tenantCreate(c *client) *cobra.Command {
	var requests, tokens, concurrent int64
	var day, month float64
	var models, deployments, regions []string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a tenant", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			given := func(flags map[string]any) map[string]any {
				out := map[string]any{}
				for flag, value := range flags {
					if cmd.Flags().Changed(flag) {
						out[strings.ReplaceAll(flag, "-", "_")] = value
					}
				}
				return out
			}
			return c.post(cmd.Context(), "/admin/tenants", map[string]any{
				"name": args[0],
				"limits": given(map[string]any{
					"requests-per-minute": requests, "tokens-per-minute": tokens, "concurrent-requests": concurrent, "usd-per-day": day, "usd-per-month": month,
				}),
				"allow": given(map[string]any{"models": models, "deployments": deployments, "regions": regions}),
			}, nil)
		},
	}
	cmd.Flags().Int64Var(&requests, "requests-per-minute", 0, "limit of its requests")
	cmd.Flags().Int64Var(&tokens, "tokens-per-minute", 0, "limit of its tokens, prompt and answer")
	cmd.Flags().Int64Var(&concurrent, "concurrent-requests", 0, "limit of its requests at a time")
	cmd.Flags().Float64Var(&day, "usd-per-day", 0, "its budget of a day")
	cmd.Flags().Float64Var(&month, "usd-per-month", 0, "its budget of a month")
	cmd.Flags().StringSliceVar(&models, "models", nil, "the `GROUPS` that it may use; without it all, as below")
	cmd.Flags().StringSliceVar(&deployments, "deployments", nil, "the `DEPLOYMENTS` that it may use")
	cmd.Flags().StringSliceVar(&regions, "regions", nil, "the `REGIONS` that its requests may go to")
	return cmd
}

func tenantKey(c *client) *cobra.Command {
	var scopes []string
	cmd := &cobra.Command{
		Use: "key TENANT NAME", Short: "Make an API key and print it: it is shown this once", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var answer struct {
				Secret string `json:"secret"`
			}
			if err := c.post(cmd.Context(), "/admin/tenants/"+url.PathEscape(args[0])+"/keys", map[string]any{"name": args[1], "scopes": scopes}, &answer); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), answer.Secret)
			return err
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", []string{"complete"}, "what it may do: complete, policy, usage, act-for")
	return cmd
}

func tenantClose(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "close NAME", Short: "Close a tenant for good: keys and policies are deleted, its usage stays", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.send(cmd.Context(), http.MethodDelete, "/admin/tenants/"+url.PathEscape(args[0]), "", nil, nil)
		},
	}
}
