package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

const keyColumns = "id, tenant, name, scopes, limits, disabled, expires, created, updated, revision"

func scanKey(r row) (*store.Key, error) {
	var k store.Key
	var limits []byte
	var expires, created, updated int64
	if err := r.Scan(&k.ID, &k.Tenant, &k.Name, &k.Scopes, &limits, &k.Disabled, &expires, &created, &updated, &k.Revision); err != nil {
		return nil, err
	}
	k.Expires, k.Created, k.Updated = fromMillis(expires), fromMillis(created), fromMillis(updated)
	if err := json.Unmarshal(limits, &k.Limits); err != nil {
		return nil, fmt.Errorf("limits of key %q: %w", k.ID, err)
	}
	return &k, nil
}

// ownedSecret is a secret and the ID of its key.
type ownedSecret struct {
	key string
	store.Secret
}

func scanSecret(r row) (ownedSecret, error) {
	var s ownedSecret
	var digest []byte
	var created, expires, used int64
	if err := r.Scan(&s.key, &digest, &s.Hint, &created, &expires, &used); err != nil {
		return s, err
	}
	if copy(s.Digest[:], digest) != len(s.Digest) {
		return s, fmt.Errorf("a secret of key %q has a digest of %d bytes", s.key, len(digest))
	}
	s.Created, s.Expires, s.LastUsed = fromMillis(created), fromMillis(expires), fromMillis(used)
	return s, nil
}

// keysWhere reads keys with their secrets.
func keysWhere(ctx context.Context, q queryer, where string, args ...any) ([]*store.Key, error) {
	all, err := list(ctx, q, scanKey, "SELECT "+keyColumns+" FROM keys WHERE "+where+" ORDER BY tenant, name", args...)
	if err != nil {
		return nil, err
	}
	secrets, err := list(ctx, q, scanSecret, "SELECT key, digest, hint, created, expires, last_used FROM secrets WHERE key IN (SELECT id FROM keys WHERE "+where+
		") ORDER BY created DESC, digest", args...)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*store.Key, len(all))
	for _, k := range all {
		byID[k.ID] = k
	}
	for i := range secrets {
		if k, ok := byID[secrets[i].key]; ok {
			k.Secrets = append(k.Secrets, secrets[i].Secret)
		}
	}
	return all, nil
}

func oneKey(ctx context.Context, q queryer, tenant, id string) (*store.Key, error) {
	all, err := keysWhere(ctx, q, "tenant = ? AND id = ?", tenant, id)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (s *Store) CreateKey(ctx context.Context, k *store.Key) error {
	if err := k.Check(); err != nil {
		return err
	}
	if len(k.Secrets) != 1 {
		return fmt.Errorf("%w: a new key has one secret, not %d", store.ErrInvalid, len(k.Secrets))
	}
	made := *k
	made.ID, made.Created, made.Revision = "key_"+rand.Text()[:20], now(), 1
	made.Updated = made.Created
	made.Secrets = []store.Secret{{Digest: k.Secrets[0].Digest, Hint: k.Secrets[0].Hint, Created: made.Created}}
	err := s.write(ctx, fmt.Sprintf("creating key %q of tenant %q", k.Name, k.Tenant), func(tx *sql.Tx) error {
		t, err := one(ctx, tx, scanTenant, "SELECT "+tenantColumns+" FROM tenants WHERE name = ?", k.Tenant)
		if err == nil && t.State == store.TenantClosed {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		err = exec(ctx, tx, "INSERT INTO keys ("+keyColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", made.ID, made.Tenant, made.Name, made.Scopes, text(made.Limits),
			made.Disabled, millis(made.Expires), millis(made.Created), millis(made.Updated), made.Revision)
		if err != nil {
			return err
		}
		return addSecret(ctx, tx, made.ID, &made.Secrets[0])
	})
	if err == nil {
		*k = made
	}
	return err
}

func addSecret(ctx context.Context, tx *sql.Tx, key string, s *store.Secret) error {
	return exec(ctx, tx, "INSERT INTO secrets (digest, key, hint, created, expires, last_used) VALUES (?, ?, ?, ?, ?, 0)",
		s.Digest[:], key, s.Hint, millis(s.Created), millis(s.Expires))
}

func (s *Store) Key(ctx context.Context, tenant, id string) (*store.Key, error) {
	var k *store.Key
	err := s.look(ctx, func(tx *sql.Tx) (err error) { k, err = oneKey(ctx, tx, tenant, id); return err })
	if err != nil {
		return nil, fmt.Errorf("key %q of tenant %q: %w", id, tenant, err)
	}
	return k, nil
}

func (s *Store) ListKeys(ctx context.Context, tenant string) ([]*store.Key, error) {
	where, args := "tenant = ?", []any{tenant}
	if tenant == "" {
		where, args = "true", nil
	}
	var all []*store.Key
	err := s.look(ctx, func(tx *sql.Tx) (err error) { all, err = keysWhere(ctx, tx, where, args...); return err })
	if err != nil {
		return nil, fmt.Errorf("listing keys: %w", err)
	}
	return all, nil
}

// look runs several queries on one state of the database.
func (s *Store) look(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	err = f(tx)
	_ = tx.Rollback() // nothing was written
	return err
}

func (s *Store) UpdateKey(ctx context.Context, k *store.Key) error {
	if err := k.Check(); err != nil {
		return err
	}
	var made *store.Key
	err := s.write(ctx, fmt.Sprintf("changing key %q of tenant %q", k.ID, k.Tenant), func(tx *sql.Tx) (err error) {
		if made, err = oneKey(ctx, tx, k.Tenant, k.ID); err != nil {
			return err
		}
		if made.Revision != k.Revision {
			return store.ErrConflict
		}
		made.Name, made.Scopes, made.Limits, made.Disabled, made.Expires = k.Name, k.Scopes, k.Limits, k.Disabled, fromMillis(millis(k.Expires))
		made.Updated, made.Revision = now(), k.Revision+1
		return exec(ctx, tx, "UPDATE keys SET name = ?, scopes = ?, limits = ?, disabled = ?, expires = ?, updated = ?, revision = ? WHERE id = ?",
			made.Name, made.Scopes, text(made.Limits), made.Disabled, millis(made.Expires), millis(made.Updated), made.Revision, made.ID)
	})
	if err == nil {
		*k = *made
	}
	return err
}

func (s *Store) RotateKey(ctx context.Context, tenant, id string, next store.Secret, overlap time.Duration) (*store.Key, error) {
	var k *store.Key
	err := s.write(ctx, fmt.Sprintf("rotating key %q of tenant %q", id, tenant), func(tx *sql.Tx) (err error) {
		if _, err = oneKey(ctx, tx, tenant, id); err != nil {
			return err
		}
		at := now()
		// What was to end earlier still does; what has ended, or ends now, goes.
		ends := millis(at.Add(max(overlap, 0)))
		if _, err := tx.ExecContext(ctx, "UPDATE secrets SET expires = ? WHERE key = ? AND (expires = 0 OR expires > ?)", ends, id, ends); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM secrets WHERE key = ? AND expires <= ?", id, millis(at)); err != nil {
			return err
		}
		if err := addSecret(ctx, tx, id, &store.Secret{Digest: next.Digest, Hint: next.Hint, Created: at}); err != nil {
			return err
		}
		if err := exec(ctx, tx, "UPDATE keys SET updated = ?, revision = revision + 1 WHERE id = ?", millis(at), id); err != nil {
			return err
		}
		k, err = oneKey(ctx, tx, tenant, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (s *Store) DeleteKey(ctx context.Context, tenant, id string) error {
	return s.write(ctx, fmt.Sprintf("deleting key %q of tenant %q", id, tenant), func(tx *sql.Tx) error {
		return exec(ctx, tx, "DELETE FROM keys WHERE tenant = ? AND id = ?", tenant, id)
	})
}

func (s *Store) MarkUsed(ctx context.Context, seen map[store.Digest]time.Time) error {
	return s.write(ctx, "noting the use of keys", func(tx *sql.Tx) error {
		for d, at := range seen {
			if _, err := tx.ExecContext(ctx, "UPDATE secrets SET last_used = max(last_used, ?) WHERE digest = ?", millis(at), d[:]); err != nil {
				return err
			}
		}
		return nil
	})
}
