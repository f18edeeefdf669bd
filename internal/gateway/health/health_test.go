package health

import (
	"math"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestHealthCountsEveryFailure(t *testing.T) {
	t.Parallel()
	h := &Health{}
	var c abi.Candidate
	for _, kind := range []abi.ErrorKind{abi.ErrorRateLimit, abi.ErrorGeneral, abi.ErrorOverloaded, abi.ErrorAuth, abi.ErrorNotFound, abi.ErrorTimeout} {
		h.Failed(&Outcome{At: epoch, Total: time.Millisecond}, &Failure{Kind: kind})
	}
	h.Fill(&c, epoch)
	if c.Consecutive != 6 || c.FailMinute != 6 || c.ReqMinute != 6 || c.ErrorRate != 1 {
		t.Errorf("%+v", c)
	}
	// Who only fails, and fast, is unknown and not fast.
	if c.Samples != 0 || !math.IsNaN(c.Total) || !math.IsNaN(c.TTFT) || !math.IsNaN(c.TotalP95) {
		t.Errorf("failures made samples: %+v", c)
	}
	waited := &Failure{Kind: abi.ErrorTimeout, Waited: true}
	h.Failed(&Outcome{At: epoch, Total: 30 * time.Second, Streamed: true}, waited)
	h.Fill(&c, epoch)
	if c.Samples != 1 || c.Total != 30_000 || c.TTFT != 30_000 {
		t.Errorf("a timeout does not count with its full time: %+v", c)
	}
	h.Failed(&Outcome{At: epoch, Total: time.Second}, waited)
	h.Fill(&c, epoch)
	if c.Samples != 1 || c.Total != 30_000 || c.Consecutive != 8 {
		t.Errorf("a limit below the usual time made it look faster: %+v", c)
	}
	h.Succeeded(&Outcome{At: epoch, Total: time.Second, Tokens: 50})
	h.Fill(&c, epoch)
	if c.Consecutive != 0 || c.Samples != 2 || c.TokensMinute != 50 || c.ErrorRate != 8.0/9 {
		t.Errorf("%+v", c)
	}
}

func TestHealthTimesPerToken(t *testing.T) {
	t.Parallel()
	h := &Health{}
	var c abi.Candidate
	h.Succeeded(&Outcome{At: epoch, Streamed: true, TTFT: 200 * time.Millisecond, Total: 1200 * time.Millisecond, Output: 101})
	h.Fill(&c, epoch)
	if c.TTFT != 200 || c.Total != 1200 || c.TPOT != 10 {
		t.Errorf("stream: %+v", c)
	}
	h = &Health{}
	h.Succeeded(&Outcome{At: epoch, Total: time.Second, Output: 50})
	h.Fill(&c, epoch)
	if !math.IsNaN(c.TTFT) || c.Total != 1000 || c.TPOT != 20 {
		t.Errorf("whole: %+v", c)
	}
}

func TestRegistryKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	var r Registry
	a, b := r.Get(Key{"a", "p", "m"}), r.Get(Key{"b", "p", "m"})
	if a == b || r.Get(Key{"a", "p", "m"}) != a || r.Get(Key{"a", "p", "n"}) == a || r.Get(Key{"a", "q", "m"}) == a {
		t.Error("identity is not by ID, provider and model")
	}
	r.KeepOnly(map[*Health]bool{a: true})
	if r.Get(Key{"a", "p", "m"}) != a || r.Get(Key{"b", "p", "m"}) == b {
		t.Error("it forgot what is used, or kept what is not")
	}
}
