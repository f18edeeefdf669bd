package catalog

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		vendor, model string
		input, output float64 // NaN: not found
	}{
		{"openai", "gpt-4o", 2.5, 10},
		{"openai", "gpt-4o-2024-08-06", 2.5, 10},
		{"openai", "gpt-4o-mini-2024-07-18", 0.15, 0.6},
		{"openai", "openai/gpt-4o", 2.5, 10},
		{"openai", "gpt-4.1", 2, 8},
		{"openai", "gpt-5.4-mini", 0.75, 4.5},
		{"openai", "gpt-4o-audio-preview-2025-06-03", 2.5, 10},
		{"openai", "text-embedding-3-small", 0.02, 0},
		{"anthropic", "claude-sonnet-4-20250514", 3, 15},
		{"anthropic", "claude-sonnet-4-5-20250929", 3, 15},
		{"anthropic", "claude-opus-4-20250514", 15, 75},
		{"anthropic", "claude-opus-4-5-20251101", 5, 25},
		{"anthropic", "claude-opus-4-5-latest", 5, 25},
		{"anthropic", "claude-3-5-haiku-20241022", 0.8, 4},
		{"anthropic", "claude-haiku-4-5@20251001", 1, 5},
		{"anthropic", "us.anthropic.claude-sonnet-4-20250514-v1:0", 3, 15},
		{"anthropic", "anthropic.claude-opus-4-6-v1", 5, 25},
		{"gemini", "models/gemini-2.5-flash", 0.3, 2.5},
		{"google", "gemini-2.5-pro", 1.25, 10},
		{"groq", "openai/gpt-oss-120b", 0.15, 0.6},
		{"xai", "grok-4-0709", 3, 15},
		{"ollama", "llama3.2:3b", 0, 0},
		{"ollama", "library/anything-at-all", 0, 0},

		{"openai", "", math.NaN(), 0},
		{"openai", "gpt-4o-realtime-preview", math.NaN(), 0},
		{"openai", "gpt-4o-2024", math.NaN(), 0},
		{"openai", "gpt", math.NaN(), 0},
		{"openai", "claude-sonnet-4", math.NaN(), 0},
		{"openai", "-2024-08-06", math.NaN(), 0},
		{"openai", "ft:gpt-4o-2024-08-06:acme::x", math.NaN(), 0},
		{"anthropic", "claude-opus", math.NaN(), 0},
		{"mistral", "mistral-large-latest", math.NaN(), 0},
		{"nobody", "gpt-4o", math.NaN(), 0},
		{"", "gpt-4o", math.NaN(), 0},
		{"openai", "/", math.NaN(), 0},
		{"openai", "...:", math.NaN(), 0},
	} {
		m, ok := Lookup(c.vendor, c.model)
		if ok != !math.IsNaN(c.input) || ok && (m.Input != c.input || m.Output != c.output) {
			t.Errorf("Lookup(%q, %q) = %v/%v, %v, want %v/%v", c.vendor, c.model, m.Input, m.Output, ok, c.input, c.output)
		}
	}
}

func TestLookupFields(t *testing.T) {
	t.Parallel()
	m, _ := Lookup("anthropic", "claude-sonnet-4-20250514")
	if m.CachedInput != 0.3 || m.ContextWindow != 200_000 || m.MaxOutput != 64_000 || !strings.HasPrefix(m.Source, "https://") || m.AsOf.Year() < 2026 {
		t.Errorf("claude-sonnet-4: %+v", m)
	}
	const can = abi.FeatureTools | abi.FeatureImages | abi.FeatureReasoning | abi.FeatureStream | abi.FeatureJSONSchema | abi.FeatureFiles
	const cannot = abi.FeatureAudio | abi.FeatureEmbeddings
	if !m.AbilitiesKnown || m.Abilities&can != can || m.Abilities&cannot != 0 {
		t.Errorf("claude-sonnet-4: abilities %b, known %v", m.Abilities, m.AbilitiesKnown)
	}
	silent, _ := Lookup("ollama", "x")
	if silent.AbilitiesKnown || silent.Abilities != ^uint32(0) || silent.ContextWindow != 0 {
		t.Errorf("ollama: %+v", silent)
	}
	uncached, _ := Lookup("openai", "gpt-5.5-pro")
	if !math.IsNaN(uncached.CachedInput) {
		t.Errorf("gpt-5.5-pro: cached input %v, want NaN", uncached.CachedInput)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	Lookup("openai", "gpt-4o")
	for _, model := range []string{"gpt-4o-2024-08-06", "us.anthropic.claude-x-20250514-v1:0", "no/such/model"} {
		if n := testing.AllocsPerRun(100, func() { Lookup("openai", model) }); n != 0 {
			t.Errorf("Lookup of %q allocates %v times", model, n)
		}
	}
}

// TestData reads models.json as its editors must keep it.
func TestData(t *testing.T) {
	t.Parallel()
	entries, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, e := range entries {
		for _, name := range append(slices.Clone(e.Aliases), e.Vendor) {
			if name == "" || names[name] {
				t.Errorf("vendor %q: the name is empty or there twice", name)
			}
			names[name] = true
		}
		if u, err := url.Parse(e.Source); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%s: source %q is not a public page", e.Vendor, e.Source)
		}
		if e.AsOf.Before(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: as_of %v is too old to be true", e.Vendor, e.AsOf)
		}
		if e.Note == "" || len(e.Models) == 0 {
			t.Errorf("%s: no note, or no models", e.Vendor)
		}
		matches := map[string]bool{}
		for _, r := range e.Models {
			if matches[r.Match] {
				t.Errorf("%s: %q is there twice", e.Vendor, r.Match)
			}
			matches[r.Match] = true
			checkRecord(t, e.Vendor, r)
		}
	}
}

func checkRecord(t *testing.T, vendor string, r record) {
	t.Helper()
	id, star := strings.CutSuffix(r.Match, "*")
	if strings.ContainsAny(id, "* ") || id == "" && !star || id != strings.ToLower(id) {
		t.Errorf("%s: match %q", vendor, r.Match)
	}
	if withoutVersion(id) != id {
		t.Errorf("%s: match %q contains a version that lookups cut off", vendor, r.Match)
	}
	const most = 1000 // USD per million tokens: more is a slip of the decimal point
	if r.Input < 0 || r.Output < 0 || r.Input > most || r.Output > most {
		t.Errorf("%s %s: prices %v and %v", vendor, r.Match, r.Input, r.Output)
	}
	embeds := slices.Contains(r.Abilities, "embeddings")
	if !embeds && r.Output < r.Input {
		t.Errorf("%s %s: output at %v is cheaper than input at %v", vendor, r.Match, r.Output, r.Input)
	}
	if c := r.CachedInput; c != nil && (*c < 0 || *c > r.Input) {
		t.Errorf("%s %s: cached input at %v, input at %v", vendor, r.Match, *c, r.Input)
	}
	if r.ContextWindow > 0 && (r.ContextWindow < 1024 || r.MaxOutput > r.ContextWindow) || r.ContextWindow > 10_000_000 {
		t.Errorf("%s %s: window %d, longest output %d", vendor, r.Match, r.ContextWindow, r.MaxOutput)
	}
	for i, name := range r.Abilities {
		if abilityBits[name] == 0 || slices.Contains(r.Abilities[:i], name) {
			t.Errorf("%s %s: ability %q is unknown or there twice", vendor, r.Match, name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[{"vendor":"x","prices":[]}]`,
		`[{"vendor":"x","as_of":"May 2026"}]`,
		`[{"models":[{"context_window":-1}]}]`,
		`{}`,
	} {
		if entries, err := decode([]byte(text)); err == nil {
			t.Errorf("decode(%s) = %+v", text, entries)
		}
	}
}

func FuzzLookup(f *testing.F) {
	for _, id := range []string{"gpt-4o-2024-08-06", "us.anthropic.claude-sonnet-4-20250514-v1:0", "a/b/c", "@20250514", "-latest-latest", ":0", "."} {
		f.Add("openai", id)
	}
	f.Fuzz(func(t *testing.T, vendor, id string) {
		m, ok := Lookup(vendor, id)
		if ok && (m.Source == "" || m.Input < 0) {
			t.Errorf("Lookup(%q, %q) = %+v", vendor, id, m)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Lookup("anthropic", "claude-sonnet-4-20250514")
	}
}
