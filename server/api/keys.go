package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/keyring"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

const defaultOverlap = 24 * time.Hour

// PathKey is the path of a key's admin routes.
type PathKey struct {
	PathTenant
	Key string `path:"key" maxLength:"256" doc:"The key's ID."`
}

type keyAnswer struct{ Body shape.Key }

type keysAnswer struct {
	Body struct {
		Keys []shape.Key `json:"keys" nullable:"false"`
	} `nameHint:"Keys"`
}

type issuedAnswer struct {
	CacheControl string `header:"Cache-Control"`
	Body         shape.Issued
}

func (a *API) keyRoutes() {
	const path = "/admin/tenants/{tenant}/keys"
	endpoint.Add(a.table, endpoint.Route{Method: http.MethodGet, Path: path, ID: "list-keys", Tag: surfaces.Tenants, Summary: "List a tenant's keys", Missing: endpoint.NoTenant}, a.listKeys)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodPost, Path: path, ID: "create-key", Tag: surfaces.Tenants, Summary: "Create a key",
		About: "The secret is in the answer and nowhere else.", Status: http.StatusCreated, Missing: endpoint.NoTenant, Fails: []endpoint.Kind{configured, closed, endpoint.Exists},
	}, a.createKey)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: path + "/{key}", ID: "get-key", Tag: surfaces.Tenants, Summary: "Show a key", Missing: noSuchKey, Fails: []endpoint.Kind{endpoint.NoTenant},
	}, a.showKey)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodPatch, Path: path + "/{key}", ID: "change-key", Tag: surfaces.Tenants, Summary: "Change, disable or enable a key",
		About: "What is left out stays as it is; scopes and limits that are there replace all of what was. The change is in force when the answer comes.", Missing: noSuchKey, Fails: []endpoint.Kind{endpoint.NoTenant, configured, endpoint.Exists, endpoint.Conflict},
	}, a.changeKey)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodDelete, Path: path + "/{key}", ID: "delete-key", Tag: surfaces.Tenants, Summary: "Delete a key",
		Missing: noSuchKey, Fails: []endpoint.Kind{endpoint.NoTenant, configured},
	}, a.deleteKey)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodPost, Path: path + "/{key}/rotate", ID: "rotate-key", Tag: surfaces.Tenants, Summary: "Give a key a new secret",
		About: "The secret is in the answer and nowhere else. The older ones stay valid for the overlap.", Missing: noSuchKey, Fails: []endpoint.Kind{endpoint.NoTenant, configured},
	}, a.rotateKey)
}

// ownKeys finds a tenant whose keys may be changed here.
func (a *API) ownKeys(ctx context.Context, name string) error {
	_, err := a.stored(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return endpoint.NoTenant.Say("There is no tenant %q.", name)
	}
	return err
}

func (a *API) listKeys(ctx context.Context, _ endpoint.Caller, in *PathTenant) (*keysAnswer, error) {
	_, source, err := a.owner(ctx, in.Tenant)
	if err != nil {
		return nil, err
	}
	out := &keysAnswer{}
	out.Body.Keys = []shape.Key{}
	var all []*store.Key
	if c := a.configured(in.Tenant); c != nil {
		all = c.Keys
	} else if all, err = a.opts.Keys.ListKeys(ctx, in.Tenant); err != nil {
		return nil, err
	}
	for _, k := range all {
		out.Body.Keys = append(out.Body.Keys, shape.KeyOf(k, source))
	}
	return out, nil
}

func (a *API) createKey(ctx context.Context, _ endpoint.Caller, in *struct {
	PathTenant
	Body shape.NewKey
}) (*issuedAnswer, error) {
	t, err := a.stored(ctx, in.Tenant)
	if err != nil {
		return nil, err
	}
	if t.State == store.TenantClosed {
		return nil, closed.Say("The tenant %q is closed for good.", t.Name)
	}
	scopes, err := store.ParseScopes(in.Body.Scopes)
	if err != nil {
		return nil, err
	}
	k := &store.Key{Tenant: t.Name, Name: in.Body.Name, Scopes: scopes, Limits: in.Body.Limits.Stored()}
	if in.Body.Expires != nil {
		if k.Expires, err = shape.Expires(*in.Body.Expires); err != nil {
			return nil, err
		}
	}
	plain, secret := keyring.NewSecret()
	k.Secrets = []store.Secret{secret}
	switch err := a.opts.Keys.CreateKey(ctx, k); {
	case errors.Is(err, store.ErrExists):
		return nil, endpoint.Exists.Say("The tenant %q has a key %q already.", t.Name, k.Name).On("name")
	case err != nil:
		return nil, err
	}
	a.changed(ctx)
	return &issuedAnswer{noStore, shape.Issued{Key: shape.KeyOf(k, shape.FromStore), Secret: plain}}, nil
}

// noStore keeps secrets out of caches.
const noStore = "no-store"

func (a *API) showKey(ctx context.Context, _ endpoint.Caller, in *PathKey) (*keyAnswer, error) {
	_, source, err := a.owner(ctx, in.Tenant)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, endpoint.NoTenant.Say("There is no tenant %q.", in.Tenant)
	case err != nil:
		return nil, err
	}
	if c := a.configured(in.Tenant); c != nil {
		for _, k := range c.Keys {
			if k.ID == in.Key {
				return &keyAnswer{shape.KeyOf(k, source)}, nil
			}
		}
		return nil, store.ErrNotFound
	}
	k, err := a.opts.Keys.Key(ctx, in.Tenant, in.Key)
	if err != nil {
		return nil, err
	}
	return &keyAnswer{shape.KeyOf(k, source)}, nil
}

func (a *API) changeKey(ctx context.Context, _ endpoint.Caller, in *struct {
	PathKey
	Body shape.KeyPatch
}) (*keyAnswer, error) {
	if err := a.ownKeys(ctx, in.Tenant); err != nil {
		return nil, err
	}
	k, err := a.opts.Keys.Key(ctx, in.Tenant, in.Key)
	if err != nil {
		return nil, err
	}
	if err := in.Body.Apply(k); err != nil {
		return nil, err
	}
	switch err := a.opts.Keys.UpdateKey(ctx, k); {
	case errors.Is(err, store.ErrExists):
		return nil, endpoint.Exists.Say("The tenant %q has another key %q.", k.Tenant, k.Name).On("name")
	case err != nil:
		return nil, err
	}
	a.changed(ctx)
	return &keyAnswer{shape.KeyOf(k, shape.FromStore)}, nil
}

func (a *API) deleteKey(ctx context.Context, _ endpoint.Caller, in *PathKey) (*struct{}, error) {
	if err := a.ownKeys(ctx, in.Tenant); err != nil {
		return nil, err
	}
	if err := a.opts.Keys.DeleteKey(ctx, in.Tenant, in.Key); err != nil {
		return nil, err
	}
	a.changed(ctx)
	return nil, nil
}

func (a *API) rotateKey(ctx context.Context, _ endpoint.Caller, in *struct {
	PathKey
	Body *shape.Rotation
}) (*issuedAnswer, error) {
	if err := a.ownKeys(ctx, in.Tenant); err != nil {
		return nil, err
	}
	overlap := defaultOverlap
	if in.Body != nil && in.Body.Overlap != nil {
		overlap = time.Duration(*in.Body.Overlap) * time.Second
	}
	plain, secret := keyring.NewSecret()
	k, err := a.opts.Keys.RotateKey(ctx, in.Tenant, in.Key, secret, overlap)
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	return &issuedAnswer{noStore, shape.Issued{Key: shape.KeyOf(k, shape.FromStore), Secret: plain}}, nil
}
