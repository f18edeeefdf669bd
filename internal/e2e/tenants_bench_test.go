package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"
)

// BenchmarkTenants makes a thousand tenants over HTTP, each with a key and a policy in Go with a configuration of its own,
// and has each of them send requests, one after the other. It reports how long making one takes, the time of a tenant's
// first request, with which its policy is loaded, and of the later ones, and the resident memory of the router.
func BenchmarkTenants(b *testing.B) {
	const tenants, later = 1000, 3
	module, err := example()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		v := startVendors(b)
		v.profile("fast", `{}`)
		f := copyPlugins(b, "openai", "anthropic", "ollama", "weighted")
		r := serve(b, writeConfig(b, preamble(f.dir)+accounts(v.addr, "fast")+`models:
  g:
    strategy: weighted
    deployments: [{provider: openai-fast, model: a, tags: [eu]}, {provider: openai-fast, model: b, tags: [us]}]
`))
		times := map[string][]time.Duration{}
		timed := func(what string, do func()) {
			began := time.Now()
			do()
			times[what] = append(times[what], time.Since(began))
		}
		empty := r.memory()
		who := make([]account, tenants)
		for i := range who {
			timed("make", func() { who[i] = r.tenant(fmt.Sprintf("t%d", i), "", "complete", "policy") })
			timed("policy", func() {
				who[i].upload(http.StatusCreated, "home", module, fmt.Sprintf("region: %s # of tenant %d\n", []string{"eu", "us"}[i%2], i))
				who[i].call(http.StatusOK, http.MethodPost, "/v1/policies/home/activate", `{"version":1}`)
			})
		}
		r.signal(syscall.SIGTERM)
		r.code()
		timed("start", func() { r = serve(b, r.config) })
		idle := r.memory()
		for turn := range 1 + later {
			for i, a := range who {
				a.router = r
				timed([]string{"first", "later"}[min(turn, 1)], func() {
					if deployment, policy, ans := a.decides(""); policy != "home@1" || deployment != "openai-fast/"+[]string{"a", "b"}[i%2] {
						b.Fatalf("%s decided by %q: %d %s", deployment, policy, ans.status, ans.body)
					}
				})
			}
		}
		for what, list := range times {
			slices.Sort(list)
			b.ReportMetric(ms(percentile(list, 50)), what+"-p50-ms")
			b.ReportMetric(ms(percentile(list, 99)), what+"-p99-ms")
		}
		for what, bytes := range map[string]uint64{"empty": empty, "started": idle, "served": r.memory()} {
			b.ReportMetric(float64(bytes)/(1<<20), what+"-MB")
		}
		b.ReportMetric(0, "ns/op")
	}
}
