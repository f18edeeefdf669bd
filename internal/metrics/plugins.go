package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What is counted of plugins: some of it as it happens, the rest when somebody asks.

// Admitted counts a version of a plugin that began to serve, or was refused with err.
func (m *Metrics) Admitted(_, _ string, err error) {
	if err != nil {
		m.versions.WithLabelValues("refused").Inc()
		return
	}
	m.versions.WithLabelValues("ok").Inc()
}

// Waited records how long a call waited for an instance.
func (m *Metrics) Waited(plugin string, d time.Duration) {
	m.waits.WithLabelValues(plugin).Observe(d.Seconds())
}

// Faulted counts a call that a plugin failed.
func (m *Metrics) Faulted(plugin, export string) { m.faults.WithLabelValues(plugin, export).Inc() }

// Reverted counts a version that failed its probation.
func (m *Metrics) Reverted(string) { m.versions.WithLabelValues("reverted").Inc() }

// Breaker counts a breaker that opened. One that closes is seen in the gauge, see WatchStates.
func (m *Metrics) Breaker(plugin, _ string, open bool) {
	if open {
		m.trips.WithLabelValues(plugin).Inc()
	}
}

// WatchPlugins adds the gauges of loaded modules and of their instances, which ask count whenever
// metrics are read. It may be called once.
func (m *Metrics) WatchPlugins(count func() (modules, instances int)) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: namespace, Name: "plugin_modules", Help: "Versions of plugins whose code is loaded, those that are being replaced included."},
			func() float64 { modules, _ := count(); return float64(modules) },
		),
		prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: namespace, Name: "plugin_instances", Help: "Instances of all loaded versions of plugins."},
			func() float64 { _, instances := count(); return float64(instances) },
		),
	)
}

// State is what a plugin has used and how its breakers are. A list may have several of one plugin:
// they are added up.
type State struct {
	Plugin string
	Fuel   uint64 // since the start, never less than before
	// Open says of each place of the configuration that uses the plugin whether its breaker spares it calls.
	Open map[string]bool
}

// WatchStates adds the fuel of plugins and the gauge of their breakers, which ask list whenever
// metrics are read: a plugin that is no longer configured leaves no series behind. It may be
// called once.
func (m *Metrics) WatchStates(list func() []State) {
	m.registry.MustRegister(&states{
		list: list,
		fuel: prometheus.NewDesc(namespace+"_plugin_fuel_total", "WebAssembly instructions that calls of a plugin ran.", []string{"plugin"}, nil),
		open: prometheus.NewDesc(namespace+"_plugin_breaker_open",
			"1 while a plugin is not called at a place of the configuration because of repeated faults, else 0.", []string{"plugin", "key"}, nil),
	})
}

type states struct {
	list       func() []State
	fuel, open *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *states) Describe(out chan<- *prometheus.Desc) { out <- s.fuel; out <- s.open }

// Collect implements prometheus.Collector.
func (s *states) Collect(out chan<- prometheus.Metric) {
	type place struct{ plugin, key string }
	fuel, open := map[string]uint64{}, map[place]float64{}
	for _, p := range s.list() {
		fuel[p.Plugin] += p.Fuel
		for key, isOpen := range p.Open {
			at := place{p.Plugin, key}
			if open[at] = max(open[at], 0); isOpen {
				open[at] = 1
			}
		}
	}
	for plugin, n := range fuel {
		out <- prometheus.MustNewConstMetric(s.fuel, prometheus.CounterValue, float64(n), plugin)
	}
	for at, value := range open {
		out <- prometheus.MustNewConstMetric(s.open, prometheus.GaugeValue, value, at.plugin, at.key)
	}
}
