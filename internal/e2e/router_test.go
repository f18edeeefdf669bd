package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/simulator"
)

// vendors is a process that plays vendors.
type vendors struct {
	*process
	addr string
}

func startVendors(t testing.TB) *vendors {
	t.Helper()
	p := start(t, "simulate", "--listen", "127.0.0.1:0")
	addr, _, _ := strings.Cut(strings.TrimPrefix(p.line(&p.stdout, "simulating vendors: http://"), "simulating vendors: http://"), "/")
	return &vendors{p, addr}
}

// profile sets how an account behaves: VENDOR@NAME in the base URL.
func (v *vendors) profile(name, json string) {
	v.t.Helper()
	a, err := send(v.t.Context(), http.MethodPost, "http://"+v.addr+"/_sim/profiles/"+name, json)
	if err != nil || a.status != http.StatusNoContent {
		v.t.Fatalf("profile %s: %v, %v", name, a, err)
	}
}

func (v *vendors) stats() simulator.Stats {
	v.t.Helper()
	var s simulator.Stats
	getJSON(v.t, "http://"+v.addr+"/_sim/stats", &s)
	return s
}

// router is a router's process.
type router struct {
	*process
	url    string
	config string // path
}

const adminToken = "let-me-in"

// preamble begins every config. The watcher is quick, so that tests that change files are.
func preamble(pluginDir string) string {
	return fmt.Sprintf("server: {admin_token: %s}\nplugins: {dir: %s, cache_dir: %s, debounce: 10ms}\n", adminToken, pluginDir, cache)
}

// startRouter runs a router on a config, which follows the preamble.
func startRouter(t testing.TB, config string) *router {
	t.Helper()
	return serve(t, writeConfig(t, preamble(modules)+config))
}

// serve runs a router on a config file.
func serve(t testing.TB, path string) *router {
	t.Helper()
	return serveAt(t, path, "127.0.0.1:0")
}

// serveAt runs a router that listens at an address with port 0. Its URL is on loopback.
func serveAt(t testing.TB, path, listen string) *router {
	t.Helper()
	p := start(t, "serve", "--config", path, "--listen", listen)
	said := p.line(&p.stderr, "msg=serving listen=")
	addr, err := netip.ParseAddrPort(strings.Trim(strings.Fields(said)[1][len("listen="):], `"`)) // [::]:PORT is quoted
	if err != nil {
		t.Fatalf("%s: %v", said, err)
	}
	return &router{p, fmt.Sprintf("http://127.0.0.1:%d", addr.Port()), path}
}

func writeConfig(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plugins.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// dialects are the vendors' wire formats that the tests go through.
var dialects = []string{"openai", "anthropic", "ollama"}

// accounts is the providers of a config: each dialect with each fault profile, named like openai-fast.
func accounts(addr string, profiles ...string) string {
	var b strings.Builder
	b.WriteString("providers:\n")
	for _, dialect := range dialects {
		for _, profile := range profiles {
			fmt.Fprintf(&b, "  %[1]s-%[2]s: {plugin: %[1]s, base_url: \"http://%[3]s/%[1]s@%[2]s\", auth: {api_key: simulated}}\n", dialect, profile, addr)
		}
	}
	return b.String()
}

// groups is the models of a config: a group for each account, of its name.
func groups(options string, profiles ...string) string {
	var b strings.Builder
	b.WriteString("models:\n")
	for _, dialect := range dialects {
		for _, profile := range profiles {
			fmt.Fprintf(&b, "  %[1]s-%[2]s: {%[3]s, deployments: [{provider: %[1]s-%[2]s, model: m-%[1]s}]}\n", dialect, profile, options)
		}
	}
	return b.String()
}

// status is what GET /admin/plugins answers.
type status struct {
	Snapshot uint64        `json:"snapshot"`
	Plugins  []host.Status `json:"plugins"`
	Reload   struct {
		SnapshotID uint64     `json:"snapshot_id"`
		FailedAt   *time.Time `json:"failed_at"`
		Problems   []string   `json:"problems"`
	} `json:"reload"`
}

func (r *router) status() status {
	r.t.Helper()
	var s status
	getJSON(r.t, r.url+"/admin/plugins", &s, "Authorization", "Bearer "+adminToken)
	return s
}

func (s *status) plugin(name string) *host.Status {
	for i := range s.Plugins {
		if s.Plugins[i].Plugin == name {
			return &s.Plugins[i]
		}
	}
	return new(host.Status)
}

// metric reads one series of /metrics, 0 when it is not there. Labels are name, value, …
func (r *router) metric(name string, labels ...string) float64 {
	r.t.Helper()
	return series(r.t, r.scrape(), name, labels...)
}

func (r *router) scrape() map[string]*dto.MetricFamily {
	r.t.Helper()
	a, err := send(r.t.Context(), http.MethodGet, r.url+"/metrics", "")
	if err != nil || a.status != http.StatusOK {
		r.t.Fatalf("metrics: %v, %v", a, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(a.body))
	if err != nil {
		r.t.Fatalf("metrics: %v", err)
	}
	return families
}

func series(t testing.TB, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		same := true
		for i := 0; i < len(labels); i += 2 {
			same = same && has[labels[i]] == labels[i+1]
		}
		if same {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return 0
}

// idle waits until no request is in progress and no older snapshot is held.
func (r *router) idle() {
	r.t.Helper()
	eventually(r.t, patience, "an idle router", func() error {
		m := r.scrape()
		return errors.Join(
			want("requests in flight", series(r.t, m, "switchyard_in_flight"), 0),
			want("snapshots", series(r.t, m, "switchyard_snapshots"), 1),
		)
	})
}

func getJSON(t testing.TB, url string, v any, header ...string) {
	t.Helper()
	a, err := send(t.Context(), http.MethodGet, url, "", header...)
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("GET %s: %v, %v", url, a, err)
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("GET %s: %v in %s", url, err, a.body)
	}
}
