package policies

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// mean is a strategy in Go that does what the group's name says, see its source.
func mean(t testing.TB) []byte { return built(t, "../../host/testdata/guests/mean") }

func built(t testing.TB, dir string) []byte {
	t.Helper()
	return readFile(t, hosttest.Build(t, dir))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// tiny is a strategy of a few hundred bytes.
func tiny(t testing.TB) []byte { return readFile(t, "../../host/testdata/hostile/good.wasm") }

// marked is a module with a custom section, so that it is another one and does the same.
func marked(module []byte, n int) []byte {
	payload := binary.AppendUvarint(append([]byte{4}, "mark"...), uint64(n))
	return append(append(slices.Clone(module), 0, byte(len(payload))), payload...)
}

// world is policies of a new store.
type world struct {
	*Policies
	t     testing.TB
	store *sqlite.Store
	host  *host.Host
}

func newWorld(t testing.TB) *world { return newWorldOn(t, hosttest.New(t), 0) }

func newWorldOn(t testing.TB, h *host.Host, memory int64) *world {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, store: s, host: h}
	w.open(memory)
	return w
}

// open starts on what is stored, after the end of what ran before.
func (w *world) open(memory int64) {
	w.t.Helper()
	if w.Policies != nil {
		if err := w.Close(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
	p, err := Open(w.t.Context(), Options{Host: w.host, Store: w.store, Memory: memory})
	if err != nil {
		w.t.Fatal(err)
	}
	p.patience = time.Hour // the machine may be busy
	w.Policies = p
	w.t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) upload(tenant, name string, module []byte, config string) int {
	w.t.Helper()
	v, err := w.Upload(w.t.Context(), tenant, name, &Upload{Module: module, Config: []byte(config), By: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Number
}

func (w *world) activate(tenant, name string, version int) (replaced string) {
	w.t.Helper()
	_, replaced, err := w.Activate(w.t.Context(), tenant, name, version, "test", "")
	if err != nil {
		w.t.Fatal(err)
	}
	return replaced
}

func (w *world) canary(tenant, name string, version, share int) {
	w.t.Helper()
	if _, err := w.Canary(w.t.Context(), tenant, name, version, share, "test", ""); err != nil {
		w.t.Fatal(err)
	}
}

// good fails the test on an error.
func good[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// serving is who decides for a request: NAME@VERSION, with a "?" for a canary, "" for nobody.
func (w *world) serving(tenant string, hash uint64) string {
	c := w.Of(tenant).Choose(w.t.Context(), hash)
	if c == nil {
		return ""
	}
	if c.Canary {
		return c.Name + "@" + c.Version + "?"
	}
	return c.Name + "@" + c.Version
}

// score lets a tenant's policy score one candidate with a total of 10, for a group.
func (w *world) score(tenant, group string, hash uint64) (float64, error) {
	c := w.Of(tenant).Choose(w.t.Context(), hash)
	if c == nil {
		return -1, nil
	}
	var out abi.ScoreOutput
	_, err := c.Plugin.Score(w.t.Context(), &abi.Header{Group: group}, []abi.Candidate{{ID: "a", Total: 10}}, &out)
	if err != nil {
		return 0, err
	}
	return out.Scores[0], nil
}

// await waits until something is so that happens in the background.
func (w *world) await(what string, so func() bool) {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-w.t.Context().Done():
			w.t.Fatalf("waiting until %s", what)
		}
	}
}

// history is the changes of a policy of acme's, the oldest first, as "by: active+canary".
func (w *world) history(name string) string {
	w.t.Helper()
	var all []string
	for _, c := range slices.Backward(good(w.History(w.t.Context(), "acme", name, 100))(w.t)) {
		all = append(all, fmt.Sprintf("%s: %d+%d", c.By, c.To.Active, c.To.Canary))
	}
	return strings.Join(all, ", ")
}

// record is a finished request of a tenant's.
func (w *world) record(tenant string, hash uint64, err *gateway.Error) *gateway.Record {
	source := w.Of(tenant)
	rec := &gateway.Record{
		Request: &gateway.Request{Tenant: &gateway.Tenant{Name: tenant, Policy: source}},
		Report:  &gateway.Report{Attempts: make([]gateway.Attempt, 1), Cost: 0.01}, Duration: time.Second, Err: err,
	}
	if c := source.Choose(w.t.Context(), hash); c != nil {
		rec.Policy, rec.Version, rec.Canary = c.Name, c.Number, c.Canary
	}
	return rec
}

// state returns that of a version of acme's policy p, with the reason.
func (w *world) state(number int) (store.VersionState, string) {
	w.t.Helper()
	v := good(w.Version(w.t.Context(), "acme", "p", number))(w.t)
	return v.State, v.Reason
}
