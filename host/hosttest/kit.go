package hosttest

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// kit is one run of the conformance tests.
type kit struct {
	dir    string
	kind   string
	config string
}

func newKit(t *testing.T, dir, kind string, config []string) *kit {
	t.Helper()
	k := &kit{dir: dir, kind: kind, config: "{}"}
	switch len(config) {
	case 0:
	case 1:
		k.config = config[0]
	default:
		t.Fatalf("%d configs, at most one can be tested", len(config))
	}
	return k
}

// describe checks that a description is complete and always the same.
func (k *kit) describe(t *testing.T) {
	one := k.probe(t, Load(t, k.dir, k.kind, k.config), abi.ExportDescribe, nil)
	again := Load(t, k.dir, k.kind, k.config)
	for range 3 {
		if other := k.probe(t, again, abi.ExportDescribe, nil); !bytes.Equal(one, other) {
			t.Fatalf("describe changes: first %s, then %s", one, other)
		}
	}
	var d abi.Description
	if err := json.Unmarshal(one, &d); err != nil {
		t.Fatalf("describe: %v in %s", err, one)
	}
	if want := filepath.Base(Build(t, k.dir)); d.Name+".wasm" != want {
		t.Errorf("describe: the name is %q, the module is %q", d.Name, want)
	}
	if d.About == "" {
		t.Error("describe: about is empty")
	}
	if d.ConfigSchema != "" {
		var schema struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(d.ConfigSchema), &schema); err != nil || schema.Type != "object" {
			t.Errorf("describe: config_schema is not the schema of an object: %s", d.ConfigSchema)
		}
	}
}

// configure checks that a config is taken, or refused in words.
func (k *kit) configure(t *testing.T) {
	path := Build(t, k.dir)
	h := New(t)
	try := func(config string) error {
		set, err := buildSet(t, h, path, k.kind, config)
		if set != nil {
			set.Release()
		}
		return err
	}
	if err := try(k.config); err != nil {
		t.Errorf("configure(%s): %v", k.config, err)
	}
	for _, junk := range []string{"[]", `{"no_such_key":1}`, "{", `"x"`, "7", "\x00\xff", " "} {
		if err := try(junk); err == nil {
			t.Errorf("configure(%q) is accepted", junk)
		} else if fault(err) {
			t.Errorf("configure(%q) is not refused but fails: %v", junk, err)
		}
	}
}

// garbage sends raw noise: random bytes, and good messages that are cut or have a few bytes changed. What comes back
// must be a valid answer or a refusal, and the plugin must go on working.
func (k *kit) garbage(t *testing.T, export string, good []byte, check func(answer []byte) error) {
	set := Load(t, k.dir, k.kind, k.config)
	before := k.probe(t, set, export, good)
	send := func(what string, at int, message []byte) {
		answer, err := set.Probe(t.Context(), key, export, message)
		if err == nil {
			err = check(answer)
		}
		if fault(err) {
			t.Fatalf("%s of %d bytes, %s %d: %v", export, len(message), what, at, err)
		}
	}
	for n := range good {
		if n < 512 || n%61 == 0 {
			send("cut at", n, good[:n])
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 500 {
		noise := make([]byte, random.IntN(600))
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		send("noise in round", round, noise)
		changed := bytes.Clone(good)
		for range 1 + random.IntN(8) {
			changed[random.IntN(len(changed))] = byte(random.Uint32() >> random.IntN(8))
		}
		send("changes in round", round, changed)
	}
	if after := k.probe(t, set, export, good); set.Strategy(key) == nil || !set.Strategy(key).HasFeedback() {
		if !bytes.Equal(before, after) {
			t.Errorf("%s answers differently after garbage:\n%q\n%q", export, clip(before), clip(after))
		}
	}
}

// pure checks that equal inputs have equal outputs, in one instance and in a fresh one.
func (k *kit) pure(t *testing.T, export string, inputs [][]byte) {
	one, other := Load(t, k.dir, k.kind, k.config), Load(t, k.dir, k.kind, k.config)
	for _, input := range slices.Backward(inputs) { // so that the other has not just seen the input before
		k.probe(t, other, export, input)
	}
	for i, input := range inputs {
		first := k.probe(t, one, export, input)
		if second := k.probe(t, one, export, input); !bytes.Equal(first, second) {
			t.Errorf("%s of input %d differs when repeated:\n%q\n%q", export, i, clip(first), clip(second))
		}
		if second := k.probe(t, other, export, input); !bytes.Equal(first, second) {
			t.Errorf("%s of input %d differs in another instance:\n%q\n%q", export, i, clip(first), clip(second))
		}
	}
}

// memory checks that calls leave nothing behind: over 8,000 of them, a guest's memory may grow by what a collector is
// late, not by a kilobyte each.
func (k *kit) memory(t *testing.T, call func(set *host.Set) error) {
	set, h := load(t, k.dir, k.kind, k.config)
	var last int64
	size := func(calls int) int64 {
		for n := range calls {
			if err := call(set); fault(err) {
				t.Fatal(err)
			}
			if n%10 > 0 {
				continue
			}
			now := h.Plugins()[0].Instances.Memory
			if now < last {
				t.Fatalf("memory grows beyond %d bytes, so that the host replaced the instance", last)
			}
			last = now
		}
		return last
	}
	warm := size(2_000)
	if after := size(8_000); after > warm+8<<20 {
		t.Errorf("memory grows from %d to %d bytes in 8000 calls", warm, after)
	}
	t.Logf("the dearest call used %d instructions of fuel", h.Plugins()[0].Fuel.Max)
}

// probe sends one message that must be answered.
func (k *kit) probe(t *testing.T, set *host.Set, export string, message []byte) []byte {
	t.Helper()
	answer, err := set.Probe(t.Context(), key, export, message)
	if err != nil {
		t.Fatalf("%s: %v", export, err)
	}
	return answer
}

func clip(b []byte) []byte { return b[:min(len(b), 400)] }
