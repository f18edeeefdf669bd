// Package report keeps the figures of a benchmark, and makes of them the table that people read, the JSON that programs
// read, and the verdict.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Report is all figures of one run. It is not safe for concurrent use.
type Report struct {
	Started  time.Time      `json:"started"`
	Commit   string         `json:"commit"`
	Machine  Machine        `json:"machine"`
	Versions []string       `json:"versions,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
	Figures  []*Figure      `json:"figures"`
	Order    []string       `json:"contenders"` // as they are listed
	Verdicts []Verdict      `json:"verdicts"`
	index    map[Of]*Figure // of Figures
}

// Machine is where it ran.
type Machine struct {
	Processors int    `json:"processors"`
	Model      string `json:"model"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
}

// Of names a figure: what was measured, in which run, of whom.
type Of struct {
	Section   string `json:"section"` // closed, streams, …
	Shape     string `json:"shape"`   // of the load, like "32 × 0.5 KB"
	Contender string `json:"contender"`
	Metric    string `json:"metric"` // with its unit, like "cpu_us"
}

// Figure is one value for each round, in their order.
type Figure struct {
	Of
	Values []float64 `json:"values"`
	Median float64   `json:"median"`
}

// Add adds the value of a round.
func (r *Report) Add(of Of, value float64) {
	if r.index == nil {
		r.index = map[Of]*Figure{}
	}
	f := r.index[of]
	if f == nil {
		f = &Figure{Of: of}
		r.index[of] = f
		r.Figures = append(r.Figures, f)
	}
	f.Values = append(f.Values, value)
	f.Median = median(f.Values)
}

// Get returns the values of a figure, none if it was not measured.
func (r *Report) Get(of Of) Series {
	if f := r.index[of]; f != nil {
		return f.Values
	}
	return nil
}

// Shapes lists the shapes of a section in the order in which they were run.
func (r *Report) Shapes(section string) []string {
	return r.distinct(func(o Of) (string, bool) { return o.Shape, o.Section == section })
}

// Contenders lists who took part in a shape.
func (r *Report) Contenders(section, shape string) []string {
	return r.distinct(func(o Of) (string, bool) { return o.Contender, o.Section == section && o.Shape == shape })
}

func (r *Report) distinct(of func(Of) (string, bool)) (out []string) {
	for _, f := range r.Figures {
		if s, ok := of(f.Of); ok && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Note adds a remark that the reader needs to judge the figures. The same one is kept once.
func (r *Report) Note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// JSON writes all of it.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// Series is a value for each round.
type Series []float64

// Over divides round by round, as only rounds that ran next to each other can be compared; none where a side is missing.
func (s Series) Over(other Series) Series {
	return s.with(other, func(a, b float64) float64 { return a / b })
}

// Less subtracts round by round.
func (s Series) Less(other Series) Series {
	return s.with(other, func(a, b float64) float64 { return a - b })
}

func (s Series) with(other Series, f func(a, b float64) float64) (out Series) {
	for i := range min(len(s), len(other)) {
		out = append(out, f(s[i], other[i]))
	}
	return out
}

// Median is the middle value, or the mean of the two in the middle.
func (s Series) Median() float64 { return median(s) }

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
