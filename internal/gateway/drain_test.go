package gateway

import (
	"testing"
	"time"
)

// TestDrain holds that what outlives its snapshot's drain is ended, and nothing else is.
func TestDrain(t *testing.T) {
	t.Parallel()
	// start publishes a snapshot that drains within a minute, and begins a stream on it that says
	// one word and then nothing.
	start := func(t *testing.T, w *world, timeout time.Duration) (run func() *Error) {
		w.on("local/llama", streaming(sse(helloEvent), piece{hang: true}))
		w.gw.Publish(NewSnapshot(SnapshotSpec{Groups: w.groups, Open: true, Drain: time.Minute}))
		snap := w.gw.Acquire()
		req := request("local")
		streamed(req)
		req.Timeout = timeout
		res, err := w.gw.Do(t.Context(), snap, req)
		snap.Release()
		if err != nil {
			t.Fatal(err)
		}
		return func() *Error {
			defer res.Stream.Close()
			return res.Stream.Run(&sink{})
		}
	}
	check(t, []rule{
		{"a stream that outlives its snapshot's drain ends with an error, which is no failure of the vendor", func(t *testing.T, w *world) {
			run := start(t, w, time.Hour)
			w.publish()
			began := now()
			if e := run(); e == nil || e.Code != "drained" || e.Status != 503 || e.Canceled() {
				t.Errorf("%+v", e)
			}
			if took := now().Sub(began); took != time.Minute {
				t.Errorf("ended after %s", took)
			}
			if s := w.dep("local/llama").Health.Status(); s.Failures != 0 || s.InFlight != 0 {
				t.Errorf("%+v", s)
			}
		}},
		{"without a new snapshot it goes on to its own deadline", func(t *testing.T, w *world) {
			if e := start(t, w, time.Hour)(); e == nil || e.Code != "timeout" {
				t.Errorf("%+v", e)
			}
		}},
		{"one that ends within the drain anyway has its own deadline", func(t *testing.T, w *world) {
			run := start(t, w, time.Minute)
			w.publish()
			if e := run(); e == nil || e.Code != "timeout" {
				t.Errorf("%+v", e)
			}
		}},
	})
}
