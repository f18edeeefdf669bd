// Package store says what Switchyard remembers: tenants and their keys, policies, decisions and
// the usage ledger. Import it for these types and for the interfaces behind which a database
// stands; internal/store/sqlite is the one that needs no server.
//
// No method is called while a client waits for a completion, except by the admin and tenant APIs
// themselves. What requests read comes from memory (internal/store/keyring), what they leave goes
// through files (internal/store/ledger) and a bounded queue (internal/store/decision).
//
// All times are kept in UTC, to the millisecond.
package store

import "errors"

// Errors that callers tell apart with errors.Is. What wraps them names the thing.
var (
	// ErrNotFound means that there is no such thing, or none of that tenant.
	ErrNotFound = errors.New("not found")
	// ErrExists means that the name, or the digest of a secret, is taken.
	ErrExists = errors.New("already exists")
	// ErrConflict means that the thing was changed since the caller read it.
	ErrConflict = errors.New("changed meanwhile")
	// ErrInUse means that something else needs the thing, as an active version.
	ErrInUse = errors.New("in use")
	// ErrInvalid means that the value can't be stored; the text says why.
	ErrInvalid = errors.New("invalid")
)

// Store is everything that is remembered. Its methods are safe for concurrent use, and each is
// whole or not at all.
type Store interface {
	Tenants
	Keys
	Policies
	Ledger
	Decisions
	// Close waits for what is under way.
	Close() error
}
