package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/internal/replay"
)

// pollReplay is how often a replay is asked for its progress.
const pollReplay = 200 * time.Millisecond

// abandonTime bounds how long its cancellation may take.
const abandonTime = 5 * time.Second

func policyReplay(c *client) *cobra.Command {
	var version, last int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "replay NAME", Short: "Show what a version would have done with past requests", Args: cobra.ExactArgs(1),
		Long: `Show what a version would have done with the tenant's past requests. Nothing changes by it. The end of the command
(Ctrl-C) cancels the replay.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if version == 0 {
				var err error
				if version, err = c.latest(cmd.Context(), args[0]); err != nil {
					return err
				}
			}
			body := map[string]any{"last": last, "version": version}
			var job replay.Job
			if err := c.post(cmd.Context(), policyPath(args[0], "/replay"), body, &job); err != nil {
				return err
			}
			if err := c.await(cmd.Context(), cmd.ErrOrStderr(), &job); err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(job.Result)
			}
			return report(cmd.OutOrStdout(), &job)
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "the `VERSION`; without it the latest one")
	cmd.Flags().IntVar(&last, "last", 10_000, "how many requests, the latest ones")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the whole result as JSON")
	return cmd
}

// latest is the number of a policy's latest version.
func (c *client) latest(ctx context.Context, name string) (int, error) {
	var answer struct {
		Versions []struct {
			Version int `json:"version"`
		} `json:"versions"` // the newest first
	}
	if err := c.get(ctx, policyPath(name, "/versions"), &answer); err != nil {
		return 0, err
	}
	if len(answer.Versions) == 0 {
		return 0, fmt.Errorf("policy %q has no versions: upload one", name)
	}
	return answer.Versions[0].Version, nil
}

// await follows a replay to its end, and cancels it when ctx ends.
func (c *client) await(ctx context.Context, progress io.Writer, job *replay.Job) error {
	path := "/v1/replays/" + job.ID
	tick := time.NewTicker(pollReplay)
	defer tick.Stop()
	for job.State == replay.Running {
		fmt.Fprintf(progress, "\r%d of %d requests", job.Done, job.Total)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		err := c.get(ctx, path, job)
		if ctx.Err() != nil {
			fmt.Fprintln(progress)
			return c.abandon(ctx, path)
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(progress, "\r%d of %d requests\n", job.Done, job.Total)
	if job.State != replay.Done {
		return fmt.Errorf("replay %s: %s %s", job.ID, job.State, job.Error)
	}
	return nil
}

// abandon cancels a replay for which nobody waits any more.
func (c *client) abandon(ctx context.Context, path string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer stop()
	if err := c.send(ctx, http.MethodDelete, path, "", nil, nil); err != nil {
		return fmt.Errorf("canceling the replay: %w", err)
	}
	return errors.New("the replay was canceled")
}

// report prints a result for people.
func report(out io.Writer, job *replay.Job) error {
	r := job.Result
	if r.Requests == 0 {
		_, err := fmt.Fprintln(out, "there are no recorded requests to replay yet")
		return err
	}
	w := table(out)
	fmt.Fprintf(w, "%s@%d\t%d requests, %s to %s\n", job.Policy, job.Version, r.Requests, stamp(r.From), stamp(r.To))
	fmt.Fprintf(w, "elsewhere\t%d (%.1f %%)\n", r.Moved, 100*r.Share)
	fmt.Fprintf(w, "cost\t$%.4f → $%.4f\t%s\n", r.Cost.Before, r.Cost.After, unknown(r.Cost))
	fmt.Fprintf(w, "mean latency\t%s → %s\t%s\n", mean(r.Latency.Before, r.Latency.Known), mean(r.Latency.After, r.Latency.Known), unknown(r.Latency))
	fmt.Fprintf(w, "refused\t%d → %d\n", r.Rejected.Before, r.Rejected.After)
	fmt.Fprintf(w, "without a deployment\t%d → %d\n", r.Unrouted.Before, r.Unrouted.After)
	fmt.Fprintf(w, "faults\t%s\n", faults(r.Faults))
	fmt.Fprintf(w, "fuel\tmin %d, median %d, max %d\n", r.Fuel.Min, r.Fuel.Median, r.Fuel.Max)
	fmt.Fprintln(w, "\nDEPLOYMENT\tBEFORE\tAFTER")
	for _, s := range r.Deployments {
		fmt.Fprintf(w, "%s\t%d\t%d\n", s.Name, s.Before, s.After)
	}
	if len(r.Largest) > 0 {
		fmt.Fprintln(w, "\nDECISION\tFROM\tTO\tCOST\tLATENCY\tREASON")
		for i := range r.Largest {
			d := &r.Largest[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.ID, none(d.Before), none(d.After), delta(d.Cost, "$%+.6f"), delta(d.Latency, "%+.0f ms"), d.Reason)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "\n"+r.Method)
	return err
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func unknown(c replay.Change) string {
	if c.Unknown == 0 {
		return ""
	}
	return fmt.Sprintf("(%d requests not known)", c.Unknown)
}

func mean(sum float64, n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f ms", sum/float64(n))
}

func faults(kinds map[string]int) string {
	if len(kinds) == 0 {
		return "none"
	}
	return fmt.Sprint(kinds) // fmt sorts the keys
}

func none(deployment string) string {
	if deployment == "" {
		return "-"
	}
	return deployment
}

func delta(d *float64, format string) string {
	if d == nil {
		return "-"
	}
	return fmt.Sprintf(format, *d)
}
