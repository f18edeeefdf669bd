package breaker

import (
	"testing"
	"time"
)

// TestOpens counts faults against time and calls.
func TestOpens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		every time.Duration // between two faults
		calls uint64        // from one to the next
		opens int           // at this fault; 0 is never
	}{
		{"nothing but faults", time.Millisecond, 1, 5},
		{"over ten seconds", 2500 * time.Millisecond, 1, 5},
		{"over more", 2501 * time.Millisecond, 1, 0},
		{"one in ten", time.Millisecond, 10, 5},
		{"one in twelve", time.Millisecond, 12, 5},
		{"one in thirteen", time.Millisecond, 13, 0},
	} {
		b, now, made := new(Breaker), time.Unix(1, 0), uint64(1000)
		opened := 0
		for n := 1; n <= 20 && opened == 0; n++ {
			if b.Failed("it trapped", false, now, made) {
				opened = n
			}
			now, made = now.Add(c.every), made+c.calls
		}
		if opened != c.opens {
			t.Errorf("%s: opens at fault %d, want %d", c.name, opened, c.opens)
		}
	}
}

// TestPauses follows the pauses of a breaker whose probes fail, and then do not.
func TestPauses(t *testing.T) {
	t.Parallel()
	b, now := new(Breaker), time.Unix(1, 0)
	trip := func() {
		t.Helper()
		for range Failures - 1 {
			b.Failed("it trapped", false, now, 1)
		}
		if !b.Closed() || !b.Failed("it trapped", false, now, 1) {
			t.Fatal("it does not open at the fifth fault")
		}
	}
	paused := func(want time.Duration) {
		t.Helper()
		now = now.Add(want - 1)
		if probe, refusal := b.Enter(now); probe || refusal == "" {
			t.Fatalf("within %v: probe %t, %q", want, probe, refusal)
		}
		now = now.Add(1)
		if probe, refusal := b.Enter(now); !probe || refusal != "" {
			t.Fatalf("after %v: probe %t, %q", want, probe, refusal)
		}
		if probe, refusal := b.Enter(now.Add(time.Hour)); probe || refusal == "" {
			t.Fatalf("a second probe: %t, %q", probe, refusal)
		}
	}
	trip()
	if b.Failed("", false, now, 2) {
		t.Error("it opens again by a call that was under way")
	}
	for _, s := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		paused(s * time.Second)
		b.Failed("again", true, now, 1)
	}
	paused(5 * time.Minute)
	b.Abandon()
	if probe, _ := b.Enter(now); !probe {
		t.Error("a probe that was given up can't be repeated")
	}
	b.Answered(now)
	if probe, refusal := b.Enter(now); probe || refusal != "" || b.Status().Faults != 0 {
		t.Errorf("closed: probe %t, %q, %+v", probe, refusal, b.Status())
	}
	trip() // at once: that was too soon
	paused(5 * time.Minute)
	b.Answered(now)
	now = now.Add(5 * time.Minute)
	trip()
	paused(10 * time.Second)
}
