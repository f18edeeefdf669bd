package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/simulator/profile"
)

// Options configure a Simulator.
type Options struct {
	// Seed decides every random choice: latencies, faults, texts and ids.
	Seed uint64
	// Log gets one debug line a request; nil is silent. Neither bodies nor credentials are logged.
	Log *slog.Logger
}

// Simulator plays vendors. It is an http.Handler, safe for concurrent use. A fault that cuts a connection, or a client that
// leaves, ends ServeHTTP in a panic with http.ErrAbortHandler, as net/http asks for; that matters only to a caller that runs
// ServeHTTP without a server.
type Simulator struct {
	seed     uint64
	log      *slog.Logger
	accounts atomic.Pointer[map[string]*account] // copied on write, under mu
	mu       sync.Mutex
	journal  journal
	counters counters
}

// account is a profile with the requests that it has seen. The profile never changes: a new one is a new account.
type account struct {
	name    string
	profile profile.Profile
	seen    atomic.Uint64
}

// New returns a simulator with the built-in profiles. It answers http.Handler calls; Serve puts it on a listener.
func New(o Options) *Simulator {
	s := &Simulator{seed: o.Seed, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	accounts := map[string]*account{}
	for name, p := range profile.Builtin() {
		accounts[name] = &account{name: name, profile: p}
	}
	s.accounts.Store(&accounts)
	return s
}

// SetProfile adds or replaces a profile; its request count starts at zero. Requests under way keep the old one. The
// error names every problem of the profile.
func (s *Simulator) SetProfile(name string, p profile.Profile) error {
	if name == "" || strings.ContainsFunc(name, notNameRune) {
		return fmt.Errorf("profile name %q: only letters, digits, - and _ are allowed", name)
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("profile %q: %w", name, err)
	}
	p.Faults = append([]profile.Fault(nil), p.Faults...)
	s.mu.Lock()
	defer s.mu.Unlock()
	accounts := maps.Clone(*s.accounts.Load())
	accounts[name] = &account{name: name, profile: p}
	s.accounts.Store(&accounts)
	return nil
}

// Serve answers requests on ln until ctx ends, and then drops the connections that are open: a vendor that goes away. It
// returns nil after that, or the error that stopped the listener. Every handler has returned when Serve returns, unless
// one is stuck in a write to a client that neither reads nor leaves. Serve closes ln.
func (s *Simulator) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	unhook := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		stopped <- errors.Join(srv.Shutdown(grace), srv.Close())
	})
	err := srv.Serve(ln)
	if unhook() { // ctx has not ended: the listener broke
		return errors.Join(fmt.Errorf("simulator: serving on %s: %w", ln.Addr(), err), srv.Close())
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("simulator: stopping: %w", err)
	}
	return nil
}

const (
	maxBody       = 32 << 20
	profileHeader = "X-Sim-Profile"
)

// ServeHTTP implements http.Handler.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	vendor, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if vendor == "_sim" {
		s.control(w, r, path)
		return
	}
	vendor, account, named := strings.Cut(vendor, "@")
	if !named {
		account = "default"
	}
	if h := r.Header.Get(profileHeader); h != "" {
		account = h
	}
	d := dialectOf(vendor, path)
	acct := (*s.accounts.Load())[account]
	switch {
	case d == nil:
		plainError(w, http.StatusNotFound, fmt.Sprintf("simulator: no vendor %q; there are openai, anthropic and ollama", vendor))
		return
	case acct == nil:
		plainError(w, http.StatusNotFound, fmt.Sprintf("simulator: no profile %q", account))
		return
	}
	s.counters.received.Add(1)
	s.counters.inFlight.Add(1)
	x := newExchange(s, acct, d, w, r)
	err := x.run(path)
	x.release()
	s.counters.count(err)
	s.counters.inFlight.Add(-1)
	if s.log.Enabled(r.Context(), slog.LevelDebug) {
		s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "profile", acct.name, "n", x.n, "outcome", outcome(err))
	}
	// A client that is still there when the simulator stops must not take half an answer for a whole one.
	if errors.Is(err, errCut) || errors.Is(err, errGone) {
		panic(http.ErrAbortHandler)
	}
}

// dialectOf returns nil for an unknown vendor.
func dialectOf(vendor, path string) dialect {
	switch vendor {
	case "openai":
		return openai{}
	case "anthropic":
		return anthropic{}
	case "ollama":
		if strings.HasPrefix(path, "v1/") {
			return openai{ollama: true}
		}
		return ollama{}
	}
	return nil
}

// dialect is one vendor's wire format. Dialects have no state.
type dialect interface {
	// credential returns the key that the request carries. Optional means that a request without one is served.
	credential(h http.Header) (key string, optional bool)
	// head sets the headers which the vendor puts on every answer.
	head(x *exchange, h http.Header)
	// serve answers a request that has passed authentication.
	serve(x *exchange, path string) error
	// refusal returns the vendor's error for an HTTP status or one of the reasons below.
	refusal(x *exchange, reason int) refusal
	// appendError renders an error body, appendEventError an error inside a stream.
	appendError(dst []byte, x *exchange, e refusal) []byte
	appendEventError(dst []byte, x *exchange, e refusal) []byte
	// brokenEvent is a whole stream event whose payload is not JSON, cutEvent the beginning of one.
	brokenEvent() string
	cutEvent() string
}

// Reasons for a refusal that are not just an HTTP status.
const (
	reasonNoKey = 1000 + iota
	reasonContextLength
	reasonContentPolicy
	reasonModel
	reasonBadJSON
	reasonPath
	reasonMethod
)

// refusal is a vendor's error. Empty param and code are null in dialects that have them.
type refusal struct {
	status               int
	kind, message        string
	param, code          string
	retryAfter, retryHow string
}

// Ways an exchange can end other than by a complete answer.
var (
	errGone    = errors.New("the client left")
	errCut     = errors.New("cut by a fault")
	errFaulted = errors.New("a fault")
	errRefused = errors.New("refused")
)

func outcome(err error) string {
	if err == nil {
		return "completed"
	}
	return err.Error()
}

// readBody returns the whole body, or an error when the client left or sent more than maxBody. It reads through buf.
func readBody(r *http.Request, buf []byte) (string, error) {
	if r.ContentLength > maxBody {
		return "", errTooLarge
	}
	var b strings.Builder
	b.Grow(int(max(r.ContentLength, 0)))
	n, err := io.CopyBuffer(&b, io.LimitReader(r.Body, maxBody+1), buf)
	if err != nil {
		return "", errGone
	}
	if n > maxBody {
		return "", errTooLarge
	}
	return b.String(), nil
}

var errTooLarge = errors.New("body too large")

func notNameRune(c rune) bool {
	return c != '-' && c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
}
