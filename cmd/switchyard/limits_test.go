package main

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/config"
)

// TestDefaultLimitsAreTheHosts compares what the configuration's reference says with what holds where the host is used
// without a configuration.
func TestDefaultLimitsAreTheHosts(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse("plugins.yaml", []byte(`
providers: {p: {plugin: echo, base_url: http://127.0.0.1:1}}
models: {g: {deployments: [{provider: p, model: m}]}}
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		got  host.Limits
		want host.Limits
	}{
		{"plugins", hostLimits(&cfg.Limits.Plugins), host.DefaultLimits()},
		{"policies", hostLimits(&cfg.Limits.Policies), host.DefaultPolicies()},
	} {
		if tc.got.Instances != 0 {
			t.Errorf("%s: %d instances, want 0 for the number of CPUs", tc.name, tc.got.Instances)
		}
		tc.got.Instances = tc.want.Instances
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s: host and configuration (+) differ:\n%s", tc.name, diff)
		}
	}
	if cfg.Plugins.CacheSize != host.DefaultCacheSize {
		t.Errorf("a cache of %d bytes, the host's is %d", cfg.Plugins.CacheSize, host.DefaultCacheSize)
	}
}

// numbers calls f with each number in a struct, in the order of its fields.
func numbers(path string, v reflect.Value, f func(path string, v reflect.Value)) {
	if v.Kind() != reflect.Struct {
		f(path, v)
		return
	}
	for i := range v.NumField() {
		numbers(path+"."+v.Type().Field(i).Name, v.Field(i), f)
	}
}

// TestEveryLimitReachesTheHost gives each limit a number of its own and finds it under the same name.
func TestEveryLimitReachesTheHost(t *testing.T) {
	t.Parallel()
	var b config.Bounds
	want := map[string]int64{}
	numbers("", reflect.ValueOf(&b).Elem(), func(path string, v reflect.Value) {
		n := int64(len(want) + 1)
		want[path] = n
		if path == ".Memory" {
			n *= pageSize
		}
		v.SetInt(n)
	})
	l := hostLimits(&b)
	numbers("", reflect.ValueOf(&l).Elem(), func(path string, v reflect.Value) {
		if got := v.Convert(reflect.TypeFor[int64]()).Int(); got != want[path] {
			t.Errorf("%s is %d, want %d", path, got, want[path])
		}
		delete(want, path)
	})
	for path := range want {
		t.Errorf("the host has no %s", path)
	}
}
