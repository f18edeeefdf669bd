package shape

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// UsageRow is sums over all days, or over what was split by.
type UsageRow struct {
	Day        string  `json:"day,omitempty" format:"date"`
	Month      string  `json:"month,omitempty" doc:"As 2006-01."`
	Tenant     string  `json:"tenant,omitempty"`
	Group      string  `json:"group,omitempty"`
	Deployment string  `json:"deployment,omitempty"`
	Provider   string  `json:"provider,omitempty"`
	Model      string  `json:"model,omitempty"`
	Surface    string  `json:"surface,omitempty"`
	Key        string  `json:"key,omitempty"`
	Requests   int64   `json:"requests"`
	Failed     int64   `json:"failed"`
	Unpriced   int64   `json:"unpriced" doc:"Requests whose cost is not known, and not in cost_usd."`
	Prompt     int64   `json:"prompt_tokens"`
	Completion int64   `json:"completion_tokens"`
	Cached     int64   `json:"cached_tokens" doc:"A part of prompt_tokens."`
	CacheWrite int64   `json:"cache_write_tokens"`
	Reasoning  int64   `json:"reasoning_tokens" doc:"A part of completion_tokens."`
	Cost       Dollars `json:"cost_usd" doc:"Exact to the billionth."`
	Latency    float64 `json:"mean_latency_ms"`
}

// UsageReport is the answer to a query.
type UsageReport struct {
	From  string     `json:"from" format:"date"`
	To    string     `json:"to" format:"date"`
	By    []string   `json:"by" nullable:"false"`
	Rows  []UsageRow `json:"rows" nullable:"false"`
	Total UsageRow   `json:"total" doc:"Of all rows."`
}

// dimension is something to split by: its name, and where a row has it.
var dimensions = map[string]struct {
	dimension store.Dimension
	of        func(u *store.Usage, r *UsageRow)
}{
	"day":        {store.ByDay, func(u *store.Usage, r *UsageRow) { r.Day = u.Day.String() }},
	"month":      {store.ByMonth, func(u *store.Usage, r *UsageRow) { r.Month = u.Day.String()[:len("2006-01")] }},
	"tenant":     {store.ByTenant, func(u *store.Usage, r *UsageRow) { r.Tenant = u.Tenant }},
	"group":      {store.ByGroup, func(u *store.Usage, r *UsageRow) { r.Group = u.Group }},
	"deployment": {store.ByDeployment, func(u *store.Usage, r *UsageRow) { r.Deployment = u.Deployment }},
	"provider":   {store.ByProvider, func(u *store.Usage, r *UsageRow) { r.Provider = u.Provider }},
	"model":      {store.ByModel, func(u *store.Usage, r *UsageRow) { r.Model = u.Model }},
	"surface":    {store.BySurface, func(u *store.Usage, r *UsageRow) { r.Surface = u.Surface }},
	"key":        {store.ByKey, func(u *store.Usage, r *UsageRow) { r.Key = u.Key }},
}

func rowOf(u *store.Usage, by []string) UsageRow {
	r := UsageRow{
		Requests: u.Requests, Failed: u.Failed, Unpriced: u.Unpriced, Prompt: u.Prompt, Completion: u.Completion, Cached: u.Cached, CacheWrite: u.CacheWrite, Reasoning: u.Reasoning,
		Cost: Dollars(u.Cost),
	}
	if u.Requests > 0 {
		r.Latency = milliseconds(u.Latency / time.Duration(u.Requests))
	}
	for _, name := range by {
		dimensions[name].of(u, &r)
	}
	return r
}

// CSV writes the rows: the columns that were split by, then the sums.
func (r *UsageReport) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := append(append([]string{}, r.By...), "requests", "failed", "unpriced", "prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens",
		"reasoning_tokens", "cost_usd", "mean_latency_ms")
	if err := out.Write(head); err != nil {
		return err
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		var cells []string
		for _, name := range r.By {
			cells = append(cells, row.cell(name))
		}
		for _, n := range []int64{row.Requests, row.Failed, row.Unpriced, row.Prompt, row.Completion, row.Cached, row.CacheWrite, row.Reasoning} {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		cells = append(cells, store.Money(row.Cost).String(), strconv.FormatFloat(row.Latency, 'f', -1, 64))
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cell is what a row has of a dimension. A name that a spreadsheet would take for a formula is quoted for it.
func (r *UsageRow) cell(dimension string) string {
	names := map[string]string{
		"day": r.Day, "month": r.Month, "tenant": r.Tenant, "group": r.Group, "deployment": r.Deployment, "provider": r.Provider, "model": r.Model, "surface": r.Surface, "key": r.Key,
	}
	name := names[dimension]
	if name != "" && strings.ContainsRune("=+-@\t\r", rune(name[0])) {
		name = "'" + name
	}
	return name
}

// Report shows sums that were split by something, and their total.
func Report(q *store.UsageQuery, by []string, sums []store.Usage) *UsageReport {
	r := &UsageReport{From: q.From.String(), To: (q.To - 1).String(), By: append([]string{}, by...), Rows: make([]UsageRow, len(sums))}
	var total store.Usage
	for i := range sums {
		r.Rows[i] = rowOf(&sums[i], by)
		total.Add(&sums[i])
	}
	r.Total = rowOf(&total, nil)
	return r
}

// Dimension is what the store splits by for a name of the API; ok is false for a name that is none.
func Dimension(name string) (d store.Dimension, ok bool) {
	known, ok := dimensions[name]
	return known.dimension, ok
}
