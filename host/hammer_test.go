package host

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestHammer swaps versions under callers that hold sets for a while. Every second version is fragile, and the callers
// hit its weak spot: no call may fail, and nothing may be left at the end.
func TestHammer(t *testing.T) {
	t.Parallel()
	swaps := 100
	if testing.Short() {
		swaps = 20
	}
	f := newFolder(t, Options{Limits: Limits{Instances: 2}})
	specs := []Spec{strategySpec("s", "s"), {Key: "s2", Plugin: "s", Kind: abi.KindStrategy, Config: []byte(`{"x":1}`)}, providerSpec("p", "p")}
	f.write("s", newStrategy(0).encode())
	f.write("p", newProvider().encode())
	var current atomic.Pointer[Set]
	current.Store(f.build(nil, specs...))

	acquire := func() *Set {
		for {
			if s := current.Load(); s.Acquire() {
				return s
			}
		}
	}
	var callers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 4 {
		callers.Go(func() {
			var out abi.ScoreOutput
			var request abi.RequestOutput
			var buf []byte
			list := make([]abi.Candidate, 1)
			for round := uint32(0); ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				set := acquire()
				key := "s"
				if n%2 == 1 {
					key = "s2"
				}
				for attempt := range uint32(20) {
					if _, err := set.Strategy(key).Score(t.Context(), &abi.Header{Attempt: attempt}, list, &out); err != nil {
						t.Errorf("score: %v", err)
					}
				}
				var err error
				if buf, err = set.Provider("p").Request(t.Context(), &abi.RequestInput{}, &request, buf); err != nil || string(request.Path) != "/v1" {
					t.Errorf("request: %q, %v", request.Path, err)
				}
				set.Release()
				runtime.Gosched() // the swapping is what this is about
			}
		})
	}
	callers.Go(func() {
		last := map[string]uint64{}
		for {
			select {
			case <-stop:
				return
			default:
				for _, st := range f.host.Plugins() {
					if st.Calls < last[st.Plugin] {
						t.Errorf("%s: %d calls, there were %d", st.Plugin, st.Calls, last[st.Plugin])
					}
					last[st.Plugin] = st.Calls
				}
				runtime.Gosched()
			}
		}
	})
	for version := 1; version <= swaps; version++ {
		module := newStrategy(float64(version)).encode()
		if version%2 == 1 {
			module = fragile(float64(version))
		}
		f.write("s", module)
		old := current.Load()
		current.Store(f.build(old, specs...))
		old.Release()
		// A version is replaced once it has failed or passed, so that the one before a fragile one is sound.
		for trial := current.Load().Strategy("s").line.trial; trial != nil && trial.state.Load() == trialOpen; {
			expectOne(t, current.Load().Strategy("s"))
		}
	}
	close(stop)
	callers.Wait()
	if st := f.status("s"); st.Faults < uint64(swaps/2*probationFaults) {
		t.Errorf("%d faults: the fragile versions were not hit", st.Faults)
	}
	f.closed(current.Load())
}

func expectOne(t *testing.T, s *Strategy) {
	if _, err := score(t, s, 1, 13); err != nil {
		t.Error(err)
	}
}

// TestHammerPool drops instances while calls compete for them and sets come and go.
func TestHammerPool(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Instances: 3}})
	f.write("a", fragile(1))
	set := f.build(nil, strategySpec("a", "a"))
	var wg sync.WaitGroup
	var faults atomic.Int64
	for n := range 6 {
		wg.Go(func() {
			var out abi.ScoreOutput
			list := make([]abi.Candidate, 1)
			for round := range 300 {
				header := abi.Header{}
				if (round+n)%7 == 0 {
					header.Attempt = 13
				}
				s := set.Strategy("a")
				_, err := s.Score(t.Context(), &header, list, &out)
				fault, isFault := errors.AsType[*Fault](err)
				for ; isFault && fault.Open; fault, isFault = errors.AsType[*Fault](err) {
					s.line.pool.breaker.Answered(time.Now()) // dropping is what this is about
					_, err = s.Score(t.Context(), &header, list, &out)
				}
				if isFault != (header.Attempt == 13) {
					t.Errorf("attempt %d: %v", header.Attempt, err)
				}
				if isFault {
					faults.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if st := f.status("a"); st.Calls != 1800 || st.Faults != uint64(faults.Load()) || st.Instances.Live > 3 {
		t.Errorf("status: %+v after %d faults", st, faults.Load())
	}
	f.closed(set)
}
