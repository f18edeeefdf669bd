package health

import (
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestPauses(t *testing.T) {
	t.Parallel()
	pause := func(d time.Duration) *time.Duration { return &d }
	for _, tc := range []struct {
		name   string
		policy Policy
		kind   abi.ErrorKind
		asked  time.Duration
		others bool
		want   time.Duration // 0: it stays healthy
	}{
		{"rate limit with others left", Policy{Default: 5 * time.Second}, abi.ErrorRateLimit, 0, true, 5 * time.Second},
		{"rate limit of an only deployment", Policy{Default: 5 * time.Second}, abi.ErrorRateLimit, 0, false, 0},
		{"as long as the vendor asks", Policy{Default: 5 * time.Second}, abi.ErrorQuota, 42 * time.Second, true, 42 * time.Second},
		{"but no longer than an hour", Policy{Default: 5 * time.Second}, abi.ErrorQuota, 24 * time.Hour, true, time.Hour},
		{"the operator's word counts more", Policy{Pause: pause(7 * time.Second)}, abi.ErrorAuth, 42 * time.Second, true, 7 * time.Second},
		{"never", Policy{Pause: pause(0), AllowedFails: 1}, abi.ErrorAuth, 0, true, 0},
		{"refused by the vendor", Policy{Default: 5 * time.Second}, abi.ErrorNotFound, 0, false, time.Minute},
		{"one failure says little", Policy{Default: 5 * time.Second}, abi.ErrorGeneral, 0, true, 0},
		{"unless one is too many", Policy{Default: 5 * time.Second, AllowedFails: 1}, abi.ErrorGeneral, 0, true, 5 * time.Second},
	} {
		h, f := &Health{}, &Failure{Kind: tc.kind, RetryAfter: tc.asked, Label: "why"}
		h.Failed(&Outcome{At: epoch}, f)
		h.CoolAfter(epoch, f, &tc.policy, false, tc.others)
		state, _, _ := h.Availability(epoch)
		if got := max(h.CoolingFor(epoch), 0); got != tc.want || (state == Cooling) != (tc.want > 0) {
			t.Errorf("%s: %v for %v, want %v", tc.name, state, got, tc.want)
		}
	}
}

func TestTrial(t *testing.T) {
	t.Parallel()
	h, f, p := &Health{}, &Failure{Kind: abi.ErrorRateLimit, Label: "rate_limit"}, &Policy{Default: 5 * time.Second}
	at := epoch
	h.CoolAfter(at, f, p, false, true)
	if h.ClaimTrial(at) {
		t.Fatal("a trial during the pause")
	}
	for _, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		at = at.Add(h.CoolingFor(at))
		if state, busy, _ := h.Availability(at); state != HalfOpen || busy || !h.ClaimTrial(at) || h.ClaimTrial(at) {
			t.Fatalf("%v, busy %t: want one trial", state, busy)
		}
		h.DropTrial()
		if !h.ClaimTrial(at) {
			t.Fatal("a trial that was given back can't be claimed")
		}
		h.CoolAfter(at, f, p, true, true)
		if got := h.CoolingFor(at); got != want*time.Second {
			t.Fatalf("a failed trial pauses for %v, want %v", got, want*time.Second)
		}
	}
	// An answer to what began before the pause proves nothing, one to the trial does.
	h.Succeeded(&Outcome{At: at.Add(time.Second), Total: 2 * time.Second})
	if state, _, _ := h.Availability(at); state != Cooling {
		t.Errorf("%v after an old answer", state)
	}
	h.Succeeded(&Outcome{At: at, Trial: true})
	if state, busy, _ := h.Availability(at); state != Healthy || busy {
		t.Errorf("%v, busy %t after a good trial", state, busy)
	}
}
