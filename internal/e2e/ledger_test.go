package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
)

var kills = flag.Int("kills", 10, "how often TestKilledUnderLoad kills the router")

// TestKilledUnderLoad kills the router again and again while clients get answers, whole ones and streams. Each answer that
// a client has seen the end of is in the ledger, and nothing is there twice.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	r := tenantRouter(t)
	acme := r.tenant("acme", "", "complete")
	answered := map[string]bool{}
	sent := 0
	for range *kills {
		ctx, cancel := context.WithCancel(t.Context())
		asked, got := r.siegeOf(ctx, acme.secret)
		r.kill()
		cancel()
		for id := range got() {
			answered[id] = true
		}
		sent += int(asked.Load())
		r = serve(t, r.config)
	}
	r.signal(syscall.SIGTERM)
	if code := r.code(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	entries := ledgerOf(t, r.config, "acme")
	times := map[string]int{}
	for _, e := range entries {
		times[e.RequestID]++
	}
	for id := range answered {
		if times[id] != 1 {
			t.Errorf("request %s was answered and is in the ledger %d times", id, times[id])
		}
	}
	for id, n := range times {
		if n > 1 {
			t.Errorf("request %s is in the ledger %d times", id, n)
		}
	}
	if len(answered) < 10**kills || len(entries) > sent {
		t.Errorf("%d requests, %d answered, %d in the ledger", sent, len(answered), len(entries))
	}
	t.Logf("%d kills: %d requests, %d answered, %d in the ledger", *kills, sent, len(answered), len(entries))
}

// siegeOf has clients ask until the router is gone, for a moment first. It returns how many requests were sent, and a
// function that waits for the clients and returns the IDs of those that were answered wholly.
func (r *router) siegeOf(ctx context.Context, secret string) (*atomic.Int64, func() map[string]bool) {
	r.t.Helper()
	const clients = 6
	var (
		asked  atomic.Int64
		mu     sync.Mutex
		all    = map[string]bool{}
		wg     sync.WaitGroup
		enough = make(chan bool, clients)
	)
	for c := range clients {
		wg.Go(func() {
			own := map[string]bool{}
			for n := 0; ; n++ {
				id := fmt.Sprintf("%s-%d-%d-%d", strings.TrimPrefix(r.url, "http://"), c, n, rand.Uint64())
				asked.Add(1)
				if !r.whole(ctx, id, secret, n%3 == 0) {
					break
				}
				if own[id] = true; len(own) == 5+c {
					enough <- true
				}
			}
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(all, own)
		})
	}
	for range clients {
		select {
		case <-enough:
		case <-time.After(patience):
			r.t.Fatal("the clients get no answers")
		}
	}
	return &asked, func() map[string]bool {
		wg.Wait()
		return all
	}
}

// whole sends a request and reports whether its answer came to the end.
func (r *router) whole(ctx context.Context, id, secret string, streaming bool) bool {
	header := []string{"Authorization", "Bearer " + secret, "X-Request-Id", id}
	if !streaming {
		a, err := send(ctx, http.MethodPost, r.url+"/v1/chat/completions", ask("g", "x"), header...)
		return err == nil && a.status == http.StatusOK
	}
	s, err := open(ctx, r.url+"/v1/chat/completions", ask("g", "x", streamed), header...)
	if err != nil {
		return false
	}
	defer s.body.Close()
	for {
		data, err := s.next()
		if err != nil {
			return false
		}
		if data == "[DONE]" {
			return true
		}
	}
}

// ledgerOf reads a tenant's entries from the database of a router that has ended.
func ledgerOf(t *testing.T, config, tenant string) []store.Entry {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(filepath.Dir(config), "data", "switchyard.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	entries, err := db.Entries(t.Context(), &store.EntryQuery{Tenant: tenant, Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// TestBudget spends a budget: many requests at once can't overshoot it by more than one, a restart does not give it back,
// and the client is told what it met.
func TestBudget(t *testing.T) {
	t.Parallel()
	r := tenantRouter(t)
	// An answer of model a takes 1 and 40 tokens, and costs $0.00121.
	const price, room = 0.00121, 10
	acme := r.tenant("acme", fmt.Sprintf(`,"limits":{"usd_per_day":%v}`, price*(room-0.5)), "complete", "usage")
	var mu sync.Mutex
	statuses := map[int]int{}
	var refused *answer
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			a, err := send(t.Context(), http.MethodPost, r.url+"/v1/chat/completions", ask("g", "x", `"max_tokens":40`), "Authorization", "Bearer "+acme.secret)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			if statuses[a.status]++; a.status == http.StatusTooManyRequests {
				refused = a
			}
		})
	}
	wg.Wait()
	// At once, one fewer may be let in: a prompt is estimated at more than it is.
	if n := statuses[http.StatusOK]; n < room-1 || n > room || n+statuses[http.StatusTooManyRequests] != 60 {
		t.Errorf("statuses %v, want %d answered", statuses, room)
	}
	// What estimates have left free is there for those who come later.
	answered := statuses[http.StatusOK]
	for range room {
		if a := acme.post("/v1/chat/completions", ask("g", "x", `"max_tokens":40`), "Authorization", "Bearer "+acme.secret); a.status == http.StatusOK {
			answered++
		}
	}
	if answered != room {
		t.Errorf("%d were answered in all, want %d", answered, room)
	}
	if refused == nil || refused.json("error.code") != "insufficient_quota" || refused.header.Get("Retry-After") == "" {
		t.Fatalf("the refusal: %+v", refused)
	}
	r.kill()
	r = serve(t, r.config)
	if a := (account{r, acme.secret}).post("/v1/chat/completions", ask("g", "x", `"max_tokens":40`), "Authorization", "Bearer "+acme.secret); a.status != http.StatusTooManyRequests {
		t.Errorf("after a restart: status %d", a.status)
	}
	// More budget lets it in at once.
	r.admin().call(http.StatusOK, http.MethodPatch, "/admin/tenants/acme", fmt.Sprintf(`{"limits":{"usd_per_day":%v}}`, price*(room+5)))
	if _, _, a := (account{r, acme.secret}).decides(""); a.status != http.StatusOK {
		t.Errorf("with a larger budget: status %d: %s", a.status, a.body)
	}
}

// TestRateLimits meets the limits of a key and of its tenant.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	r := tenantRouter(t)
	acme := r.tenant("acme", `,"limits":{"requests_per_minute":5}`, "complete")
	slow := account{r, r.key("acme", "slow", `,"limits":{"requests_per_minute":2}`, "complete").Get("secret").Str}
	var got []string
	for _, who := range []account{slow, slow, slow, acme, acme, acme, acme} {
		_, _, a := who.decides("")
		got = append(got, fmt.Sprintf("%d %s/%s", a.status, a.header.Get("X-Ratelimit-Remaining-Requests"), a.header.Get("X-Ratelimit-Limit-Requests")))
		if a.status == http.StatusTooManyRequests && (a.json("error.code") != "rate_limit_exceeded" || a.header.Get("Retry-After") == "") {
			t.Errorf("the refusal: %s, retry after %q", a.body, a.header.Get("Retry-After"))
		}
	}
	want := []string{"200 1/2", "200 0/2", "429 0/2", "200 2/5", "200 1/5", "200 0/5", "429 0/5"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
