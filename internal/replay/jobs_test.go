package replay

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func loads(p scorer) func(context.Context) (decision.Strategy, func(), error) {
	return func(context.Context) (decision.Strategy, func(), error) { return p, func() {}, nil }
}

func requests(n int) past {
	var from past
	for i := range n {
		from = append(from, one(i))
	}
	return from
}

func TestJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		go1, started := make(chan bool), 0
		waits := scorer(func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
			if started++; started == 200 {
				<-go1
			}
			return cheapest(h, cands, out)
		})
		j := NewJobs(requests(300), nil)
		defer j.Close()
		job, err := j.Start(t.Context(), Spec{Tenant: "acme", Policy: "own", Version: 3, Last: 1000, Load: loads(waits)})
		if err != nil || job.State != Running || job.Total != 300 {
			t.Fatal(job, err)
		}
		synctest.Wait()
		if now, err := j.Get("acme", job.ID); err != nil || now.Done != 192 || now.State != Running {
			t.Errorf("under way: %+v, %v", now, err)
		}
		if _, err := j.Start(t.Context(), Spec{Tenant: "acme", Policy: "own", Last: 1, Load: loads(cheapest)}); !errors.Is(err, ErrBusy) {
			t.Errorf("a second one of a tenant: %v", err)
		}
		if _, err := j.Get("other", job.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("another tenant's: %v", err)
		}
		if _, err := j.Cancel("other", job.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("canceling another tenant's: %v", err)
		}
		close(go1)
		synctest.Wait()
		now, err := j.Get("acme", job.ID)
		if err != nil || now.State != Done || now.Done != 300 || now.Result.Moved != 300 || now.Ended.Before(now.Started) {
			t.Errorf("in the end: %+v, %v", now, err)
		}
		if list := j.List("acme"); len(list) != 1 || list[0].Result != nil || len(j.List("other")) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestJobsThatEndOtherwise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var release atomic.Int64
		endless := make(chan bool)
		stuck := scorer(func(*abi.Header, []abi.Candidate, *abi.ScoreOutput) error { <-endless; return nil })
		j := NewJobs(requests(300), nil)
		load := func(context.Context) (decision.Strategy, func(), error) {
			return stuck, func() { release.Add(1) }, nil
		}
		one, err := j.Start(t.Context(), Spec{Tenant: "a", Last: 300, Load: load})
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("no such module")
		two, err := j.Start(t.Context(), Spec{Tenant: "b", Policy: "own", Version: 2, Last: 300, Load: func(context.Context) (decision.Strategy, func(), error) {
			return nil, nil, broken
		}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if now, _ := j.Get("b", two.ID); now.State != Failed || now.Error != "loading version 2 of policy \"own\": no such module" {
			t.Errorf("%+v", now)
		}
		if _, err := j.Start(t.Context(), Spec{Tenant: "c", Last: 300, Load: load}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := j.Start(t.Context(), Spec{Tenant: "d", Last: 300, Load: load}); !errors.Is(err, ErrBusy) {
			t.Errorf("a third one: %v", err)
		}
		if _, err := j.Cancel("a", one.ID); err != nil {
			t.Fatal(err)
		}
		close(endless)
		synctest.Wait()
		if now, _ := j.Get("a", one.ID); now.State != Canceled || now.Result != nil {
			t.Errorf("%+v", now)
		}
		j.Close()
		if n := release.Load(); n != 2 {
			t.Errorf("%d of 2 candidates were let go", n)
		}
		if _, err := j.Start(t.Context(), Spec{Tenant: "a", Last: 1, Load: load}); err == nil {
			t.Error("started after Close")
		}
	})
}

func TestFinishedJobsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := NewJobs(requests(1), nil)
		defer j.Close()
		var first Job
		for i := range keptEach + 2 {
			job, err := j.Start(t.Context(), Spec{Tenant: "a", Last: 1, Load: loads(cheapest)})
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = job
			}
			synctest.Wait()
		}
		if _, err := j.Get("a", first.ID); !errors.Is(err, ErrNotFound) || len(j.List("a")) != keptEach+1 {
			t.Errorf("%d are kept: %v", len(j.List("a")), err)
		}
	})
}

// A replay rests as long as it worked when there are live requests.
func TestReplayGivesWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		res, err := Run(t.Context(), requests(10*stride), Options{Tenant: "acme", Last: 10 * stride, Policy: decision.Policy{Strategy: cheapest}, Busy: func() bool { looks++; return true }})
		if err != nil || looks != 10 || res.Requests != 10*stride {
			t.Errorf("%d looks, %v", looks, err)
		}
	})
}

func BenchmarkReplay(b *testing.B) {
	from := requests(1000)
	for i := range from {
		p := &from[i].Picks[0]
		for len(p.Candidates) < 8 {
			p.Candidates, p.Scores = append(p.Candidates, p.Candidates[1]), append(p.Scores, 3)
		}
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Run(ctx, from, Options{Last: len(from), Policy: decision.Policy{Strategy: cheapest}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(from)), "µs/request")
}

var _ Source = (*decisionlog.Log)(nil)
