package hosttest_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
)

const guests = "../testdata/guests/"

func TestProvider(t *testing.T) { hosttest.Provider(t, guests+"echo", `{"path":"/v1/x"}`) }

func TestStrategy(t *testing.T) { hosttest.Strategy(t, guests+"mean") }

// TestCareless runs the kit on a strategy that it must not pass.
func TestCareless(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-run", "TestConformance", "-count=1", ".")
	cmd.Dir = "testdata/careless"
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("a careless strategy passes:\n%s", out)
	}
	for _, rule := range []string{"describe", "configure", "candidates", "garbage", "pure", "memory"} {
		if !strings.Contains(string(out), "--- FAIL: TestConformance/"+rule) {
			t.Errorf("it passes %q:\n%s", rule, out)
		}
	}
}

func TestStrategyWithFeedback(t *testing.T) { hosttest.Strategy(t, guests+"counter") }
