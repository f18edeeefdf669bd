package tier

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/fleet"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// fleetOf makes deployments: NAME ORDER, and one that ends in ! has failed until it cools down.
func fleetOf(text string, at time.Time) map[string]*fleet.Deployment {
	all := map[string]*fleet.Deployment{}
	for i, part := range strings.Split(text, ", ") {
		d := &fleet.Deployment{Account: &fleet.Account{}, Health: &health.Health{}}
		if _, err := fmt.Sscan(part, &d.ID, &d.Order); err != nil {
			panic(err)
		}
		if name, cools := strings.CutSuffix(d.ID, "!"); cools {
			d.ID = name
			d.Health.CoolAfter(at.Add(time.Duration(i)*time.Millisecond), &health.Failure{Kind: abi.ErrorRateLimit}, &health.Policy{Default: time.Minute}, false, true)
		}
		all[d.ID] = d
	}
	return all
}

// TestBest holds which deployments an attempt may use, after those that have failed; the last of
// them failed just now.
func TestBest(t *testing.T) {
	t.Parallel()
	at := time.Now()
	for _, tc := range []struct {
		name, fleet, failed string
		left                int // attempts
		want                string
		tier                Tier
	}{
		{"all of the lowest order", "a 1, b 0, c 0", "", 3, "b c", Fresh},
		{"fresh before failed", "a 0, b 0, c 0", "a", 2, "b c", Fresh},
		{"fresh of a later order before failed", "a 0, b 1", "a", 2, "b", Fresh},
		{"failed earlier before failed just now", "a 0, b 0", "a b", 1, "a", Failed},
		{"failed just now, of order before", "a 1, b 0", "a b", 5, "a", Failed},
		{"the only one again", "a 0", "a", 1, "a", JustNow},
		{"cooling last", "a! 0, b 5", "b", 1, "b", JustNow},
		{"of those that cool down the one that rested longest", "a 0, b! 3, c! 0", "", 1, "a", Fresh},
		{"all cool down", "b! 3, c! 0", "", 1, "b", Cooling},
		{"all cool down, one has failed", "b! 3, c! 0", "b", 1, "c", Cooling},
		{"attempts left for each later order: it moves on", "a 0, b 0, c 1, d 2", "a", 2, "c", Fresh},
		{"attempts left for more: it stays", "a 0, b 0, c 1, d 2", "a", 3, "b", Fresh},
		{"later orders are counted once", "a 0, b 0, c 1, d 1", "a", 2, "b", Fresh},
	} {
		all := fleetOf(tc.fleet, at)
		var h History
		for id := range strings.FieldsSeq(tc.failed) {
			h.Add(all[id])
		}
		var options []Option
		for _, id := range slices.Sorted(maps.Keys(all)) {
			options = append(options, h.Option(all[id], at.Add(time.Second)))
		}
		best := h.Best(options, tc.left)
		var got []string
		for _, o := range Equals(options, best) {
			got = append(got, o.Deployment.ID)
		}
		if best.Tier >= Cooling {
			got = []string{best.Deployment.ID}
		}
		if strings.Join(got, " ") != tc.want || best.Tier != tc.tier {
			t.Errorf("%s: %q of tier %d", tc.name, got, best.Tier)
		}
		for _, o := range options {
			cools := strings.Contains(tc.fleet, o.Deployment.ID+"!")
			if Available(o.Deployment, at.Add(time.Second)) == cools || (o.Flags&abi.CandidateCooling != 0) != cools ||
				(o.Flags&abi.CandidateFailed != 0) != slices.Contains(strings.Fields(tc.failed), o.Deployment.ID) {
				t.Errorf("%s: %+v", tc.name, o)
			}
		}
	}
}
