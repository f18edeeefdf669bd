package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

const policyColumns = "tenant, name, active, canary, share, created, updated, revision"

func scanPolicy(r row) (*store.Policy, error) {
	var p store.Policy
	var created, updated int64
	err := r.Scan(&p.Tenant, &p.Name, &p.Routing.Active, &p.Routing.Canary, &p.Routing.Share, &created, &updated, &p.Revision)
	p.Created, p.Updated = fromMillis(created), fromMillis(updated)
	return &p, err
}

const versionColumns = "tenant, policy, number, module, size, config, author, note, created, state, reason"

func scanVersion(r row) (*store.Version, error) {
	var v store.Version
	var module, config []byte
	var created int64
	if err := r.Scan(&v.Tenant, &v.Policy, &v.Number, &module, &v.Size, &config, &v.By, &v.Note, &created, &v.State, &v.Reason); err != nil {
		return nil, err
	}
	copy(v.Module[:], module)
	v.Config, v.Created = config, fromMillis(created)
	return &v, nil
}

func onePolicy(ctx context.Context, q queryer, tenant, name string) (*store.Policy, error) {
	return one(ctx, q, scanPolicy, "SELECT "+policyColumns+" FROM policies WHERE tenant = ? AND name = ?", tenant, name)
}

func oneVersion(ctx context.Context, q queryer, tenant, policy string, number int) (*store.Version, error) {
	return one(ctx, q, scanVersion, "SELECT "+versionColumns+" FROM versions WHERE tenant = ? AND policy = ? AND number = ?", tenant, policy, number)
}

func (s *Store) AddVersion(ctx context.Context, v *store.Version, module []byte) error {
	if err := store.CheckName("policy", v.Policy); err != nil {
		return err
	}
	if len(module) == 0 {
		return fmt.Errorf("%w: a version of policy %q without a module", store.ErrInvalid, v.Policy)
	}
	made := *v
	if made.Config = bytes.TrimSpace(made.Config); len(made.Config) == 0 {
		made.Config = json.RawMessage("{}")
	}
	if !json.Valid(made.Config) {
		return fmt.Errorf("%w: the configuration of policy %q is not JSON", store.ErrInvalid, v.Policy)
	}
	made.Module, made.Size, made.Created, made.State, made.Reason = sha256.Sum256(module), int64(len(module)), now(), store.VersionReady, ""
	err := s.write(ctx, fmt.Sprintf("adding a version of policy %q of tenant %q", v.Policy, v.Tenant), func(tx *sql.Tx) error {
		if err := checkOpen(ctx, tx, v.Tenant); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO policies ("+policyColumns+") VALUES (?, ?, 0, 0, 0, ?, ?, 1) ON CONFLICT DO NOTHING",
			made.Tenant, made.Policy, millis(made.Created), millis(made.Created))
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `INSERT INTO version_numbers (tenant, policy, last) VALUES (?, ?, 1)
			ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last`, made.Tenant, made.Policy).Scan(&made.Number)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO modules (digest, code) VALUES (?, ?) ON CONFLICT DO NOTHING", made.Module[:], module); err != nil {
			return err
		}
		return exec(ctx, tx, "INSERT INTO versions ("+versionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", made.Tenant, made.Policy, made.Number, made.Module[:],
			made.Size, string(made.Config), made.By, made.Note, millis(made.Created), made.State, made.Reason)
	})
	if err == nil {
		*v = made
	}
	return err
}

// checkOpen refuses what is for a tenant that is closed. One that is not stored is configured.
func checkOpen(ctx context.Context, tx *sql.Tx, tenant string) error {
	var closed int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM tenants WHERE name = ? AND state = ?", tenant, store.TenantClosed).Scan(&closed)
	if err == nil && closed > 0 {
		err = fmt.Errorf("%w: the tenant is closed", store.ErrInvalid)
	}
	return err
}

func (s *Store) Policy(ctx context.Context, tenant, name string) (*store.Policy, error) {
	p, err := onePolicy(ctx, s.reader, tenant, name)
	if err != nil {
		return nil, fmt.Errorf("policy %q of tenant %q: %w", name, tenant, err)
	}
	return p, nil
}

func (s *Store) ListPolicies(ctx context.Context, tenant string) ([]*store.Policy, error) {
	all, err := list(ctx, s.reader, scanPolicy, "SELECT "+policyColumns+" FROM policies WHERE ?1 = '' OR tenant = ?1 ORDER BY tenant, name", tenant)
	if err != nil {
		return nil, fmt.Errorf("listing policies: %w", err)
	}
	return all, nil
}

func (s *Store) ListVersions(ctx context.Context, tenant, policy string) ([]*store.Version, error) {
	var all []*store.Version
	err := s.look(ctx, func(tx *sql.Tx) (err error) {
		if _, err = onePolicy(ctx, tx, tenant, policy); err != nil {
			return err
		}
		all, err = list(ctx, tx, scanVersion, "SELECT "+versionColumns+" FROM versions WHERE tenant = ? AND policy = ? ORDER BY number DESC", tenant, policy)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the versions of policy %q of tenant %q: %w", policy, tenant, err)
	}
	return all, nil
}

func (s *Store) Version(ctx context.Context, tenant, policy string, number int) (*store.Version, error) {
	v, err := oneVersion(ctx, s.reader, tenant, policy, number)
	if err != nil {
		return nil, fmt.Errorf("version %d of policy %q of tenant %q: %w", number, policy, tenant, err)
	}
	return v, nil
}

func (s *Store) Module(ctx context.Context, module store.Digest) ([]byte, error) {
	code, err := one(ctx, s.reader, func(r row) (b []byte, err error) { err = r.Scan(&b); return b, err }, "SELECT code FROM modules WHERE digest = ?", module[:])
	if err != nil {
		return nil, fmt.Errorf("module %x: %w", module, err)
	}
	return code, nil
}

func (s *Store) SetRouting(ctx context.Context, tenant, policy string, revision int64, to store.Routing, by, reason string) (*store.Policy, error) {
	if err := to.Check(); err != nil {
		return nil, err
	}
	var p *store.Policy
	err := s.write(ctx, fmt.Sprintf("changing the routing of policy %q of tenant %q", policy, tenant), func(tx *sql.Tx) (err error) {
		if p, err = onePolicy(ctx, tx, tenant, policy); err != nil {
			return err
		}
		if p.Revision != revision {
			return store.ErrConflict
		}
		for _, number := range []int{to.Active, to.Canary} {
			if number == 0 {
				continue
			}
			switch v, err := oneVersion(ctx, tx, tenant, policy, number); {
			case err != nil:
				return fmt.Errorf("version %d: %w", number, err)
			case v.State != store.VersionReady:
				return fmt.Errorf("%w: version %d is withdrawn: %s", store.ErrInvalid, number, v.Reason)
			}
		}
		from := p.Routing
		p.Routing, p.Updated, p.Revision = to, now(), revision+1
		if err := exec(ctx, tx, "UPDATE policies SET active = ?, canary = ?, share = ?, updated = ?, revision = ? WHERE tenant = ? AND name = ?",
			to.Active, to.Canary, to.Share, millis(p.Updated), p.Revision, tenant, policy); err != nil {
			return err
		}
		return exec(ctx, tx, `INSERT INTO changes (tenant, policy, at, author, reason, from_active, from_canary, from_share, to_active, to_canary, to_share)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			tenant, policy, millis(p.Updated), by, reason, from.Active, from.Canary, from.Share, to.Active, to.Canary, to.Share)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// idle finds a version, and refuses one that serves.
func idle(ctx context.Context, tx *sql.Tx, tenant, policy string, number int) error {
	if _, err := oneVersion(ctx, tx, tenant, policy, number); err != nil {
		return err
	}
	p, err := onePolicy(ctx, tx, tenant, policy)
	if err == nil && (p.Routing.Active == number || p.Routing.Canary == number) {
		err = store.ErrInUse
	}
	return err
}

func (s *Store) SetVersionState(ctx context.Context, tenant, policy string, number int, state store.VersionState, reason string) error {
	if state != store.VersionReady && state != store.VersionWithdrawn {
		return fmt.Errorf("%w: state %d of a version", store.ErrInvalid, state)
	}
	return s.write(ctx, fmt.Sprintf("changing version %d of policy %q of tenant %q", number, policy, tenant), func(tx *sql.Tx) error {
		if err := idle(ctx, tx, tenant, policy, number); err != nil {
			return err
		}
		return exec(ctx, tx, "UPDATE versions SET state = ?, reason = ? WHERE tenant = ? AND policy = ? AND number = ?", state, reason, tenant, policy, number)
	})
}

func (s *Store) History(ctx context.Context, tenant, policy string, limit int) ([]store.Change, error) {
	var all []store.Change
	err := s.look(ctx, func(tx *sql.Tx) (err error) {
		if _, err = onePolicy(ctx, tx, tenant, policy); err != nil {
			return err
		}
		all, err = list(ctx, tx, scanChange, `SELECT at, author, reason, from_active, from_canary, from_share, to_active, to_canary, to_share
			FROM changes WHERE tenant = ? AND policy = ? ORDER BY id DESC LIMIT ?`, tenant, policy, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("history of policy %q of tenant %q: %w", policy, tenant, err)
	}
	return all, nil
}

func scanChange(r row) (c store.Change, err error) {
	var at int64
	err = r.Scan(&at, &c.By, &c.Reason, &c.From.Active, &c.From.Canary, &c.From.Share, &c.To.Active, &c.To.Canary, &c.To.Share)
	c.At = fromMillis(at)
	return c, err
}

func (s *Store) DeleteVersion(ctx context.Context, tenant, policy string, number int) error {
	return s.write(ctx, fmt.Sprintf("deleting version %d of policy %q of tenant %q", number, policy, tenant), func(tx *sql.Tx) error {
		if err := idle(ctx, tx, tenant, policy, number); err != nil {
			return err
		}
		if err := exec(ctx, tx, "DELETE FROM versions WHERE tenant = ? AND policy = ? AND number = ?", tenant, policy, number); err != nil {
			return err
		}
		return dropModules(ctx, tx)
	})
}

func (s *Store) DeletePolicy(ctx context.Context, tenant, policy string) error {
	return s.write(ctx, fmt.Sprintf("deleting policy %q of tenant %q", policy, tenant), func(tx *sql.Tx) error {
		if err := exec(ctx, tx, "DELETE FROM policies WHERE tenant = ? AND name = ?", tenant, policy); err != nil {
			return err
		}
		return dropModules(ctx, tx)
	})
}

// dropModules deletes the modules that no version has any more. Counting references where they are
// can't go wrong as a stored count could.
func dropModules(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM modules WHERE NOT EXISTS (SELECT 1 FROM versions WHERE versions.module = modules.digest)")
	return err
}
