package load

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/mark"
	"github.com/switchyard-gateway/switchyard/bench/mock"
)

func vendor(t *testing.T, p mock.Profile) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := new(mock.Server)
	s.Set(p)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func plain(address string) *Options {
	return &Options{
		Address: address, Path: "/v1/chat/completions", Headers: []string{"X-Test: 1"}, Body: `{"stream":false}`,
		Connections: 4, Warmup: 10 * time.Millisecond, Window: 200 * time.Millisecond, Grace: time.Minute,
	}
}

func run(t *testing.T, o *Options) *Result {
	t.Helper()
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestClosed(t *testing.T) {
	res := run(t, plain(vendor(t, mock.Profile{})))
	if res.Answers == 0 || res.Broken != 0 || res.Latency.N != res.Answers || res.Latency.P50 <= 0 || res.Latency.P999 < res.Latency.P50 {
		t.Errorf("%+v", res)
	}
	if res.Processor["load"] <= 0 {
		t.Errorf("processor time: %v", res.Processor)
	}
}

func TestPaced(t *testing.T) {
	o := plain(vendor(t, mock.Profile{}))
	o.Rate = 500
	res := run(t, o)
	// The window is as long as it is, so the rate over it is what was asked for, give or take its ends.
	if want := o.Rate * res.Seconds; res.Broken != 0 || float64(res.Late.N) > want+2 || res.Answers == 0 {
		t.Errorf("%d were sent and %d answered in %.2f s, %d broken (%s)", res.Late.N, res.Answers, res.Seconds, res.Broken, res.Complain)
	}
}

// TestWaitingIsOnTheRecord: a vendor that takes longer than requests are apart makes the later ones wait for nobody,
// and each takes at least what the vendor takes.
func TestWaitingIsOnTheRecord(t *testing.T) {
	const delay = 50 * time.Millisecond
	o := plain(vendor(t, mock.Profile{Delay: delay}))
	o.Rate, o.Connections, o.Less = 200, 1, delay
	res := run(t, o)
	if res.Answers == 0 || res.Broken != 0 || res.Latency.P50 < 0 {
		t.Fatalf("%+v", res)
	}
	o.Less = 0
	if res = run(t, o); res.Latency.P50 < 50_000*0.999 {
		t.Errorf("p50 of %.0f µs, the vendor takes 50,000", res.Latency.P50)
	}
}

func TestStreams(t *testing.T) {
	o := plain(vendor(t, mock.Profile{Tokens: 5, Interval: 5 * time.Millisecond}))
	o.Body, o.Stream, o.Tokens = `{"stream":true}`, true, 5
	res := run(t, o)
	if res.Streams == 0 || res.Tokens == 0 || res.Broken != 0 || res.Transit.N != res.Tokens || res.First.N == 0 {
		t.Errorf("%+v", res)
	}
}

// TestNoticesWhatIsWrong has servers that lose, alter, swap and cut.
func TestNoticesWhatIsWrong(t *testing.T) {
	token := func(n int) string {
		b := make([]byte, mark.Size)
		mark.Put(b, time.Now(), n)
		return "data: " + string(b) + "\n\n"
	}
	const done = "data: [DONE]\n\n"
	for name, c := range map[string]struct {
		stream bool
		serve  func(http.ResponseWriter)
		want   string
	}{
		"status":        {false, func(w http.ResponseWriter) { http.Error(w, mark.Plain, http.StatusServiceUnavailable) }, "status 503"},
		"another text":  {false, func(w http.ResponseWriter) { fmt.Fprint(w, "hello") }, "not the mock's answer"},
		"empty":         {false, func(http.ResponseWriter) {}, "empty"},
		"cut":           {false, func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99"); fmt.Fprint(w, mark.Plain) }, "unexpected EOF"},
		"lost token":    {true, func(w http.ResponseWriter) { fmt.Fprint(w, token(0), done) }, "1 tokens of 2"},
		"token twice":   {true, func(w http.ResponseWriter) { fmt.Fprint(w, token(0), token(0), done) }, "in order: false"},
		"swapped":       {true, func(w http.ResponseWriter) { fmt.Fprint(w, token(1), token(0), done) }, "in order: false"},
		"altered token": {true, func(w http.ResponseWriter) { fmt.Fprint(w, strings.Replace(token(0), ".", ",", 1)) }, "no longer what was sent"},
		"no end":        {true, func(w http.ResponseWriter) { fmt.Fprint(w, token(0), token(1)) }, "a stream ends with"},
		"cut stream": {true, func(w http.ResponseWriter) {
			fmt.Fprint(w, token(0))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "after 1 of 2 tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.serve(w) }))
			defer s.Close()
			o := plain(s.Listener.Addr().String())
			o.Stream, o.Tokens, o.Window = c.stream, 2, 50*time.Millisecond
			res := run(t, o)
			if res.Broken == 0 || res.Answers != 0 || !strings.Contains(res.Complain, c.want) {
				t.Errorf("%d broken of %d, %q; want %q", res.Broken, res.Answers, res.Complain, c.want)
			}
		})
	}
}

// TestChunked reads answers in parts, from a server that closes in between.
func TestChunked(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		half := len(mark.Plain) / 2
		fmt.Fprint(w, mark.Plain[:half])
		w.(http.Flusher).Flush()
		fmt.Fprint(w, mark.Plain[half:])
		w.Header().Set("Connection", "close")
	}))
	defer s.Close()
	if res := run(t, plain(s.Listener.Addr().String())); res.Broken != 0 || res.Answers == 0 {
		t.Errorf("%+v", res)
	}
}

func TestNothingToMeasure(t *testing.T) {
	if _, err := Run(t.Context(), &Options{Connections: 1}); err == nil {
		t.Error("no error")
	}
}

func TestClocks(t *testing.T) {
	before := clocks{watched: map[int]time.Duration{1: time.Second, 2: time.Second}, own: time.Second, machine: 10 * time.Second}
	after := clocks{watched: map[int]time.Duration{1: 3 * time.Second}, own: 2 * time.Second, machine: 20 * time.Second}
	got := after.since(before, map[string][]int{"gateway": {1, 2}})
	if got["gateway"] != 2 || got["load"] != 1 || got["others"] != 7 {
		t.Errorf("%v, want gateway 2, load 1, others 7: a process that ended counts no more", got)
	}
}
