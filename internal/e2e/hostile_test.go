package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
)

// hostile is the folder of modules that no host may be harmed by. Their table says what must become of each.
const hostile = root + "/host/testdata/hostile/"

const malloryKey, malloryHash = "sk-mallory", "7fde764d58bdbd8df4c290fe0742b8dd54d2df2ab12270d6b985ce27eb51c38f"

// siege is a router whose clients are served while hostile modules come in: as the policy of the tenant mallory, as a
// strategy of the operator's, and as an adapter. The adapter's vendor is a process of its own.
type siege struct {
	*router
	folder folder
	decoy  *vendors
	last   map[string][]byte // module of each hostile plugin that was served last
	names  []string          // of the corpus, in its order
	who    map[string]string
	steady *steady
}

func besiege(t testing.TB, rate int) *siege {
	t.Helper()
	v := startVendors(t)
	v.profile("quick", quick)
	s := &siege{folder: copyPlugins(t, "openai", "anthropic", "ollama", "latency"), decoy: startVendors(t), who: map[string]string{}}
	s.last = map[string][]byte{
		"hostile-policy": s.module(t, "good"), "hostile-strategy": s.module(t, "good"), "hostile-adapter": s.module(t, "response-usage"),
	}
	for plugin, module := range s.last {
		s.folder.rename(plugin, module)
	}
	s.router = serve(t, writeConfig(t, preamble(s.folder.dir)+accounts(v.addr, "quick")+
		"  hostile: {plugin: hostile-adapter, base_url: \"http://"+s.decoy.addr+"/openai\", auth: {api_key: simulated}}\n"+
		groups("retries: 0", "quick")+`
  any: {retries: 0, strategy: latency, deployments: [{provider: openai-quick, model: a}, {provider: anthropic-quick, model: b}]}
  led: {retries: 0, strategy: hostile-strategy, deployments: [{provider: openai-quick, model: a}, {provider: ollama-quick, model: b}]}
  adapted: {retries: 0, deployments: [{provider: hostile, model: m}]}
tenants:
  acme: {keys: [{hash: "sha256:`+acmeHash+`"}]}
  mallory: {keys: [{hash: "sha256:`+malloryHash+`"}], policy: hostile-policy}
`))
	for line := range strings.Lines(readFile(t, hostile+"expect.txt")) {
		if words := strings.Fields(line); len(words) > 2 && words[0] != "#" {
			s.names = append(s.names, words[0])
			s.who[words[0]] = words[1]
		}
	}
	s.steady = &steady{url: s.url, key: acmeKey, rate: rate}
	for _, d := range dialects {
		s.steady.groups = append(s.steady.groups, d+"-quick")
	}
	return s
}

func (s *siege) module(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(hostile + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// drop puts a module in the place of a plugin and waits until the router serves it or has refused it. What is refused goes
// away again: a folder with a bad file in it is refused as a whole.
func (s *siege) drop(name, plugin string, module []byte) (served bool) {
	s.t.Helper()
	hash := hashOf(module)
	s.folder.rename(plugin, module)
	ctx, cancel := context.WithTimeout(s.t.Context(), settling)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond) // each look is a request too
	defer tick.Stop()
	for {
		now := s.status()
		p := now.plugin(plugin)
		served = p.Hash == hash
		if served || p.Rejected != nil && p.Rejected.Hash == hash {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%s as %s: %s serves, refused is %+v", name, plugin, p.Hash, p.Rejected)
		}
	}
	if served {
		s.last[plugin] = module
	} else {
		s.folder.rename(plugin, s.last[plugin])
	}
	return served
}

// ask sends requests that the plugin has a say in. Every one must be answered.
func (s *siege) ask(name, plugin string) {
	s.t.Helper()
	key, group, path := malloryKey, "any", "/v1/chat/completions"
	switch plugin {
	case "hostile-strategy":
		key, group = acmeKey, "led"
	case "hostile-adapter":
		key, group = acmeKey, "adapted"
	}
	for n := range 8 {
		body := ask(group, "tokens:2")
		if n%2 == 1 {
			body = ask(group, "tokens:2", streamed)
		}
		a := s.post(path, body, "Authorization", "Bearer "+key)
		if err := s.judge(name, plugin, a); err != nil {
			s.t.Errorf("%s as %s: %v: %+v", name, plugin, err, a)
		}
	}
}

// judge says what is wrong with an answer. What a strategy does wrong is made good by another; an adapter's fault is the
// end of its request.
func (s *siege) judge(name, plugin string, a *answer) error {
	for header, values := range a.header {
		if header == "X-Evil" || strings.ContainsAny(strings.Join(values, ""), "\r\n\x1b\x00") {
			return errors.New("a header is the plugin's")
		}
	}
	// Its scores remove every deployment, which it may.
	if plugin == "hostile-adapter" || name == "score-not-numbers" {
		return nil
	}
	return want("status", a.status, http.StatusOK)
}

// TestHostileFolder drops the corpus into the plugin folder of a router, module by module, and has each of them called.
// The requests of others are answered throughout, and nothing stays behind.
func TestHostileFolder(t *testing.T) {
	s := besiege(t, 50)
	s.steady.begin(t)
	names := s.names
	if testing.Short() {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return hashOf([]byte(name))[0] != '0' }) // one in 16
	}
	s.storm(names, func(name string) {
		s.smuggled(name)
		if err := s.steady.err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	})
	s.drained()
	s.steady.end(t)
	s.idle()
	if s.decoy.stats().Received == 0 {
		t.Error("no adapter was ever used")
	}
	if children := s.children(); len(children) > 0 {
		t.Errorf("the router has child processes left: %v", children)
	}
	for _, line := range s.forged() {
		t.Errorf("a plugin has written this line into the log: %q", line)
	}
}

// smuggled looks at what has reached the adapter's vendor: whole requests to its own host, below its base path, with no
// header that the router keeps for itself.
func (s *siege) smuggled(name string) {
	s.t.Helper()
	var requests []simulator.Request
	getJSON(s.t, "http://"+s.decoy.addr+"/_sim/requests", &requests)
	for _, got := range requests {
		for header, value := range got.Header {
			if strings.Contains(value, "evil") || strings.Contains(value, "stolen") || header == "x-a" || header == "expect" {
				s.t.Errorf("%s: the vendor got the header %s: %s", name, header, value)
			}
		}
		if !strings.HasPrefix(got.Path, "/openai/v1/x") {
			s.t.Errorf("%s: the vendor was asked for %s %q", name, got.Method, got.Path)
		}
	}
}

// children lists the processes that the router has started and that are still there, ended or not.
func (s *siege) children() []string {
	s.t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]bool{}
	for _, path := range lists {
		list, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that has ended
		}
		for pid := range strings.FieldsSeq(string(list)) {
			found[pid] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// forged returns the lines of the router's log that it did not write itself.
func (s *siege) forged() (lines []string) {
	for line := range strings.Lines(s.stderr.String()) {
		switch {
		case strings.HasPrefix(line, "gc "), strings.HasPrefix(line, "time="):
			if strings.ContainsAny(line, "\x1b\x07\x00\r") {
				lines = append(lines, line)
			}
		case strings.Contains(line, "forged"):
			lines = append(lines, line)
		}
	}
	return lines
}
