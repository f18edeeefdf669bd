// Package console is the commands that call a running router: import it for a command line that chats, makes tenants and
// keys, and manages policies. It talks HTTP and knows nothing of how a router works.
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
)

// Lookup reads an environment variable, like os.LookupEnv.
type Lookup = func(string) (string, bool)

// client calls the API of a running router.
type client struct {
	url, tenant string
	secret      string
}

// Variables of the environment with a caller's secret.
const (
	keyVariable   = "SWITCHYARD_API_KEY"
	adminVariable = "SWITCHYARD_ADMIN_TOKEN"
)

// prepare takes the caller's secret from the environment.
func (c *client) prepare(getenv Lookup, variable string) error {
	if c.secret, _ = getenv(variable); c.secret == "" {
		return fmt.Errorf("environment variable %s is not set", variable)
	}
	return nil
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
		target += "?tenant=" + url.QueryEscape(c.tenant)
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
	lines := []string{fmt.Sprintf("%d %s: %s", resp.StatusCode, body.Error.Code, body.Error.Message)}
	for _, r := range body.Error.Reasons {
		if r.Place != "" {
			r.Message = r.Place + ": " + r.Message
		}
		lines = append(lines, "  "+r.Message)
	}
	return errors.New(strings.Join(lines, "\n"))
}
