package simulator

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/internal/simulator/answer"
	"github.com/switchyard-gateway/switchyard/internal/simulator/profile"
	"github.com/switchyard-gateway/switchyard/internal/simulator/prompt"
	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

// exchange is one request with its answer: it paces the answer, and breaks it where the profile's fault says so. Dialects
// append what they send to buf and call push. It belongs to one goroutine.
type exchange struct {
	sim     *Simulator
	acct    *account
	dialect dialect
	w       http.ResponseWriter
	rc      *http.ResponseController
	r       *http.Request
	body    string
	n       uint64         // number of this request within the profile, from 1
	fault   *profile.Fault // nil when all goes well

	times   seed.Random // draws latencies
	ids     seed.Random // draws ids
	created int64       // seconds; counts up by request, so that answers do not depend on the clock
	latency time.Duration
	model   string // as the request names it

	buf    []byte
	sent   int // tokens sent
	timer  *time.Timer
	pooled *[]byte
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

func newExchange(s *Simulator, acct *account, d dialect, w http.ResponseWriter, r *http.Request) *exchange {
	pooled := buffers.Get().(*[]byte)
	x := &exchange{
		sim: s, acct: acct, dialect: d, w: w, r: r, rc: http.NewResponseController(w),
		n: acct.seen.Add(1), pooled: pooled, buf: (*pooled)[:0],
	}
	base := seed.New(s.seed, acct.name, x.n)
	x.times, x.ids = seed.Random(base.Next()), seed.Random(base.Next())
	x.created = 1_750_000_000 + int64(x.n)
	for i := range acct.profile.Faults {
		if f := &acct.profile.Faults[i]; f.Hits(x.n, &base) && x.fault == nil {
			x.fault = f
		}
	}
	x.latency = acct.profile.Latency.Draw(&x.times)
	return x
}

// release gives the buffer back. The exchange sends nothing afterwards.
func (x *exchange) release() {
	if x.timer != nil {
		x.timer.Stop()
	}
	if cap(x.buf) <= 1<<20 {
		*x.pooled = x.buf[:0]
	}
	buffers.Put(x.pooled)
	x.buf, x.pooled = nil, nil
}

// run answers the request: credential, faults that come before a look at the request, then the dialect.
func (x *exchange) run(path string) error {
	body, err := readBody(x.r, x.buf[:cap(x.buf)])
	x.body = body
	x.sim.journal.add(x.r, x.acct.name, body)
	if errors.Is(err, errTooLarge) {
		return x.refuse(x.dialect.refusal(x, http.StatusRequestEntityTooLarge))
	} else if err != nil {
		return err
	}
	key, optional := x.dialect.credential(x.r.Header)
	want := x.acct.profile.Key
	switch {
	case key == "" && (!optional || want != ""):
		return x.refuse(x.dialect.refusal(x, reasonNoKey))
	case want != "" && key != want:
		return x.refuse(x.dialect.refusal(x, http.StatusUnauthorized))
	}
	if x.fault != nil {
		if done, err := x.faultBefore(); done {
			return err
		}
	}
	return x.dialect.serve(x, path)
}

// faultBefore answers the faults that need no look at the request. What a vendor finds in its queue (4xx) comes at once, what
// breaks at work comes after the usual latency.
func (x *exchange) faultBefore() (done bool, err error) {
	f := x.fault
	e := refusal{}
	switch f.Kind {
	case profile.FaultStatus:
		e = x.dialect.refusal(x, f.Status)
		e.setRetryAfter(f)
	case profile.FaultContextLength:
		e = x.dialect.refusal(x, reasonContextLength)
	case profile.FaultContentPolicy:
		e = x.dialect.refusal(x, reasonContentPolicy)
	case profile.FaultHTML:
		if err := x.wait(x.latency); err != nil {
			return true, err
		}
		const page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
		x.w.Header()["Content-Type"] = []string{"text/html"} // from a proxy, which has none of the vendor's headers
		status := f.Status
		if status == 0 {
			status = http.StatusBadGateway
		}
		x.buf = append(x.buf, strings.ReplaceAll(page, "502 Bad Gateway", strconv.Itoa(status)+" "+http.StatusText(status))...)
		_ = x.writeWhole(status)
		return true, errFaulted
	default:
		return false, nil
	}
	if e.status >= 500 || e.status == http.StatusRequestTimeout {
		if err := x.wait(x.latency); err != nil {
			return true, err
		}
	}
	x.sendRefusal(e)
	return true, errFaulted
}

// setRetryAfter chooses the header in which the wait is told.
func (e *refusal) setRetryAfter(f *profile.Fault) {
	d := time.Duration(f.RetryAfter)
	switch {
	case d == 0:
	case f.RetryAfterAs == "date":
		e.retryHow, e.retryAfter = "Retry-After", time.Now().Add(d).UTC().Format(http.TimeFormat)
	case f.RetryAfterAs == "ms":
		e.retryHow, e.retryAfter = "Retry-After-Ms", strconv.FormatInt(d.Milliseconds(), 10)
	default:
		e.retryHow, e.retryAfter = "Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds())))
	}
}

// refuse answers with the vendor's error for a request that is wrong.
func (x *exchange) refuse(e refusal) error {
	x.sendRefusal(e)
	return errRefused
}

func (x *exchange) sendRefusal(e refusal) {
	x.header("application/json")
	if e.retryHow != "" {
		x.w.Header()[e.retryHow] = []string{e.retryAfter}
	}
	x.buf = x.dialect.appendError(x.buf[:0], x, e)
	_ = x.writeWhole(e.status) // the request ends the same way when its client has left
}

func (x *exchange) header(contentType string) {
	h := x.w.Header()
	h["Content-Type"] = []string{contentType}
	x.dialect.head(x, h)
}

func (x *exchange) writeWhole(status int) error {
	x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(x.buf))}
	x.w.WriteHeader(status)
	if _, err := x.w.Write(x.buf); err != nil {
		return errGone
	}
	return nil
}

// wait lets d pass, or returns errGone when the client leaves first.
func (x *exchange) wait(d time.Duration) error {
	ctx := x.r.Context()
	if d <= 0 {
		if ctx.Err() != nil {
			return errGone
		}
		return nil
	}
	if x.timer == nil {
		x.timer = time.NewTimer(d)
	} else {
		x.timer.Reset(d)
	}
	select {
	case <-x.timer.C:
		return nil
	case <-ctx.Done():
		return errGone
	}
}

func (x *exchange) hang() error {
	<-x.r.Context().Done()
	return errGone
}

func (x *exchange) tokenTime() time.Duration {
	if x.fault != nil && x.fault.Kind == profile.FaultSlow {
		return time.Duration(x.fault.Delay)
	}
	return x.acct.profile.PerToken.Draw(&x.times)
}

// reply sends buf as the whole answer after the time that its tokens take. One draw stands for all the tokens.
func (x *exchange) reply(tokens int) error {
	if f := x.fault; f != nil && (f.Kind == profile.FaultHang || f.Kind == profile.FaultCut && f.AfterTokens == 0) {
		if f.Kind == profile.FaultCut {
			return errCut
		}
		return x.hang()
	}
	if err := x.wait(x.latency + time.Duration(tokens)*x.tokenTime()); err != nil {
		return err
	}
	x.header("application/json")
	if x.fault != nil {
		switch x.fault.Kind {
		case profile.FaultCut:
			x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(x.buf))}
			x.buf = x.buf[:len(x.buf)/2]
			x.begin()
			_ = x.flush()
			return errCut
		case profile.FaultBadJSON:
			x.buf = append(x.buf[:len(x.buf)/2], " oops, this is no JSON }"...)
			_ = x.writeWhole(http.StatusOK)
			return errFaulted
		case profile.FaultTruncatedJSON:
			x.buf = x.buf[:len(x.buf)/2]
			_ = x.writeWhole(http.StatusOK)
			return errFaulted
		case profile.FaultStreamError:
			x.sendRefusal(x.dialect.refusal(x, http.StatusInternalServerError))
			return errFaulted
		}
	}
	return x.writeWhole(http.StatusOK)
}

// open begins a stream after the latency.
func (x *exchange) open(contentType string) error {
	if x.breaksNow() && x.fault.Kind == profile.FaultCut {
		return errCut
	} else if x.breaksNow() && x.fault.Kind == profile.FaultHang {
		return x.hang()
	}
	if err := x.wait(x.latency); err != nil {
		return err
	}
	x.header(contentType)
	x.w.Header()["Cache-Control"] = []string{"no-cache"}
	x.begin()
	if x.breaksNow() {
		return x.breakStream()
	}
	return nil
}

func (x *exchange) begin() {
	x.w.WriteHeader(http.StatusOK)
}

func (x *exchange) breaksNow() bool {
	return x.fault != nil && x.fault.Breaks() && x.sent >= x.fault.AfterTokens
}

// step comes before each token: it waits, and breaks the stream when that is due.
func (x *exchange) step() error {
	if x.breaksNow() {
		return x.breakStream()
	}
	if x.sent > 0 {
		if err := x.wait(x.tokenTime()); err != nil {
			return err
		}
	}
	x.sent++
	return nil
}

// push sends what is in buf, unless the profile sends streams in one write.
func (x *exchange) push() error {
	if x.acct.profile.Burst {
		return nil
	}
	return x.flush()
}

// last comes before the end of a stream is appended: a fault that is still due breaks the stream here.
func (x *exchange) last() error {
	if x.fault != nil && x.fault.Breaks() {
		return x.breakStream()
	}
	return nil
}

func (x *exchange) flush() error {
	_, err := x.w.Write(x.buf)
	x.buf = x.buf[:0]
	if err != nil || x.rc.Flush() != nil {
		return errGone
	}
	return nil
}

func (x *exchange) breakStream() error {
	end := errFaulted
	switch x.fault.Kind {
	case profile.FaultHang:
		if err := x.flush(); err != nil {
			return err
		}
		return x.hang()
	case profile.FaultCut:
		end = errCut
	case profile.FaultBadJSON:
		x.buf = append(x.buf, x.dialect.brokenEvent()...)
	case profile.FaultTruncatedJSON:
		x.buf = append(x.buf, x.dialect.cutEvent()...)
	case profile.FaultStreamError:
		x.buf = x.dialect.appendEventError(x.buf, x, x.dialect.refusal(x, http.StatusInternalServerError))
	}
	if err := x.flush(); err != nil {
		return err
	}
	return end
}

// decode parses the body as a JSON object.
func (x *exchange) decode() (gjson.Result, bool) {
	if !gjson.Valid(x.body) {
		return gjson.Result{}, false
	}
	root := gjson.Parse(x.body)
	return root, root.IsObject()
}

// compose answers a prompt, or says nothing when the fault is an empty answer.
func (x *exchange) compose(p *prompt.Prompt, choice int) answer.Answer {
	if x.fault != nil && x.fault.Kind == profile.FaultEmpty {
		return answer.Answer{Finish: "stop"}
	}
	return answer.Compose(x.sim.seed, x.model, x.acct.profile.Tokens, p, choice)
}
