package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// Usage sums up what was used; a store.Ledger does. What it returns is complete only as far as answered requests have
// reached the store: whoever puts it together brings them there first.
type Usage interface {
	Usage(ctx context.Context, q *store.UsageQuery) ([]store.Usage, error)
}

// maxDays is how many days one query may span.
const maxDays = 400

// Span is what the queries of tenant and admin have in common.
type Span struct {
	From   string `query:"from" format:"date" doc:"The first day, in UTC. Left out: the first of the month of the last one."`
	To     string `query:"to" format:"date" doc:"The last day, in UTC. Left out: today."`
	Key    string `query:"key" maxLength:"256" doc:"Only this key, by ID."`
	Group  string `query:"group" maxLength:"256" doc:"Only this model group."`
	Model  string `query:"model" maxLength:"256" doc:"Only this model of a vendor."`
	Format string `query:"format" enum:"json,csv" doc:"Left out: what Accept prefers, else JSON."`
	Accept string `header:"Accept" hidden:"true"`
}

type tenantUsage struct {
	OfTenant
	Span
	By []string `query:"by" nullable:"false" maxItems:"8" uniqueItems:"true" enum:"day,month,group,deployment,provider,model,surface,key" doc:"What to split by, in this order."`
}

type adminUsage struct {
	Span
	Tenant string   `query:"tenant" maxLength:"256" doc:"Only this tenant."`
	By     []string `query:"by" nullable:"false" maxItems:"9" uniqueItems:"true" enum:"day,month,tenant,group,deployment,provider,model,surface,key" doc:"What to split by, in this order."`
}

func (a *API) usageRoutes() {
	schema := endpoint.Schema[shape.UsageReport](a.table)
	answers := func() map[string]*huma.MediaType {
		return map[string]*huma.MediaType{mediaJSON: {Schema: schema}, mediaCSV: {Schema: &huma.Schema{Type: huma.TypeString}}}
	}
	about := "Sums of finished requests over whole days in UTC. As CSV, by format or Accept, the rows alone."
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/v1/usage", ID: "get-usage", Tag: surfaces.Usage, Summary: "Show what a tenant has used", About: about, Scope: store.ScopeUsage, Answers: answers(),
	}, func(ctx context.Context, who endpoint.Caller, in *tenantUsage) (*usageAnswer, error) {
		return a.usage(ctx, &in.Span, in.By, who.Tenant)
	})
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/admin/usage", ID: "get-all-usage", Tag: surfaces.Operators, Summary: "Show what all tenants have used", About: about, Answers: answers(),
	}, func(ctx context.Context, _ endpoint.Caller, in *adminUsage) (*usageAnswer, error) {
		return a.usage(ctx, &in.Span, in.By, in.Tenant)
	})
}

// usageAnswer writes itself, in one of two media types.
type usageAnswer struct {
	Body func(huma.Context)
}

const (
	mediaJSON = "application/json"
	mediaCSV  = "text/csv"
)

func (a *API) usage(ctx context.Context, in *Span, by []string, tenant string) (*usageAnswer, error) {
	q := &store.UsageQuery{Tenant: tenant, Key: in.Key, Group: in.Group, Model: in.Model}
	if err := in.days(q, time.Now()); err != nil {
		return nil, err
	}
	for _, name := range by {
		if d, ok := shape.Dimension(name); ok {
			q.By = append(q.By, d)
		}
	}
	sums, err := a.opts.Usage.Usage(ctx, q)
	if err != nil {
		return nil, err
	}
	report := shape.Report(q, by, sums)
	return &usageAnswer{func(c huma.Context) {
		media, write := mediaJSON, func(w io.Writer) error { return json.NewEncoder(w).Encode(report) }
		if in.csv() {
			media, write = mediaCSV+"; charset=utf-8", report.CSV
		}
		c.SetHeader("Content-Type", media)
		c.SetHeader("Vary", "Accept")
		c.SetStatus(http.StatusOK)
		_ = write(c.BodyWriter()) // the client may have left
	}}, nil
}

// days reads the first and the last day.
func (in *Span) days(q *store.UsageQuery, now time.Time) error {
	last := store.DayOf(now)
	if in.To != "" {
		t, err := time.Parse(time.DateOnly, in.To)
		if err != nil {
			return endpoint.InvalidValue.Say("%q is no day.", endpoint.Clip(in.To)).On("to")
		}
		last = store.DayOf(t)
	}
	first := last.Month()
	if in.From != "" {
		t, err := time.Parse(time.DateOnly, in.From)
		if err != nil {
			return endpoint.InvalidValue.Say("%q is no day.", endpoint.Clip(in.From)).On("from")
		}
		first = store.DayOf(t)
	}
	if first > last || last-first >= maxDays {
		return endpoint.InvalidValue.Say("From %s to %s is not between 1 and %d days.", first, last, maxDays).On("from")
	}
	q.From, q.To = first, last+1
	return nil
}

// csv reports whether CSV is wanted: by format, or because Accept names it and not JSON before it.
func (in *Span) csv() bool {
	if in.Format != "" {
		return in.Format == "csv"
	}
	for media := range strings.SplitSeq(strings.ToLower(in.Accept), ",") {
		media, _, _ = strings.Cut(media, ";")
		switch strings.TrimSpace(media) {
		case mediaCSV:
			return true
		case mediaJSON, "*/*":
			return false
		}
	}
	return false
}
