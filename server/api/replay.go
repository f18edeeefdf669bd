package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/switchyard-gateway/switchyard/internal/replay"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// Replays runs versions of policies over recorded decisions. Of the jobs, ID can't be guessed.
type Replays interface {
	// Start begins a replay over so many of the latest decisions. store.ErrNotFound when there is no such version,
	// replay.ErrBusy when it can't begin now.
	Start(ctx context.Context, tenant, policy string, version, last int) (replay.Job, error)
	// Get returns a tenant's replay. replay.ErrNotFound.
	Get(tenant, id string) (replay.Job, error)
	// List returns a tenant's replays, the newest first, without their results.
	List(tenant string) []replay.Job
	// Cancel ends a tenant's replay soon; one that has ended stays as it is. replay.ErrNotFound.
	Cancel(tenant, id string) (replay.Job, error)
}

// replayOrder is the body that starts a replay.
type replayOrder struct {
	Version int `json:"version" minimum:"1" maximum:"2147483647" doc:"It need not serve."`
	Last    int `json:"last,omitempty" minimum:"1" maximum:"1000000" default:"10000" doc:"How many of the latest decisions."`
}

type replayPath struct {
	OfTenant
	ID string `path:"id" maxLength:"64" doc:"The replay's ID."`
}

type startedAnswer struct {
	Location string `header:"Location"`
	Body     replay.Job
}

type replayAnswer struct{ Body replay.Job }

type replaysAnswer struct {
	Body struct {
		Replays []replay.Job `json:"replays" nullable:"false" doc:"The newest first, without results."`
	} `nameHint:"Replays"`
}

func (a *API) replayRoutes() {
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodPost, Path: "/v1/policies/{name}/replay", ID: "replay-policy", Tag: surfaces.Policies, Summary: "Try a version on recorded decisions",
		About: "Makes the tenant's latest decisions again with the version, and compares. It runs in the background and gives way to requests: ask for the replay at Location until it is done.",
		Scope: store.ScopePolicy, Status: http.StatusAccepted, Missing: noVersion, Fails: []endpoint.Kind{busy},
	}, a.startReplay)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/v1/replays", ID: "list-replays", Tag: surfaces.Policies, Summary: "List replays",
		About: "Those under way and the latest that have ended. They are gone when the router's process ends.", Scope: store.ScopePolicy,
	}, func(_ context.Context, who endpoint.Caller, _ *OfTenant) (*replaysAnswer, error) {
		out := &replaysAnswer{}
		out.Body.Replays = append([]replay.Job{}, a.opts.Replays.List(who.Tenant)...)
		return out, nil
	})
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/v1/replays/{id}", ID: "get-replay", Tag: surfaces.Policies, Summary: "Show a replay's progress and result",
		Scope: store.ScopePolicy, Missing: noReplay,
	}, func(_ context.Context, who endpoint.Caller, in *replayPath) (*replayAnswer, error) {
		return replayed(a.opts.Replays.Get(who.Tenant, in.ID))
	})
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodDelete, Path: "/v1/replays/{id}", ID: "cancel-replay", Tag: surfaces.Policies, Summary: "Cancel a replay",
		About: "It ends soon; one that has ended stays as it is.", Scope: store.ScopePolicy, Missing: noReplay,
	}, func(_ context.Context, who endpoint.Caller, in *replayPath) (*replayAnswer, error) {
		return replayed(a.opts.Replays.Cancel(who.Tenant, in.ID))
	})
}

func (a *API) startReplay(ctx context.Context, who endpoint.Caller, in *struct {
	OfPolicy
	Body replayOrder
}) (*startedAnswer, error) {
	job, err := a.opts.Replays.Start(ctx, who.Tenant, in.Name, in.Body.Version, in.Body.Last)
	switch {
	case errors.Is(err, replay.ErrBusy):
		return nil, busy.Say("%s", busy.About)
	case err != nil:
		return nil, err
	}
	return &startedAnswer{"/v1/replays/" + job.ID, job}, nil
}

func replayed(job replay.Job, err error) (*replayAnswer, error) {
	switch {
	case errors.Is(err, replay.ErrNotFound):
		return nil, noReplay.Say("%s", noReplay.About)
	case err != nil:
		return nil, err
	}
	return &replayAnswer{job}, nil
}
