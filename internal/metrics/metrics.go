// Package metrics counts what the gateway does, for Prometheus: import it to make the registry
// behind /metrics and to feed it with finished requests and with plugin events.
//
// All names begin with switchyard_. Labels take their values from the configuration, or are kept
// to a bounded number of values, so that clients and vendors can't make series at will.
package metrics

import (
	"math"
	"net/http"
	"runtime"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// Metrics is a registry and what is counted in it. It is safe for concurrent use. Its methods
// Observe, Admitted, Waited, Faulted, Reverted and Breaker fit the observers of the gateway and of the
// plugin host.
type Metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	ttft      *prometheus.HistogramVec
	overhead  prometheus.Histogram
	attempts  *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	cost      *prometheus.CounterVec
	fallbacks *prometheus.CounterVec
	refusals  *prometheus.CounterVec

	yields   *prometheus.CounterVec
	faults   *prometheus.CounterVec
	trips    *prometheus.CounterVec
	versions *prometheus.CounterVec
	waits    *prometheus.HistogramVec
	reloads  *prometheus.CounterVec
	snapshot prometheus.Gauge

	codes, tenants vocabulary
}

// Bounds of the histograms, in seconds: models answer in a tenth of a second up to minutes, the
// gateway's own share is microseconds.
var (
	answerBuckets   = []float64{.05, .1, .25, .5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600}
	tokenBuckets    = []float64{.025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 30}
	overheadBuckets = []float64{50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 50e-3, .25}
	waitBuckets     = []float64{10e-6, 100e-6, 1e-3, 5e-3, 20e-3, 100e-3, .5, 2}
)

// New returns a registry with the metrics of the gateway, the Go runtime and the process.
func New(version string) *Metrics {
	r := prometheus.NewRegistry()
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	m := &Metrics{
		registry: r,
		requests: counter("requests_total",
			"Finished requests by the model group that answered or was tried last, HTTP status (499: the client left) and error code.", "group", "status", "code"),
		duration: histogram("request_duration_seconds", "Time from a request's arrival to the last byte of its answer.", answerBuckets, "group"),
		ttft:     histogram("time_to_first_token_seconds", "Time from the start of a streamed attempt to its first content.", tokenBuckets, "deployment"),
		overhead: histogram("overhead_seconds", "The gateway's own share of the time of a request, waiting for vendors left out.", overheadBuckets).WithLabelValues().(prometheus.Histogram),
		attempts: counter("attempts_total", "Calls to deployments by result: ok, canceled, or an error code.", "deployment", "result"),
		tokens: counter("tokens_total",
			"Tokens used by kind: prompt (cached and cache_write are parts of it) and completion (reasoning is a part of it).", "deployment", "kind"),
		cost:      counter("cost_usd_total", "Cost of answers in US dollars, where prices are known.", "deployment"),
		fallbacks: counter("fallbacks_total", "Changes of the model group within a request, by the group that was reached.", "group"),
		refusals: counter("limit_refusals_total",
			"Requests that a limit refused by tenant, limit (requests and tokens a minute, concurrent requests, budget of a day or month) and whose it is: the tenant's or the key's.", "tenant", "limit", "scope"),

		yields: counter("policy_yields_total",
			"Decisions that a tenant's policy left to the group's strategies by reason: fault, refusal, or breaker_open after earlier faults.", "tenant", "reason"),
		faults:   counter("plugin_faults_total", "Calls that a plugin failed by trapping or by breaking its contract.", "plugin", "export"),
		trips:    counter("plugin_breaker_trips_total", "Times that repeated faults led to a pause in which a plugin is not called.", "plugin"),
		versions: counter("plugin_reloads_total", "Versions of plugins by result: ok, refused, or reverted after failing its first calls.", "result"),
		waits:    histogram("plugin_wait_seconds", "Waits of calls for a free instance of a plugin.", waitBuckets, "plugin"),
		reloads:  counter("config_reloads_total", "Configurations by result: ok or refused.", "result"),
		snapshot: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "snapshot_id", Help: "Number of the snapshot that new requests use."}),
		codes:    vocabulary{limit: maxCodes},
		tenants:  vocabulary{limit: maxTenants, trusted: true},
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(m.snapshot, build, collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsScheduler)), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "switchyard"

// Handler serves the metrics in the formats that Prometheus asks for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// WatchInFlight adds the gauge of the requests in progress, which asks count whenever metrics
// are read. It may be called once.
func (m *Metrics) WatchInFlight(count func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: "in_flight", Help: "Requests that have begun and not ended, streams included."},
		func() float64 { return float64(count()) },
	))
}

// WatchSnapshots adds the gauge of the snapshots that requests can still use, which asks count
// whenever metrics are read. It may be called once.
func (m *Metrics) WatchSnapshots(count func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: "snapshots", Help: "Snapshots in use: the one for new requests, and older ones that requests still hold."},
		func() float64 { return float64(count()) },
	))
}

// unknown is the group of requests for models that no group serves.
const unknown = "unknown"

// Observe counts a finished request. It does not keep the record.
func (m *Metrics) Observe(rec *gateway.Record) {
	p := rec.Report
	group, status, code := p.Group, "200", ""
	if e := rec.Err; e != nil {
		status, code = strconv.Itoa(e.Status), m.codes.admit(e.Code)
		if len(p.Attempts) == 0 && e.Status == http.StatusNotFound {
			group = unknown // the name is the client's
		}
	}
	m.requests.WithLabelValues(group, status, code).Inc()
	m.duration.WithLabelValues(group).Observe(rec.Duration.Seconds())
	if group != unknown {
		m.overhead.Observe(max(p.Overhead, 0).Seconds())
	}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		m.attempts.WithLabelValues(a.Deployment, m.result(a)).Inc()
		if a.TTFT > 0 {
			m.ttft.WithLabelValues(a.Deployment).Observe(a.TTFT.Seconds())
		}
	}
	m.exceeded(rec)
	for i := range p.Scoring {
		if s := &p.Scoring[i]; s.Policy && s.Failed != "" {
			m.yields.WithLabelValues(m.tenants.admit(rec.Request.Tenant.Name), s.Failed).Inc()
		}
	}
	if p.Fallbacks > 0 {
		m.fallbacks.WithLabelValues(group).Add(float64(p.Fallbacks))
	}
	if u := &p.Usage; u.Present {
		for _, part := range [...]struct {
			kind string
			n    uint64
		}{{"prompt", u.Prompt}, {"completion", u.Completion}, {"cached", u.Cached}, {"cache_write", u.CacheWrite}, {"reasoning", u.Reasoning}} {
			if part.n > 0 {
				m.tokens.WithLabelValues(p.Deployment, part.kind).Add(float64(part.n))
			}
		}
	}
	if p.Cost > 0 && !math.IsInf(p.Cost, 0) {
		m.cost.WithLabelValues(p.Deployment).Add(p.Cost)
	}
}

func (m *Metrics) result(a *gateway.Attempt) string {
	switch {
	case a.Canceled:
		return "canceled"
	case a.Error == "":
		return "ok"
	default:
		return m.codes.admit(a.Error)
	}
}

// Published notes the snapshot that new requests use from now on.
func (m *Metrics) Published(id uint64) {
	m.snapshot.Set(float64(id))
	m.reloads.WithLabelValues("ok").Inc()
}

// Refused counts a configuration that was not taken over.
func (m *Metrics) Refused() { m.reloads.WithLabelValues("refused").Inc() }
