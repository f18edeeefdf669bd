package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

const tenantColumns = "name, display, state, allow, limits, created, updated, revision"

func scanTenant(r row) (*store.Tenant, error) {
	var t store.Tenant
	var allow, limits []byte
	var created, updated int64
	if err := r.Scan(&t.Name, &t.Display, &t.State, &allow, &limits, &created, &updated, &t.Revision); err != nil {
		return nil, err
	}
	t.Created, t.Updated = fromMillis(created), fromMillis(updated)
	if err := json.Unmarshal(allow, &t.Allow); err != nil {
		return nil, fmt.Errorf("restrictions of tenant %q: %w", t.Name, err)
	}
	if err := json.Unmarshal(limits, &t.Limits); err != nil {
		return nil, fmt.Errorf("limits of tenant %q: %w", t.Name, err)
	}
	return &t, nil
}

// text encodes restrictions, limits and the like, which always can be.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers alone
	}
	return string(b)
}

func (s *Store) CreateTenant(ctx context.Context, t *store.Tenant) error {
	if err := store.CheckName("tenant", t.Name); err != nil {
		return err
	}
	if err := t.Limits.Check(); err != nil {
		return err
	}
	made := *t
	made.State, made.Created, made.Revision = store.TenantActive, now(), 1
	made.Updated = made.Created
	err := s.write(ctx, fmt.Sprintf("creating tenant %q", t.Name), func(tx *sql.Tx) error {
		return exec(ctx, tx, "INSERT INTO tenants ("+tenantColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			made.Name, made.Display, made.State, text(made.Allow), text(made.Limits), millis(made.Created), millis(made.Updated), made.Revision)
	})
	if err == nil {
		*t = made
	}
	return err
}

func (s *Store) Tenant(ctx context.Context, name string) (*store.Tenant, error) {
	t, err := one(ctx, s.reader, scanTenant, "SELECT "+tenantColumns+" FROM tenants WHERE name = ?", name)
	if err != nil {
		return nil, fmt.Errorf("tenant %q: %w", name, err)
	}
	return t, nil
}

func (s *Store) ListTenants(ctx context.Context) ([]*store.Tenant, error) {
	all, err := list(ctx, s.reader, scanTenant, "SELECT "+tenantColumns+" FROM tenants ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("listing tenants: %w", err)
	}
	return all, nil
}

func (s *Store) UpdateTenant(ctx context.Context, t *store.Tenant) error {
	if err := t.Limits.Check(); err != nil {
		return err
	}
	if t.State < store.TenantActive || t.State > store.TenantClosed {
		return fmt.Errorf("%w: %v of tenant %q", store.ErrInvalid, t.State, t.Name)
	}
	made := *t
	made.Updated, made.Revision = now(), t.Revision+1
	err := s.write(ctx, fmt.Sprintf("changing tenant %q", t.Name), func(tx *sql.Tx) error {
		was, err := one(ctx, tx, scanTenant, "SELECT "+tenantColumns+" FROM tenants WHERE name = ?", t.Name)
		switch {
		case err != nil:
			return err
		case was.Revision != t.Revision:
			return store.ErrConflict
		case was.State == store.TenantClosed:
			return fmt.Errorf("%w: it is closed for good", store.ErrInvalid)
		}
		made.Created = was.Created
		if made.State == store.TenantClosed {
			if err := dropTenant(ctx, tx, t.Name); err != nil {
				return err
			}
		}
		return exec(ctx, tx, "UPDATE tenants SET display = ?, state = ?, allow = ?, limits = ?, updated = ?, revision = ? WHERE name = ?",
			made.Display, made.State, text(made.Allow), text(made.Limits), millis(made.Updated), made.Revision, made.Name)
	})
	if err == nil {
		*t = made
	}
	return err
}

// dropTenant deletes what a tenant has, but not what it has used.
func dropTenant(ctx context.Context, tx *sql.Tx, name string) error {
	for _, query := range []string{"DELETE FROM keys WHERE tenant = ?", "DELETE FROM policies WHERE tenant = ?"} {
		if _, err := tx.ExecContext(ctx, query, name); err != nil {
			return err
		}
	}
	return dropModules(ctx, tx)
}
