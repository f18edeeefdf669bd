package policies

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestRefused uploads what is wrong in one way or in several.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	latency := built(t, "../../plugins/strategies/latency")
	hostile := func(name string) []byte { return readFile(t, "../../host/testdata/hostile/"+name+".wasm") }
	wrong := func(module []byte) []byte {
		answer := (&abi.ScoreOutput{Scores: []float64{7}}).Append(nil)
		input := abi.AppendScore(nil, &abi.Header{}, []abi.Candidate{{Total: 5}})
		out, err := host.WithVectors(module, []abi.Vector{{Name: "seven", Export: abi.ExportScore, Input: input, Output: answer}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		policy string
		module []byte
		config string
		note   string
		want   []string // "code place: part of the message", in order
	}{
		{"nothing", "p", nil, "", "", []string{"invalid_module module: there is none"}},
		{"noise", "p", []byte("noise"), "", "", []string{"invalid_module module: "}},
		{"everything", "no name", []byte("noise"), "a: 1\nb: [", strings.Repeat("x", 2000), []string{
			"invalid_name name: ", "too_large note: it has 2000 bytes", "invalid_config config:3: not YAML", "invalid_module module: ",
		}},
		{"a provider", "p", built(t, "../../host/testdata/guests/echo"), "", "", []string{"invalid_module module: it is a provider"}},
		{"a filter", "p", built(t, "../../plugins/strategies/tags"), "", "", []string{"filter module: it is a filter"}},
		{"an import", "p", hostile("import-socket"), "", "", []string{"invalid_module module: it imports"}},
		{"a start that spins", "p", hostile("spin-start"), "", "", []string{"start_failed module: starting it: it used up its fuel"}},
		{"a wrong vector", "p", wrong(mean(t)), "", "", []string{`vector_mismatch module: golden vector "seven"`}},
		{"config and vector", "p", wrong(latency), "explore: 7", "", []string{
			"config_schema config:1: explore: 7 is above 1",
		}},
		{"config by its lines", "p", latency, "# tuned\nbuffer: 0.2\nload: much\nbufer: 1\nexplore: 2\n", "", []string{
			`config_schema config:3: load: "much" is a string, not a number`,
			`config_schema config:4: bufer: the key "bufer" is unknown, there are: buffer, explore, load, refresh`,
			"config_schema config:5: explore: 2 is above 1", `config_rejected config: unknown key "bufer"`,
		}},
		{"JSON by its lines", "p", latency, "{\n \"explore\":\n  9}", "", []string{"config_schema config:3: explore: 9 is above 1"}},
		{"what the schema does not say", "p", mean(t), "# mean\nFactor: much\n", "", []string{`config_rejected config: json: cannot unmarshal string`}},
		{"JSON with a key twice", "p", latency, "{\n\"buffer\":0,\n\"buffer\":0}", "", []string{`invalid_config config:3: the key "buffer" stands here twice`}},
		{"YAML with a key twice", "p", latency, "buffer: 0\nbuffer: 0", "", []string{"invalid_config config:2: key"}},
		{"neither", "p", latency, "{\"buffer\": 0,,}", "", []string{"invalid_config config:1: not YAML"}},
		{"a list", "p", latency, "[1]", "", []string{"invalid_config config:1: it is not an object"}},
		{"a text", "p", latency, "text", "", []string{"invalid_config config:1: it is not an object"}},
		{"too deep", "p", latency, `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", "", []string{"invalid_config config:1: it nests deeper"}},
		{"too large", "p", latency, `{"a":"` + strings.Repeat("x", maxConfig) + `"}`, "", []string{"too_large config: "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := w.Upload(t.Context(), "acme", tc.policy, &Upload{Module: tc.module, Config: []byte(tc.config), Note: tc.note})
			refused, ok := errors.AsType[*Refused](err)
			if !ok {
				t.Fatalf("%v", err)
			}
			good := len(refused.Reasons) == len(tc.want)
			for i, r := range refused.Reasons {
				good = good && strings.HasPrefix(fmt.Sprintf("%s %s: %s", r.Code, r.Place, r.Message), tc.want[i])
			}
			if !good {
				t.Errorf("refused for\n%+v, want\n%q", refused.Reasons, tc.want)
			}
		})
	}
	if all := good(w.List(t.Context(), ""))(t); len(all) != 0 {
		t.Errorf("%d policies were stored", len(all))
	}
}

// TestConfigs uploads what is right in more than one way.
func TestConfigs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	latency := built(t, "../../plugins/strategies/latency")
	for i, tc := range []struct{ config, stored string }{
		{"", "{}"},
		{" \n", "{}"},
		{`{"buffer": 0.10}`, `{"buffer": 0.10}`},
		{"buffer: 0.10 # a tenth\nload: .5", `{"buffer":0.10,"load":0.5}`},
		{"{buffer: 1}", `{"buffer":1}`},
	} {
		n := w.upload("acme", "p", latency, tc.config)
		v := good(w.Version(t.Context(), "acme", "p", n))(t)
		if string(v.Config) != tc.stored || n != i+1 || v.By != "test" {
			t.Errorf("%q became version %d by %s with %s", tc.config, n, v.By, v.Config)
		}
	}
	all := good(w.Versions(t.Context(), "acme", "p"))(t)
	if len(all) != 5 || all[0].Module != all[4].Module {
		t.Errorf("%d versions", len(all))
	}
	if s := w.Stats(); s.Versions != 0 || s.Memory != 0 {
		t.Errorf("uploads left %+v", s)
	}
}

// TestCandidate tries a stored version and an uploaded module while another version serves.
func TestCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("acme", "p", mean(t), "")
	w.upload("acme", "p", mean(t), "Factor: 2")
	w.activate("acme", "p", 1)
	for _, tc := range []struct {
		candidate Candidate
		want      float64
	}{
		{Candidate{Policy: "p", Version: 2}, 20},
		{Candidate{Policy: "new", Module: mean(t), Config: []byte(`{"Factor":3}`)}, 30},
	} {
		s, release, err := w.Candidate(t.Context(), "acme", &tc.candidate)
		if err != nil {
			t.Fatal(err)
		}
		out := output()
		if _, err := s.Score(t.Context(), header, candidates, out); err != nil || out.Scores[0] != tc.want {
			t.Errorf("%v, %v", out.Scores, err)
		}
		if _, err := s.Score(t.Context(), &abi.Header{Group: "panic"}, candidates, out); err == nil {
			t.Error("it does not fault")
		}
		release()
	}
	if f := w.Figures("acme", "p", 2); f.Calls != 0 || f.Faults[FaultTrap] != 0 {
		t.Errorf("trying counts: %+v", f)
	}
	if _, _, err := w.Candidate(t.Context(), "other", &Candidate{Policy: "p", Version: 2}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another tenant's: %v", err)
	}
	if _, _, err := w.Candidate(t.Context(), "acme", &Candidate{Policy: "p", Module: []byte("noise")}); err == nil {
		t.Error("noise is a candidate")
	}
	if s := w.Stats(); s.Versions != 1 || s.Memory != w.Figures("acme", "p", 1).Memory+w.shelf.modules[w.tenant("acme").route.Load().active.module].size {
		t.Errorf("left %+v", s)
	}
}
