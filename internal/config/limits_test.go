package config

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	c := good(t)
	plugins, policies := c.Limits.Plugins, c.Limits.Policies
	for _, tc := range []struct {
		name      string
		got, want any
	}{
		{"memory", plugins.Memory, int64(64 << 20)},
		{"instances", plugins.Instances, int64(3)},
		{"fuel", plugins.Fuel.PerByte, int64(5000)},
		{"compile time", plugins.Compile.CPU, 90 * time.Second},
		{"what is not said", plugins.ModuleSize, int64(64 << 20)},
		{"what is not said in a section", plugins.Compile.Memory, int64(1 << 30)},
		{"module size of policies", policies.ModuleSize, int64(1 << 20)},
		{"stack of policies", policies.Stack, int64(64 << 10)},
		{"fuel of policies", policies.Fuel.Score, int64(1_000_000_000_000)},
		{"output of policies", policies.Output, Output{1 << 10, 16 << 20}},
		{"log lines of policies", policies.LogLines, int64(1)},
		{"memory of policies", policies.Memory, int64(32 << 20)},
	} {
		equal(t, tc.name, tc.got, tc.want)
	}
}

// TestLimitsAreNeverZero holds that each limit has a default: a zero would stand for no limit, or for somebody else's.
func TestLimitsAreNeverZero(t *testing.T) {
	c, err := Parse("plugins.yaml", minimal(""), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c.Limits)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), `":0`); n != 2 || strings.Count(string(text), `"instances":0`) != 2 {
		t.Errorf("zeros beside the two instances: %s", text)
	}
	if !strings.Contains(string(text), `"compile":{"memory":1073741824,"cpu":"30s","timeout":"1m0s"}`) {
		t.Errorf("compile is missing: %s", text)
	}
	if c.Limits.Plugins == c.Limits.Policies {
		t.Error("policies may do what the operator's plugins may")
	}
}
