package policies

import "testing"

// TestVerdictsAreCounted has a canary and then an active version fault until they are taken out.
func TestVerdictsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	verdicts := func(wantCanaries, wantRollbacks uint64) {
		t.Helper()
		if canaries, rollbacks := w.Verdicts(); canaries != wantCanaries || rollbacks != wantRollbacks {
			t.Errorf("%d canaries and %d active versions were taken out, want %d and %d", canaries, rollbacks, wantCanaries, wantRollbacks)
		}
	}
	w.upload("acme", "p", mean(t), "")
	w.upload("acme", "p", mean(t), "")
	verdicts(0, 0)
	w.canary("acme", "p", 1, 1000)
	w.fault("panic", 3)
	w.await("the canary is taken out", func() bool { return w.serving("acme", 0) == "" })
	verdicts(1, 0)
	w.activate("acme", "p", 2)
	w.fault("panic", 3)
	w.await("the active version is taken out", func() bool { return w.serving("acme", 0) == "" })
	verdicts(1, 1)
}
