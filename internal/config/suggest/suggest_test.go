package suggest

import (
	"fmt"
	"strings"
	"testing"
)

func TestDidYouMean(t *testing.T) {
	known := []string{"fast", "quality", "local", "economy", ""}
	for name, want := range map[string]string{
		"fsat": "fast", "fas": "fast", "qualty": "quality", "Quality": "quality", "econmoy": "economy",
		"f": "", "": "", "unrelated": "", "slow": "", strings.Repeat("fast", 50): "",
	} {
		got := DidYouMean(name, known)
		if want != "" {
			want = fmt.Sprintf(" (did you mean %q?)", want)
		}
		if got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", name, got, want)
		}
	}
}
