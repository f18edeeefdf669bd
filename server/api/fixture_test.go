package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/replay"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/internal/store/keyring"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
)

const adminToken = "let-me-in"

// fixture is an API before a real store; policies and replays are simple ones of the test.
type fixture struct {
	t        testing.TB
	api      *API
	echo     *echo.Echo
	store    *sqlite.Store
	log      *decisionlog.Log
	ring     *keyring.Ring
	policies *shelf
	replays  *jobs
	token    string
	changes  int
	also     []Configured
	conflict bool // changes meet a newer revision

	mu     sync.Mutex
	failed map[string]bool // METHOD PATH CODE
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "switchyard.db"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, store: db, ring: &keyring.Ring{}, policies: &shelf{store: db}, replays: &jobs{policies: db}, token: adminToken, failed: map[string]bool{}}
	f.policies.conflict = &f.conflict
	f.log = decisionlog.Open(db, decisionlog.Options{})
	t.Cleanup(func() {
		_ = f.log.Close(context.Background())
		_ = db.Close()
	})
	f.api = New(Options{
		Version:    "test",
		AdminToken: func() string { return f.token },
		Authenticate: func(secret string) (Principal, bool) {
			if secret == "sk-file" {
				return Principal{Tenant: "filed", KeyID: "file", KeyName: "file", Scopes: store.ScopeComplete | store.ScopePolicy | store.ScopeUsage}, true
			}
			k, why := f.ring.Find(keyring.Digest(secret), time.Now())
			if why != keyring.Accepted {
				return Principal{}, false
			}
			return Principal{Tenant: k.Tenant, KeyID: k.ID, KeyName: k.Name, Scopes: k.Scopes}, true
		},
		Changed: func(ctx context.Context) {
			f.changes++
			if err := f.ring.Load(ctx, db); err != nil {
				t.Error(err)
			}
		},
		Configured: func() []Configured {
			return append([]Configured{{
				Tenant: store.Tenant{Name: "filed", State: store.TenantActive},
				Keys:   []*store.Key{{ID: "file", Tenant: "filed", Name: "file", Scopes: store.ScopeComplete}},
			}}, f.also...)
		},
		Tenants: tenantStore{db, &f.conflict}, Keys: db, Usage: db, Policies: f.policies, Decisions: f.log, Replays: f.replays,
		Explain:   func(r *decisionlog.Record) []string { return []string{"Because of " + r.Entry.Policy + "."} },
		MaxModule: 1 << 20,
	})
	f.api.failed = func(r *endpoint.Route, x *endpoint.Failure) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.failed[r.Method+" "+r.Path+" "+x.Kind.Code] = true
	}
	f.echo = echo.New()
	f.api.Register(f.echo)
	return f
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a *answer) code() string {
	var e struct{ Error struct{ Code string } }
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Error.Code
}

// do sends a request: with a body if there is one, headers in pairs.
func (f *fixture) do(method, path, token, body string, header ...string) *answer {
	f.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequestWithContext(f.t.Context(), method, path, r)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.echo.ServeHTTP(w, req)
	return &answer{w.Code, w.Header(), w.Body.String()}
}

// want sends a request and decodes its answer into out, unless that is nil.
func (f *fixture) want(status int, out any, method, path, token, body string, header ...string) *answer {
	f.t.Helper()
	a := f.do(method, path, token, body, header...)
	if a.status != status {
		f.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(a.body), out); err != nil {
			f.t.Fatalf("%s %s: %v in %s", method, path, err, a.body)
		}
	}
	return a
}

// tenant makes a tenant and a key of it, and returns the key's ID and secret.
func (f *fixture) tenant(name string, scopes ...string) (id, secret string) {
	f.t.Helper()
	if a := f.do("POST", "/admin/tenants", adminToken, fmt.Sprintf(`{"name":%q}`, name)); a.status != 201 && a.code() != endpoint.Exists.Code {
		f.t.Fatalf("tenant %s: %d %s", name, a.status, a.body)
	}
	if len(scopes) == 0 {
		scopes = []string{"complete", "policy", "usage"}
	}
	names, _ := json.Marshal(scopes)
	var k shape.Issued
	f.want(201, &k, "POST", "/admin/tenants/"+name+"/keys", adminToken, fmt.Sprintf(`{"name":"key-%s","scopes":%s}`, strings.Join(scopes, "-"), names))
	return k.Key.ID, k.Secret
}

// upload uploads a module that the test's policies admit.
func (f *fixture) upload(name, token, module string) *answer {
	f.t.Helper()
	return f.want(201, nil, "POST", "/v1/policies/"+name, token, module, "Content-Type", mediaWASM)
}

// decide records a decision of a tenant.
func (f *fixture) decide(tenant string, at time.Time) string {
	f.t.Helper()
	id := store.NewEntryID(at)
	f.log.Add(&decisionlog.Record{
		Entry: store.Entry{
			ID: id, RequestID: "req", Tenant: tenant, Key: "k", Group: "quality", Deployment: "a/x", Provider: "a", Model: "x", Policy: tenant + "s", Version: 2, Status: 200, Stream: true,
			Attempts: 1, Latency: 1234567 * time.Microsecond, FirstToken: time.Second, Counted: true, Tokens: store.Tokens{Prompt: 10, Completion: 3}, Priced: true, Cost: 1500,
		},
		Picks: []decisionlog.Pick{{
			Header:     abi.Header{Seed: 1 << 63, Now: uint64(at.UnixMilli()), Features: abi.FeatureStream | abi.FeatureTools, Group: "quality", Tags: "eu\nfast", Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI},
			Candidates: []abi.Candidate{{ID: "a/x", Provider: "a", Model: "x", PriceInput: 2.5, Flags: abi.CandidatePinned}, {ID: "b/y", CoolingUntil: 1}},
			Filtered:   []bool{false, true},
			Scores:     []float64{0.5, nan()}, By: "cheap", Try: 0, Calls: []decisionlog.Call{{Strategy: "cheap", Policy: true, Version: "2", Fuel: 321}},
		}},
		Tries: []decisionlog.Try{{Group: "quality", Deployment: "a/x", Status: 200, Took: time.Second}},
	})
	return fmt.Sprintf("%x", id[:])
}

// tenantStore lets somebody else change a tenant between reading and writing it.
type tenantStore struct {
	store.Tenants
	conflict *bool
}

func (s tenantStore) UpdateTenant(ctx context.Context, t *store.Tenant) error {
	if *s.conflict {
		t.Revision--
	}
	return s.Tenants.UpdateTenant(ctx, t)
}

// shelf keeps policies in the store alone.
type shelf struct {
	store     store.Policies
	conflict  *bool
	forgotten []string
}

func (s *shelf) Upload(ctx context.Context, tenant, name string, u *Upload) (*store.Version, error) {
	if !bytes.HasPrefix(u.Module, []byte("\x00asm")) {
		return nil, &Refused{[]Reason{{Code: "invalid_module", Message: "it does not begin as a module", Place: "module"}, {Code: "too_large", Message: "the note is too long", Place: "note"}}}
	}
	if *s.conflict {
		return nil, store.ErrConflict
	}
	v := &store.Version{Tenant: tenant, Policy: name, Config: u.Config, By: u.By, Note: u.Note}
	return v, s.store.AddVersion(ctx, v, u.Module)
}

func (s *shelf) List(ctx context.Context, tenant string) ([]*store.Policy, error) {
	return s.store.ListPolicies(ctx, tenant)
}

func (s *shelf) Get(ctx context.Context, tenant, name string) (*store.Policy, error) {
	return s.store.Policy(ctx, tenant, name)
}

func (s *shelf) Versions(ctx context.Context, tenant, name string) ([]*store.Version, error) {
	return s.store.ListVersions(ctx, tenant, name)
}

func (s *shelf) Version(ctx context.Context, tenant, name string, number int) (*store.Version, error) {
	return s.store.Version(ctx, tenant, name, number)
}

func (s *shelf) History(ctx context.Context, tenant, name string, limit int) ([]store.Change, error) {
	return s.store.History(ctx, tenant, name, limit)
}

func (s *shelf) route(ctx context.Context, tenant, name string, to func(r *store.Routing) error, by, reason string) (*store.Policy, error) {
	p, err := s.store.Policy(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	r := p.Routing
	if err := to(&r); err != nil {
		return nil, err
	}
	if *s.conflict {
		p.Revision--
	}
	return s.store.SetRouting(ctx, tenant, name, p.Revision, r, by, reason)
}

func (s *shelf) Activate(ctx context.Context, tenant, name string, version int, by, reason string) (*store.Policy, string, error) {
	replaced := ""
	p, err := s.route(ctx, tenant, name, func(r *store.Routing) error {
		if r.Active != 0 {
			replaced = fmt.Sprintf("%s@%d", name, r.Active)
		}
		*r = store.Routing{Active: version}
		return nil
	}, by, reason)
	return p, replaced, err
}

func (s *shelf) Canary(ctx context.Context, tenant, name string, version, share int, by, reason string) (*store.Policy, error) {
	return s.route(ctx, tenant, name, func(r *store.Routing) error {
		if r.Active == version {
			return fmt.Errorf("version %d is active: %w", version, store.ErrInUse)
		}
		r.Canary, r.Share = version, share
		return nil
	}, by, reason)
}

func (s *shelf) Rollback(ctx context.Context, tenant, name, by, reason string) (*store.Policy, error) {
	return s.Deactivate(ctx, tenant, name, by, reason)
}

func (s *shelf) Deactivate(ctx context.Context, tenant, name, by, reason string) (*store.Policy, error) {
	return s.route(ctx, tenant, name, func(r *store.Routing) error { *r = store.Routing{}; return nil }, by, reason)
}

func (s *shelf) DeleteVersion(ctx context.Context, tenant, name string, version int) error {
	return s.store.DeleteVersion(ctx, tenant, name, version)
}

func (s *shelf) Delete(ctx context.Context, tenant, name string) error {
	p, err := s.store.Policy(ctx, tenant, name)
	if err == nil && p.Routing.Active != 0 {
		return store.ErrInUse
	}
	if err != nil {
		return err
	}
	return s.store.DeletePolicy(ctx, tenant, name)
}

func (s *shelf) Forget(tenant string) { s.forgotten = append(s.forgotten, tenant) }

func (s *shelf) Figures(_, _ string, version int) Figures {
	return Figures{Calls: uint64(version), Faults: map[string]uint64{"trap": 1}, LastFault: &Fault{At: time.Unix(0, 0), Kind: "trap", Message: "unreachable"}, Canary: &Comparison{Since: time.Unix(0, 0)}}
}

func (s *shelf) Stats() Stats { return Stats{Budget: 1 << 30} }

// jobs keeps replays that never end.
type jobs struct {
	policies store.Policies
	err      error
	mu       sync.Mutex
	all      map[string][]replay.Job
}

func (j *jobs) Start(ctx context.Context, tenant, policy string, version, last int) (replay.Job, error) {
	if j.err != nil {
		return replay.Job{}, j.err
	}
	if _, err := j.policies.Version(ctx, tenant, policy, version); err != nil {
		return replay.Job{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.all[tenant]); n > 0 && j.all[tenant][n-1].State == replay.Running {
		return replay.Job{}, replay.ErrBusy
	}
	job := replay.Job{ID: fmt.Sprintf("rpl_%s%d", tenant, len(j.all[tenant])), Policy: policy, Version: version, State: replay.Running, Total: last, Started: time.Now()}
	if j.all == nil {
		j.all = map[string][]replay.Job{}
	}
	j.all[tenant] = append(j.all[tenant], job)
	return job, nil
}

func (j *jobs) at(tenant, id string, f func(*replay.Job)) (replay.Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return replay.Job{}, j.err
	}
	i := slices.IndexFunc(j.all[tenant], func(k replay.Job) bool { return k.ID == id })
	if i < 0 {
		return replay.Job{}, replay.ErrNotFound
	}
	f(&j.all[tenant][i])
	return j.all[tenant][i], nil
}

func (j *jobs) Get(tenant, id string) (replay.Job, error) {
	return j.at(tenant, id, func(*replay.Job) {})
}

func (j *jobs) List(tenant string) []replay.Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.all[tenant])
}

func (j *jobs) Cancel(tenant, id string) (replay.Job, error) {
	return j.at(tenant, id, func(k *replay.Job) { k.State = replay.Canceled })
}

var module = "\x00asm\x01\x00\x00\x00"

var moduleDigest = fmt.Sprintf("%x", sha256.Sum256([]byte(module)))

func nan() float64 { return math.NaN() }
