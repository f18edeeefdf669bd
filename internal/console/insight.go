package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// What a router tells a tenant about its requests.

func policyFigures(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "figures NAME", Short: "Show what a policy's versions have done, and how a canary compares", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var answer struct {
				Versions []versionFigures `json:"versions"`
			}
			if err := c.get(cmd.Context(), policyPath(args[0], "/figures"), &answer); err != nil {
				return err
			}
			w := table(cmd.OutOrStdout())
			fmt.Fprintln(w, "VERSION\tSERVES\tCALLS\tFAULTS\tREFUSALS\tFUEL MEDIAN\tFUEL MAX")
			for i := range answer.Versions {
				v := &answer.Versions[i]
				fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%d\t%d\n", v.Version, v.Serves, v.Calls, v.faults(), v.Refusals, v.Fuel.Median, v.Fuel.Max)
			}
			for i := range answer.Versions {
				v := &answer.Versions[i]
				if f := v.LastFault; f != nil {
					fmt.Fprintf(w, "\n%d: last fault at %s: %s\n", v.Version, f.At, f.Message)
				}
				if v.Canary != nil {
					v.Canary.show(w, v.Version)
				}
			}
			return w.Flush()
		},
	}
}

type versionFigures struct {
	Version  int               `json:"version"`
	Serves   string            `json:"serves"`
	Calls    uint64            `json:"calls"`
	Refusals uint64            `json:"refusals"`
	Faults   map[string]uint64 `json:"faults"`
	Fuel     struct {
		Median uint64 `json:"median"`
		Max    uint64 `json:"max"`
	} `json:"fuel"`
	LastFault *struct {
		At      string `json:"at"`
		Message string `json:"message"`
	} `json:"last_fault"`
	Canary *comparison `json:"canary"`
}

func (v *versionFigures) faults() (n uint64) {
	for count := range maps.Values(v.Faults) {
		n += count
	}
	return n
}

// comparison is of a canary with the rest.
type comparison struct {
	Canary  sample `json:"canary"`
	Rest    sample `json:"rest"`
	Verdict string `json:"verdict"`
}

type sample struct {
	Requests    uint64  `json:"requests"`
	Errors      uint64  `json:"errors"`
	Rejections  uint64  `json:"rejections"`
	MeanLatency float64 `json:"mean_latency_ms"`
	P95Latency  float64 `json:"p95_latency_ms"`
	MeanCost    float64 `json:"mean_cost_usd"`
}

func (c *comparison) show(w io.Writer, version int) {
	fmt.Fprintf(w, "\n%d AS CANARY\tREQUESTS\tERRORS\tREJECTED\tMEAN\tP95\tMEAN COST\n", version)
	for _, side := range []struct {
		name string
		s    *sample
	}{{"canary", &c.Canary}, {"the rest", &c.Rest}} {
		s := side.s
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.0f ms\t%.0f ms\t$%.6f\n", side.name, s.Requests, s.Errors, s.Rejections, s.MeanLatency, s.P95Latency, s.MeanCost)
	}
	if c.Verdict != "" {
		fmt.Fprintf(w, "taken out: %s\n", c.Verdict)
	}
}

// NewDecision is the command decision: where requests of a tenant went, and why.
func NewDecision(getenv Lookup) *cobra.Command {
	c := &client{}
	cmd := c.ofTenant(&cobra.Command{Use: "decision", Short: "Show where a tenant's requests went, and why"}, getenv, "usage")
	cmd.AddCommand(decisionList(c), decisionExplain(c))
	return cmd
}

func decisionList(c *client) *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use: "list", Short: "List the latest routing decisions", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Decisions []struct {
					ID         string `json:"id"`
					At         string `json:"at"`
					Group      string `json:"group"`
					Deployment string `json:"deployment"`
					Policy     string `json:"policy"`
					Version    int    `json:"version"`
					Status     int    `json:"status"`
				} `json:"decisions"`
			}
			if err := c.get(cmd.Context(), "/v1/decisions?limit="+strconv.Itoa(last), &answer); err != nil {
				return err
			}
			w := table(cmd.OutOrStdout())
			fmt.Fprintln(w, "DECISION\tAT\tGROUP\tDEPLOYMENT\tPOLICY\tSTATUS")
			for _, d := range answer.Decisions {
				policy := "-"
				if d.Policy != "" {
					policy = fmt.Sprintf("%s@%d", d.Policy, d.Version)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", d.ID, d.At, d.Group, none(d.Deployment), policy, d.Status)
			}
			return w.Flush()
		},
	}
	cmd.Flags().IntVar(&last, "last", 20, "how many, at most 200")
	return cmd
}

func decisionExplain(c *client) *cobra.Command {
	return &cobra.Command{
		Use: "explain [DECISION]", Short: "Explain a decision in words; without its ID the latest one", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				var answer struct {
					Decisions []struct {
						ID string `json:"id"`
					} `json:"decisions"`
				}
				if err := c.get(cmd.Context(), "/v1/decisions?limit=1", &answer); err != nil {
					return err
				}
				if len(answer.Decisions) == 0 {
					return errors.New("no decision is recorded")
				}
				args = []string{answer.Decisions[0].ID}
			}
			var answer struct {
				Explanation []string `json:"explanation"`
			}
			if err := c.get(cmd.Context(), "/v1/decisions/"+url.PathEscape(args[0]), &answer); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(answer.Explanation, "\n"))
			return err
		},
	}
}

// NewUsage is the command usage: what a tenant has used.
func NewUsage(getenv Lookup) *cobra.Command {
	var by []string
	var from, to string
	c := &client{}
	cmd := c.ofTenant(&cobra.Command{Use: "usage", Short: "Show what a tenant has used this month", Args: cobra.NoArgs}, getenv, "usage")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query := url.Values{}
		for name, value := range map[string]string{"by": strings.Join(by, ","), "from": from, "to": to} {
			if value != "" {
				query.Set(name, value)
			}
		}
		var answer struct {
			Rows  []usageRow `json:"rows"`
			Total usageRow   `json:"total"`
		}
		if err := c.get(cmd.Context(), "/v1/usage?"+query.Encode(), &answer); err != nil {
			return err
		}
		columns := slices.Concat(by, []string{"requests", "failed", "prompt_tokens", "completion_tokens", "cost_usd"})
		w := table(cmd.OutOrStdout())
		fmt.Fprintln(w, strings.ToUpper(strings.ReplaceAll(strings.Join(columns, "\t"), "_", " ")))
		if len(by) > 0 {
			answer.Total[by[0]] = json.RawMessage(`"total"`)
		}
		for _, row := range append(answer.Rows, answer.Total) {
			fmt.Fprintln(w, strings.Join(row.cells(columns), "\t"))
		}
		return w.Flush()
	}
	cmd.Flags().StringSliceVar(&by, "by", []string{"day"}, "what to split by: day, month, group, deployment, provider, model, surface, key")
	cmd.Flags().StringVar(&from, "from", "", "the first `DAY`, as 2006-01-02, in UTC")
	cmd.Flags().StringVar(&to, "to", "", "the last `DAY`")
	return cmd
}

// usageRow is sums by the name of their column, with their digits.
type usageRow map[string]json.RawMessage

func (r usageRow) cells(columns []string) []string {
	cells := make([]string, len(columns))
	for i, name := range columns {
		if json.Unmarshal(r[name], &cells[i]) != nil { // it is a number
			cells[i] = string(r[name])
		}
	}
	return cells
}
