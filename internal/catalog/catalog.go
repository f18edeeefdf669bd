// Package catalog knows what models cost and how much they take, for deployments whose configuration does
// not say: list prices, context windows and abilities by vendor and model id.
//
// The data is models.json, kept by hand. Every vendor in it names the public page that the prices come
// from and the date to which they are known to hold; a model that could not be sourced is not in it. Prices
// change, and an operator's own price for a deployment always goes first.
package catalog

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Model is what the catalog knows of one model.
type Model struct {
	// Input, Output and CachedInput are USD per million tokens, CachedInput NaN where the vendor has no
	// such price or it is not known. Where a price depends on the prompt's length or the hour, the data's
	// note for the vendor says which one it is.
	Input, Output, CachedInput float64
	// ContextWindow and MaxOutput are tokens, 0 where not known.
	ContextWindow, MaxOutput uint32
	// Abilities are abi.Feature bits, for use with abi.CandidateAbilitiesKnown. The data speaks of tools,
	// images, audio, reasoning and embeddings; all other bits are set, because they depend on the API more
	// than on the model. AbilitiesKnown is false where the data is silent, and then all bits are set.
	Abilities      uint32
	AbilitiesKnown bool
	// Source is the vendor's page that the prices come from, AsOf the date to which they are known to hold.
	Source string
	AsOf   time.Time
}

// Lookup finds a model by its vendor and the id that the vendor's API takes. The vendor is the name of a
// provider plugin, or for an OpenAI-compatible vendor its own name; nothing is found for a vendor without
// an entry, even if the model is known elsewhere, because the same model has another price there.
//
// An id is looked for as it is; then without a version at its end (a date, a Bedrock revision, "latest");
// then both again without a namespace before it ("models/", "openai/", "us.anthropic."). Lookup does not
// allocate and may be called concurrently.
func Lookup(vendor, model string) (Model, bool) {
	v := load()[vendor]
	if v == nil || model == "" {
		return Model{}, false
	}
	for id := model; ; {
		if m := v.versioned(id); m != nil {
			return *m, true
		}
		rest := withoutNamespace(id)
		if rest == id {
			break
		}
		id = rest
	}
	for _, p := range v.prefixes {
		if strings.HasPrefix(model, p.prefix) {
			return *p.model, true
		}
	}
	return Model{}, false
}

// vendor is the lookup form of one vendor's entry.
type vendor struct {
	exact    map[string]*Model
	prefixes []prefix // longest first
}

type prefix struct {
	prefix string
	model  *Model
}

// versioned looks for id, then for id with one version after the other cut off its end.
func (v *vendor) versioned(id string) *Model {
	for {
		if m := v.exact[id]; m != nil {
			return m
		}
		shorter := withoutVersion(id)
		if shorter == id {
			return nil
		}
		id = shorter
	}
}

// withoutVersion cuts one version off the end of id: -latest, -v1, -v1:0, @20250514, -20250514, or -2024-08-06.
func withoutVersion(id string) string {
	if rest, ok := strings.CutSuffix(id, "-latest"); ok {
		return rest
	}
	if i := strings.LastIndexByte(id, ':'); i > 0 && digits(id[i+1:]) && i < len(id)-1 {
		id = id[:i]
	}
	if i := strings.LastIndex(id, "-v"); i > 0 && i+2 < len(id) && digits(id[i+2:]) {
		return id[:i]
	}
	if n := len(id) - len("-20250514"); n > 0 && (id[n] == '-' || id[n] == '@') && digits(id[n+1:]) {
		return id[:n]
	}
	if n := len(id) - len("-2024-08-06"); n > 0 && id[n] == '-' && digits(id[n+1:n+5]) &&
		id[n+5] == '-' && digits(id[n+6:n+8]) && id[n+8] == '-' && digits(id[n+9:]) {
		return id[:n]
	}
	return id
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// withoutNamespace cuts what stands before the first slash of id; failing that, the names in front that
// Bedrock puts there, which end in a dot and consist of letters.
func withoutNamespace(id string) string {
	if _, name, ok := strings.Cut(id, "/"); ok {
		return name
	}
	i := strings.IndexByte(id, '.')
	for k := range max(i, 0) {
		if id[k] < 'a' || id[k] > 'z' {
			return id
		}
	}
	return id[i+1:]
}

//go:embed models.json
var data []byte

// load decodes the data once. It panics on broken data, which the tests keep out of a build.
var load = sync.OnceValue(func() map[string]*vendor {
	entries, err := decode(data)
	if err != nil {
		panic(err)
	}
	vendors := make(map[string]*vendor, len(entries))
	for _, e := range entries {
		v := e.index()
		for _, name := range append(e.Aliases, e.Vendor) {
			vendors[name] = v
		}
	}
	return vendors
})

// entry is one vendor in models.json.
type entry struct {
	Vendor  string   `json:"vendor"`
	Aliases []string `json:"aliases"` // other names of the vendor
	Source  string   `json:"source"`
	AsOf    date     `json:"as_of"`
	Note    string   `json:"note"` // which of several prices, and how it was read
	Models  []record `json:"models"`
}

// record is one model in models.json. Match is its id without a version, or with a star at its end the
// start of all ids that have no record of their own.
type record struct {
	Match         string   `json:"match"`
	Input         float64  `json:"input"`
	Output        float64  `json:"output"`
	CachedInput   *float64 `json:"cached_input"`
	ContextWindow uint32   `json:"context_window"`
	MaxOutput     uint32   `json:"max_output"`
	Abilities     []string `json:"abilities"`
}

type date struct{ time.Time }

// UnmarshalJSON reads a day.
func (d *date) UnmarshalJSON(text []byte) (err error) {
	d.Time, err = time.Parse(`"`+time.DateOnly+`"`, string(text))
	return err
}

func decode(text []byte) ([]entry, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var entries []entry
	if err := dec.Decode(&entries); err != nil {
		return nil, fmt.Errorf("decoding the model catalog: %w", err)
	}
	return entries, nil
}

func (e *entry) index() *vendor {
	v := &vendor{exact: make(map[string]*Model, len(e.Models))}
	for i := range e.Models {
		m := e.Models[i].model()
		m.Source, m.AsOf = e.Source, e.AsOf.Time
		if start, ok := strings.CutSuffix(e.Models[i].Match, "*"); ok {
			v.prefixes = append(v.prefixes, prefix{start, m})
			continue
		}
		v.exact[e.Models[i].Match] = m
	}
	slices.SortFunc(v.prefixes, func(a, b prefix) int { return len(b.prefix) - len(a.prefix) })
	return v
}

// abilityBits are the abilities that the data speaks of.
var abilityBits = map[string]uint32{
	"tools":      abi.FeatureTools,
	"images":     abi.FeatureImages,
	"audio":      abi.FeatureAudio,
	"reasoning":  abi.FeatureReasoning,
	"embeddings": abi.FeatureEmbeddings,
}

func (r *record) model() *Model {
	m := &Model{
		Input: r.Input, Output: r.Output, CachedInput: math.NaN(),
		ContextWindow: r.ContextWindow, MaxOutput: r.MaxOutput,
		Abilities: ^uint32(0), AbilitiesKnown: r.Abilities != nil,
	}
	if r.CachedInput != nil {
		m.CachedInput = *r.CachedInput
	}
	if m.AbilitiesKnown {
		for _, bit := range abilityBits {
			m.Abilities &^= bit
		}
		for _, name := range r.Abilities {
			m.Abilities |= abilityBits[name]
		}
	}
	return m
}
