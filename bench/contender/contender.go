// Package contender starts what the benchmark compares: the router in its different uses, bare proxies, and other
// gateways. Each is a process on loopback that forwards OpenAI's chat completions to the mock vendor.
package contender

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Setup is what contenders need to start.
type Setup struct {
	Work    string // folder for configurations, logs and caches
	Bench   string // this program, which is the bare proxies too
	Peers   string // folder in which peers.sh installs
	Router  string // the router's binary
	Modules string // folder of its plugins
	Vendor  string // address of the mock vendor
}

// Contender is one way from a client to the vendor.
type Contender struct {
	Name    string
	About   string
	Headers []string // lines that a request needs
	Model   string   // that it asks for
	Slow    bool     // so much slower than the rest that it is spared what would take minutes
	Streams bool     // forwards streams token by token
	start   func(ctx context.Context, s *Setup) (*Running, error)
}

// Running is a contender that answers.
type Running struct {
	*Contender
	Address  string
	*Process // nil for the vendor itself, which is not theirs to stop
}

// ErrMissing says that a contender is not installed.
var ErrMissing = errors.New("not installed")

// Known lists all contenders in the order of the table.
func Known() []*Contender {
	return append([]*Contender{direct(), nginx(), fast(), echo()}, append(switchyard(), portkey(), litellm())...)
}

// Start starts a contender and waits until a request through it is answered. The error wraps [ErrMissing] when there is
// nothing to start.
func (c *Contender) Start(ctx context.Context, s *Setup) (*Running, error) {
	r, err := c.start(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	r.Contender = c
	if err := r.Ready(ctx, 90*time.Second); err != nil {
		r.Stop()
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	return r, nil
}

// Stop ends it.
func (r *Running) Stop() {
	if r.Process != nil {
		r.Process.Stop()
	}
}

// Body is a chat completion of about size bytes, as a conversation of turns.
func (c *Contender) Body(size int, stream bool) string {
	const sentence = `Plain prose is most of what is sent: \"quoted\" words, a line\nbreak now and then, and numbers like 1,024. `
	var b strings.Builder
	fmt.Fprintf(&b, `{"model":%q,"stream":%v,"temperature":0.7,"max_tokens":256,"messages":[{"role":"system","content":"You answer in one sentence."}`, c.Model, stream)
	roles := [...]string{"user", "assistant"}
	for i := 0; b.Len() < size-40 || i == 0; i++ {
		turn := max(1, min(20, (size-40-b.Len())/len(sentence)))
		fmt.Fprintf(&b, `,{"role":"%s","content":"%s"}`, roles[i%2], strings.Repeat(sentence, turn))
	}
	b.WriteString(`,{"role":"user","content":"Go on."}]}`)
	return b.String()
}

// Ready waits until a request is answered.
func (r *Running) Ready(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		err := r.ask(ctx, client)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until it answers: %w", err)
		case <-time.After(2 * time.Millisecond):
		}
		if r.Process == nil {
			continue
		}
		select {
		case <-r.done:
			return fmt.Errorf("it has ended; see %s", r.log)
		default:
		}
	}
}

func (r *Running) ask(ctx context.Context, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.Address+Path, strings.NewReader(r.Body(500, false)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	for _, line := range r.Headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	return err
}

// Path is where all requests go.
const Path = "/v1/chat/completions"

const bearer = "Authorization: Bearer " + clientKey

// clientKey is what the load generator says who it is with.
const clientKey = "bench-client-key"

// freeAddress finds a port for programs that cannot say which one they took.
func freeAddress(ctx context.Context) (string, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func direct() *Contender {
	return &Contender{
		Name: "direct", About: "the load generator to the mock vendor, nothing between", Model: "bench-model", Streams: true,
		start: func(_ context.Context, s *Setup) (*Running, error) { return &Running{Address: s.Vendor}, nil },
	}
}

func bare(kind, about string, streams bool) *Contender {
	return &Contender{
		Name: kind, About: about, Headers: []string{bearer}, Model: "bench-model", Streams: streams,
		start: func(ctx context.Context, s *Setup) (*Running, error) {
			p, err := Start(s.Work, kind, nil, s.Bench, "proxy", kind, s.Vendor)
			if err != nil {
				return nil, err
			}
			return At(ctx, p, "listening on ")
		},
	}
}

func echo() *Contender { return bare("echo", "bare echo v4 + net/http/httputil.ReverseProxy", true) }
func fast() *Contender { return bare("fasthttp", "bare fasthttp server and client", false) }

// At waits for a program's address, which follows text up to the next space.
func At(ctx context.Context, p *Process, text string) (*Running, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	line, err := p.Line(ctx, text)
	if err != nil {
		p.Stop()
		return nil, err
	}
	_, address, _ := strings.Cut(line, text)
	address, _, _ = strings.Cut(address, " ")
	return &Running{Address: address, Process: p}, nil
}
