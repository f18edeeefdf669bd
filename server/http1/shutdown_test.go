package http1

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestShutdown(t *testing.T) {
	inBubble(t, slowly, func(b *bubble) {
		idle, working, half, pipelining := b.dial(), b.dial(), b.dial(), b.dial()
		idle.send(simple)
		idle.expect(200, "/")
		working.send(get("/working?1m"))
		half.send("GET / HT")
		pipelining.send(get("/first?30s") + get("/second?30s"))
		synctest.Wait()
		start := time.Now()
		fresh := b.dial()
		ended := make(chan error)
		go func() { ended <- b.server.Shutdown(b.t.Context()) }()
		idle.ends(0, 0)
		fresh.ends(freshTime, lookMost)
		half.ends(0, 3*time.Second) // net/http counts in whole seconds
		if !pipelining.expect(200, "/first") {
			t.Error("the connection may be used again")
		}
		pipelining.ends(0, 0)
		if last := working.expect(200, "/working"); !last || time.Since(start) != time.Minute {
			t.Errorf("answered after %v, closing %v", time.Since(start), last)
		}
		working.ends(0, 0)
		if err := <-ended; err != nil || time.Since(start) > time.Minute+lookMost {
			t.Errorf("Shutdown: %v after %v", err, time.Since(start))
		}
	})
}

func TestShutdownGivesUp(t *testing.T) {
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(b *bubble) {
		c := b.dial()
		c.send(simple)
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := b.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Shutdown: %v after %v", err, time.Since(start))
		}
		_ = b.server.Close()
		c.ends(0, 0)
	})
}

// TestShutdownBeforeServe finds nothing to do, and Serve does nothing afterwards.
func TestShutdownBeforeServe(t *testing.T) {
	t.Parallel()
	s := New(&http.Server{})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	q := newQueue()
	if err := s.Serve(q); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
	if _, err := q.Accept(); err == nil {
		t.Error("the listener is open")
	}
}

// flaky is a listener that fails now and then.
type flaky struct {
	*queue
	errs chan error
}

func (f *flaky) Accept() (net.Conn, error) {
	select {
	case err := <-f.errs:
		return nil, err
	default:
		return f.queue.Accept()
	}
}

type passing struct{ error }

func (passing) Temporary() bool { return true }

func TestAcceptFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		final := errors.New("no more")
		f := &flaky{newQueue(), make(chan error, 12)}
		for range 10 {
			f.errs <- passing{errors.New("too many open files")}
		}
		f.errs <- final
		s := New(&http.Server{ErrorLog: log.New(io.Discard, "", 0)})
		start := time.Now()
		if err := s.Serve(f); !errors.Is(err, final) {
			t.Errorf("Serve: %v", err)
		}
		if took := time.Since(start); took != 3275*time.Millisecond { // 5 + 10 + … + 640 + 2 × 1000 ms
			t.Errorf("it took %v", took)
		}
		_ = s.Close()
	})
}
