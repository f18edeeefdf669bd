package decision

import (
	"context"
	"fmt"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestPicksAreCopies holds that what is on record stays, whatever becomes of the room that it was made in.
func TestPicksAreCopies(t *testing.T) {
	t.Parallel()
	in, uses := usual()
	panel := NewPanel(uses)
	var d Decision
	p := NewPicks()
	show := func() string {
		var s string
		for _, k := range p.List() {
			s += fmt.Sprintln(k.Header.Seed, k.Candidates, k.Outcome, k.Scores, k.Filtered, k.Calls, k.By, k.Reason, k.Try)
		}
		return s
	}
	d.Make(t.Context(), in, panel, Policy{Name: "own", Version: "3", Strategy: uses[1].Strategy})
	p.Add(in, &d)
	p.Follow(2)
	want := show()
	if k := &p.List()[0]; len(k.Candidates) != 8 || len(k.Scores) != 8 || !k.Filtered[3] || k.Try != 2 || k.By != "f+own" || k.Calls[1].Version != "3" || !k.Calls[1].Policy {
		t.Fatalf("%+v", k)
	}
	in.Header.Seed++
	in.Candidates = in.Candidates[:2]
	in.Candidates[0].ID = "changed"
	d.Make(t.Context(), in, NewPanel(nil), Policy{})
	if got := show(); got != want {
		t.Errorf("it is now %s, was %s", got, want)
	}
	p.Add(in, &d)
	if k := &p.List()[1]; len(k.Candidates) != 2 || k.Candidates[0].ID != "changed" || len(k.Filtered) != 0 || len(k.Calls) != 0 || k.Try != -1 {
		t.Errorf("%+v", k)
	}
	p.Free()
}

// TestPicksAreReused holds that recordings of usual size cost no memory once there is room.
func TestPicksAreReused(t *testing.T) {
	in, uses := usual()
	panel := NewPanel(uses)
	var d Decision
	d.Make(context.Background(), in, panel, Policy{})
	used := &Picks{}
	if n := testing.AllocsPerRun(100, func() {
		used.list = used.list[:0] // as Free leaves it
		used.Add(in, &d)
		used.Add(in, &d)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	used.Free()
	if q := NewPicks(); len(q.List()) != 0 {
		t.Error("it begins with decisions of another request")
	}
	big := &Input{Candidates: make([]abi.Candidate, mostKept+1)}
	p := NewPicks()
	p.Add(big, &d)
	p.Free()
	if q := NewPicks(); cap(q.list) > 0 && cap(q.list[:1][0].Candidates) > mostKept {
		t.Error("the memory of an unusual request is kept")
	}
}

// TestPolicyVersion holds that a version that was chosen counts, and otherwise the one that served.
func TestPolicyVersion(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Policy{
		"7":                {Name: "own", Version: "7", Strategy: fixed(nil)},
		"":                 {Name: "own", Strategy: unversioned{fixed(nil)}},
		"0123456789abcdef": {Name: "own", Strategy: fixed(nil)},
	} {
		var d Decision
		d.Make(t.Context(), four(), NewPanel(nil), p)
		if d.Calls[0].Version != want {
			t.Errorf("version %q, want %q", d.Calls[0].Version, want)
		}
	}
}

// unversioned hides the hash of a strategy.
type unversioned struct{ Strategy }

// BenchmarkPicks is what it costs to put a decision among eight deployments on record.
func BenchmarkPicks(b *testing.B) {
	in, uses := usual()
	var d Decision
	d.Make(context.Background(), in, NewPanel(uses), Policy{})
	b.ReportAllocs()
	for b.Loop() {
		p := NewPicks()
		p.Add(in, &d)
		p.Free()
	}
}
