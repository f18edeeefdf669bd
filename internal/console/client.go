// Package console is the commands that call a running router: import it for a command line that chats, makes tenants and
// keys, manages policies, and shows decisions and usage. It talks HTTP and knows nothing of how a router works.
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// Lookup reads an environment variable, like os.LookupEnv.
type Lookup = func(string) (string, bool)

// client calls the API of a running router.
type client struct {
	url, tenant string
	secret      string
}

// policyPath is the path of what belongs to a policy. A name that is none is for the router to refuse.
func policyPath(name, rest string) string { return "/v1/policies/" + url.PathEscape(name) + rest }

// Variables of the environment: where the router is, and a caller's secret.
const (
	urlVariable   = "SWITCHYARD_URL"
	keyVariable   = "SWITCHYARD_API_KEY"
	adminVariable = "SWITCHYARD_ADMIN_TOKEN"
)

// prepare takes the caller's secret from the environment, and where to go.
func (c *client) prepare(cmd *cobra.Command, getenv Lookup, variable string) error {
	c.url = located(cmd, getenv, c.url)
	if c.secret, _ = getenv(variable); c.secret == "" {
		return fmt.Errorf("environment variable %s is not set", variable)
	}
	return nil
}

// ofTenant makes a command call the router as a tenant: with its key, or for it with the admin token.
func (c *client) ofTenant(cmd *cobra.Command, getenv Lookup, scope string) *cobra.Command {
	cmd.Long = cmd.Short + fmt.Sprintf(` on a running router. The key comes from %s and needs the scope %q.
With the admin token in %s instead, --tenant names the tenant.`, keyVariable, scope, adminVariable)
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if c.tenant != "" {
			return c.prepare(cmd, getenv, adminVariable)
		}
		return c.prepare(cmd, getenv, keyVariable)
	}
	locate(cmd, &c.url)
	cmd.PersistentFlags().StringVar(&c.tenant, "tenant", "", "the `TENANT`, with the admin token")
	return cmd
}

// locate gives a command the flag that says where the router is.
func locate(cmd *cobra.Command, to *string) {
	cmd.PersistentFlags().StringVar(to, "url", "http://127.0.0.1:8080", "the router's `URL`, also from "+urlVariable)
}

// located is where the router is: by the flag, else by the environment, else by the flag's default.
func located(cmd *cobra.Command, getenv Lookup, flag string) string {
	if u, _ := getenv(urlVariable); u != "" && !cmd.Flags().Changed("url") {
		return u
	}
	return flag
}

func (c *client) get(ctx context.Context, path string, answer any) error {
	return c.send(ctx, http.MethodGet, path, "", nil, answer)
}

func (c *client) post(ctx context.Context, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.send(ctx, http.MethodPost, path, "application/json", bytes.NewReader(text), answer)
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

// send makes a call. The error is what the router said, if it said something.
func (c *client) send(ctx context.Context, method, path, contentType string, body io.Reader, answer any) error {
	target := strings.TrimSuffix(c.url, "/") + path
	if c.tenant != "" {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		target += separator + "tenant=" + url.QueryEscape(c.tenant)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return fmt.Errorf("calling %s: %w", c.url, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.secret)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err // it names method and address
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of %s %s: %w", method, path, err)
	}
	if resp.StatusCode >= 400 {
		return refused(resp, text)
	}
	if answer == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("reading the answer of %s %s: %w", method, path, err)
	}
	return nil
}

// refused is an error answer in lines: what was said, then each reason.
func refused(resp *http.Response, text []byte) error {
	var body struct {
		Error struct {
			Message string `json:"message"`
			Code    string `json:"code"`
			Reasons []struct {
				Message string `json:"message"`
				Place   string `json:"place"`
			} `json:"reasons"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &body) != nil || body.Error.Message == "" {
		return fmt.Errorf("the router answered with status %s", resp.Status)
	}
	message := body.Error.Message
	if len(body.Error.Reasons) > 0 { // which the message repeats
		message, _, _ = strings.Cut(message, ": ")
	}
	lines := []string{fmt.Sprintf("%d %s: %s", resp.StatusCode, body.Error.Code, message)}
	for _, r := range body.Error.Reasons {
		if r.Place != "" {
			r.Message = r.Place + ": " + r.Message
		}
		lines = append(lines, "  "+r.Message)
	}
	return errors.New(strings.Join(lines, "\n"))
}
