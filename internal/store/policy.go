package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Policy is a tenant's policy: a name, versions, and which of them serve.
type Policy struct {
	Tenant  string
	Name    string
	Routing Routing
	Created time.Time
	Updated time.Time
	// Revision counts changes of the routing. SetRouting takes the one that its caller has read.
	Revision int64
}

// Routing says which versions serve a policy's requests. 0 is none.
type Routing struct {
	Active int
	Canary int
	Share  int // of requests that go to the canary, in thousandths
}

// Check says what is wrong with a routing, as an ErrInvalid.
func (r *Routing) Check() error {
	switch {
	case r.Active < 0 || r.Canary < 0 || r.Share < 0 || r.Share > 1000:
		return fmt.Errorf("%w: active version %d, canary %d with %d of 1000 requests", ErrInvalid, r.Active, r.Canary, r.Share)
	case (r.Canary == 0) != (r.Share == 0):
		return fmt.Errorf("%w: a canary needs a share and a share a canary, not version %d with %d of 1000", ErrInvalid, r.Canary, r.Share)
	case r.Canary != 0 && r.Canary == r.Active:
		return fmt.Errorf("%w: version %d is active and can't be its own canary", ErrInvalid, r.Active)
	}
	return nil
}

// VersionState says whether a version may serve.
type VersionState uint8

// States of a version.
const (
	VersionReady     VersionState = iota + 1
	VersionWithdrawn              // taken out; Reason says why. It may be put back by hand
)

// Version is one upload: a module and its configuration. Only state and reason ever change.
type Version struct {
	Tenant  string
	Policy  string
	Number  int    // from 1, never used again
	Module  Digest // of the module's bytes
	Size    int64  // of the module
	Config  json.RawMessage
	By      string // who uploaded it
	Note    string
	Created time.Time
	State   VersionState
	Reason  string
}

// Change is an entry of a policy's history.
type Change struct {
	At       time.Time
	By       string // who, or what: "canary" when the gateway did it by itself
	Reason   string
	From, To Routing
}

// Policies keeps policies. Modules are kept once for all tenants, by digest, and go with the last
// version that has them.
type Policies interface {
	// AddVersion adds a version and, with the first, the policy. Of v it reads tenant, policy,
	// config, by and note, and sets the rest. ErrInvalid.
	AddVersion(ctx context.Context, v *Version, module []byte) error
	// Policy finds a policy. ErrNotFound.
	Policy(ctx context.Context, tenant, name string) (*Policy, error)
	// ListPolicies returns a tenant's policies by name; an empty tenant is all.
	ListPolicies(ctx context.Context, tenant string) ([]*Policy, error)
	// ListVersions returns a policy's versions, the newest first. ErrNotFound.
	ListVersions(ctx context.Context, tenant, policy string) ([]*Version, error)
	// Version finds one version. ErrNotFound.
	Version(ctx context.Context, tenant, policy string, number int) (*Version, error)
	// Module returns the bytes of a module. ErrNotFound. Whoever asks on a tenant's behalf takes
	// the digest from one of its versions.
	Module(ctx context.Context, module Digest) ([]byte, error)
	// SetRouting changes which versions serve and adds to the history. ErrNotFound when there is no
	// such policy or version, ErrConflict when the revision is not the stored one, ErrInvalid for a
	// version that is withdrawn.
	SetRouting(ctx context.Context, tenant, policy string, revision int64, to Routing, by, reason string) (*Policy, error)
	// SetVersionState withdraws a version or puts it back. ErrNotFound, ErrInUse for one that serves.
	SetVersionState(ctx context.Context, tenant, policy string, number int, state VersionState, reason string) error
	// History returns the latest changes of a policy, the newest first. ErrNotFound.
	History(ctx context.Context, tenant, policy string, limit int) ([]Change, error)
	// DeleteVersion removes a version. ErrNotFound, ErrInUse for one that serves.
	DeleteVersion(ctx context.Context, tenant, policy string, number int) error
	// DeletePolicy removes a policy with versions and history. ErrNotFound.
	DeletePolicy(ctx context.Context, tenant, policy string) error
}
