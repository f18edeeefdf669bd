package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
)

// step is what a vendor does with one call.
type step struct {
	wait   time.Duration // before the headers
	hang   bool          // never answers
	err    error
	status int
	header http.Header
	body   string
	pieces []piece // of a streamed body, instead of body
}

// piece is a part of a streamed body.
type piece struct {
	wait time.Duration
	text string
	err  error
	hang bool
}

func ok() step { return step{status: 200, body: completion} }

const completion = `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":4}}}`

func status(code int) step {
	return step{status: code, body: `{"error":{"message":"no"}}`}
}

func refusing(code int, name string) step {
	return step{status: code, body: fmt.Sprintf(`{"error":{"message":"no","code":%q}}`, name)}
}

func asking(code int, retryAfter string) step {
	s := status(code)
	s.header = http.Header{"Retry-After": {retryAfter}}
	return s
}

func hanging() step { return step{hang: true} }

func after(d time.Duration, s step) step { s.wait = d; return s }

func broken(kind upstream.Kind) step {
	return step{err: &upstream.Error{Kind: kind, Op: "send the request", Detail: kind.String()}}
}

func streaming(pieces ...piece) step { return step{status: 200, pieces: pieces} }

func text(s string) piece { return piece{text: s} }

// sse frames events.
func sse(events ...string) piece {
	var b strings.Builder
	for _, e := range events {
		b.WriteString("data: " + e + "\n\n")
	}
	return piece{text: b.String()}
}

const (
	roleEvent   = `{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`
	helloEvent  = `{"id":"c","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}`
	loEvent     = `{"id":"c","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}`
	finishEvent = `{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usageEvent  = `{"id":"c","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20}}`
	errorEvent  = `{"error":{"message":"overloaded","code":503}}`
	done        = `[DONE]`
)

func wholeStream() step {
	return streaming(sse(roleEvent), sse(helloEvent), sse(loEvent), sse(finishEvent), sse(usageEvent, done))
}

// vendors is an Upstream that follows scripts, by the deployment that the path names.
type vendors struct {
	mu      sync.Mutex
	scripts map[string][]step
	calls   []call
	open    int // bodies not closed
}

type call struct {
	id   string
	at   time.Time
	body string
}

func (v *vendors) Do(ctx context.Context, r *upstream.Request) (*upstream.Response, error) {
	id := strings.TrimPrefix(r.Path, "/")
	v.mu.Lock()
	v.calls = append(v.calls, call{id: id, at: time.Now(), body: string(r.Body)})
	s := ok()
	if strings.Contains(string(r.Body), `"stream":true`) {
		s = wholeStream()
	}
	if script := v.scripts[id]; len(script) > 0 {
		s = script[0]
		if len(script) > 1 {
			v.scripts[id] = script[1:]
		}
	}
	v.mu.Unlock()
	if err := sleep(ctx, s.wait, s.hang); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.header == nil {
		s.header = http.Header{}
	}
	pieces := s.pieces
	if pieces == nil {
		pieces = []piece{text(s.body)}
	}
	v.mu.Lock()
	v.open++
	v.mu.Unlock()
	return &upstream.Response{Status: s.status, Header: s.header, Body: &body{v: v, ctx: ctx, pieces: slices.Clone(pieces), closed: make(chan struct{})}}, nil
}

// sleep waits as a connection does: the end of ctx is an error of the exchange.
func sleep(ctx context.Context, d time.Duration, forever bool) error {
	if d == 0 && !forever {
		if ctx.Err() != nil {
			return gone(ctx)
		}
		return nil
	}
	var end <-chan time.Time
	if !forever {
		t := time.NewTimer(d)
		defer t.Stop()
		end = t.C
	}
	select {
	case <-end:
		return nil
	case <-ctx.Done():
		return gone(ctx)
	}
}

func gone(ctx context.Context) error {
	return &upstream.Error{Kind: upstream.Canceled, Op: "test", Detail: ctx.Err().Error()}
}

// body gives its pieces one Read each.
type body struct {
	v      *vendors
	ctx    context.Context
	pieces []piece
	once   sync.Once
	closed chan struct{}
}

func (b *body) Read(p []byte) (int, error) {
	for len(b.pieces) > 0 {
		next := &b.pieces[0]
		ctx, cancel := context.WithCancel(b.ctx)
		stop := make(chan struct{})
		if next.hang {
			go func() {
				select {
				case <-b.closed:
					cancel()
				case <-stop:
				}
			}()
		}
		err := sleep(ctx, next.wait, next.hang)
		close(stop)
		cancel()
		next.wait = 0
		if err != nil {
			return 0, err
		}
		n := copy(p, next.text)
		if next.text = next.text[n:]; next.text == "" {
			err := next.err
			b.pieces = b.pieces[1:]
			if err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

func (b *body) Close() error {
	b.once.Do(func() {
		close(b.closed)
		b.v.mu.Lock()
		b.v.open--
		b.v.mu.Unlock()
	})
	return nil
}
