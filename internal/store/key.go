package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Scopes are what a key may do, as a set of bits.
type Scopes uint32

// The scopes.
const (
	ScopeComplete Scopes = 1 << iota // send completions
	ScopePolicy                      // upload, try and activate policies
	ScopeUsage                       // read usage and decisions
	ScopeActFor                      // name another tenant in a request

	allScopes = 1<<iota - 1
)

var scopeNames = [...]string{"complete", "policy", "usage", "act-for"}

// Has reports whether all of want are in the set.
func (s Scopes) Has(want Scopes) bool { return s&want == want }

// Names returns the scopes as the API spells them.
func (s Scopes) Names() []string {
	var names []string
	for i, n := range scopeNames {
		if s&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// ParseScopes reads what Names returns. The error is an ErrInvalid.
func ParseScopes(names []string) (Scopes, error) {
	var s Scopes
next:
	for _, name := range names {
		for i, n := range scopeNames {
			if n == name {
				s |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("%w: no scope %q: there are %s", ErrInvalid, name, strings.Join(scopeNames[:], ", "))
	}
	return s, nil
}

// Digest is the SHA-256 of a secret, the only form in which it is kept.
type Digest [sha256.Size]byte

// Key is a tenant's permission to call. It outlives its secrets: limits and usage are the key's,
// and rotation changes neither.
type Key struct {
	ID       string // made by the store; in the ledger
	Tenant   string
	Name     string // unique in the tenant
	Scopes   Scopes
	Limits   Limits
	Disabled bool
	Expires  time.Time // zero: never
	Created  time.Time
	Updated  time.Time
	Revision int64
	Secrets  []Secret // newest first
}

// Secret is what a caller shows. While a key is being rotated it has more than one.
type Secret struct {
	Digest   Digest
	Hint     string // the secret's first characters, to recognise it by
	Created  time.Time
	Expires  time.Time // zero: with the key
	LastUsed time.Time // to the minute, zero: never
}

// Check says what is wrong with a key, as an ErrInvalid.
func (k *Key) Check() error {
	if err := CheckName("key", k.Name); err != nil {
		return err
	}
	if k.Scopes == 0 || k.Scopes&^allScopes != 0 {
		return fmt.Errorf("%w: key %q has the scopes %#x, it needs one or more of %s", ErrInvalid, k.Name, uint32(k.Scopes), strings.Join(scopeNames[:], ", "))
	}
	return k.Limits.Check()
}

// Keys keeps API keys.
type Keys interface {
	// CreateKey adds a key with one secret, of which Digest and Hint are read; it sets ID, times
	// and revision. ErrNotFound when there is no such tenant or it is closed, ErrExists, ErrInvalid.
	CreateKey(ctx context.Context, k *Key) error
	// Key finds a key of a tenant by ID. ErrNotFound.
	Key(ctx context.Context, tenant, id string) (*Key, error)
	// ListKeys returns a tenant's keys by name; an empty tenant is all.
	ListKeys(ctx context.Context, tenant string) ([]*Key, error)
	// UpdateKey writes name, scopes, limits, Disabled and Expires, and sets time and revision.
	// ErrNotFound, ErrExists, ErrConflict, ErrInvalid.
	UpdateKey(ctx context.Context, k *Key) error
	// RotateKey adds a secret to a key. Its other secrets end after the overlap, or when they
	// would anyway; those that have ended are deleted. ErrNotFound, ErrExists.
	RotateKey(ctx context.Context, tenant, id string, next Secret, overlap time.Duration) (*Key, error)
	// DeleteKey removes a key and its secrets; what the ledger has of it stays. ErrNotFound.
	DeleteKey(ctx context.Context, tenant, id string) error
	// MarkUsed notes when secrets were last used. Secrets that are gone are passed over.
	MarkUsed(ctx context.Context, seen map[Digest]time.Time) error
}
