package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// Decisions is the record of a tenant's routing decisions; a decisionlog.Log is one.
type Decisions interface {
	// Recent returns the latest before an ID, which is zero for the very latest, the newest first.
	Recent(ctx context.Context, tenant string, before store.EntryID, limit int) ([]*decisionlog.Record, error)
	// Find returns one. store.ErrNotFound.
	Find(ctx context.Context, tenant string, id store.EntryID) (*decisionlog.Record, error)
}

type decisionsQuery struct {
	OfTenant
	Before string `query:"before" pattern:"^[0-9a-f]{32}$" doc:"Only older ones than this: next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type decisionsAnswer struct {
	Body struct {
		Decisions []shape.Summary `json:"decisions" nullable:"false" doc:"The newest first."`
		Next      string          `json:"next,omitempty" doc:"Value of before for the next page; left out: there is none."`
	} `nameHint:"Decisions"`
}

type decisionPath struct {
	OfTenant
	ID string `path:"id" pattern:"^[0-9a-f]{32}$" doc:"The decision's ID."`
}

type decisionAnswer struct{ Body shape.Details }

func (a *API) decisionRoutes() {
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/v1/decisions", ID: "list-decisions", Tag: surfaces.Decisions, Summary: "List routing decisions",
		About: "Prompts and answers are not in them.", Scope: store.ScopeUsage,
	}, a.listDecisions)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/v1/decisions/{id}", ID: "get-decision", Tag: surfaces.Decisions, Summary: "Show one decision with its input, and explain it",
		Scope: store.ScopeUsage, Missing: noDecision,
	}, a.showDecision)
}

// entryID reads an ID that the description's pattern has let through.
func entryID(s string) (id store.EntryID) {
	_, _ = hex.Decode(id[:], []byte(s))
	return id
}

func (a *API) listDecisions(ctx context.Context, who endpoint.Caller, in *decisionsQuery) (*decisionsAnswer, error) {
	// One more than is shown tells whether there is a next page.
	found, err := a.opts.Decisions.Recent(ctx, who.Tenant, entryID(in.Before), in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &decisionsAnswer{}
	out.Body.Decisions = []shape.Summary{}
	for _, r := range found[:min(len(found), in.Limit)] {
		out.Body.Decisions = append(out.Body.Decisions, shape.SummaryOf(r))
	}
	if len(found) > in.Limit {
		out.Body.Next = out.Body.Decisions[in.Limit-1].ID
	}
	return out, nil
}

func (a *API) showDecision(ctx context.Context, who endpoint.Caller, in *decisionPath) (*decisionAnswer, error) {
	r, err := a.opts.Decisions.Find(ctx, who.Tenant, entryID(in.ID))
	if err != nil {
		return nil, err
	}
	return &decisionAnswer{shape.DetailsOf(r, a.opts.Explain(r))}, nil
}
