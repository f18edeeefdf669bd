package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/metrics"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
)

// journal is a log that tests can read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// stage is a router behind its server, on a folder with the plugins that a test names.
type stage struct {
	*installation
	router *router
	server *httptest.Server
	log    journal
}

func newStage(t *testing.T, sources ...string) *stage {
	t.Helper()
	s := &stage{installation: install(t)}
	for _, source := range sources {
		module, err := os.ReadFile(hosttest.Build(t, source))
		if err != nil {
			t.Fatal(err)
		}
		s.replace(filepath.Base(source), module)
	}
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.router = &router{path: s.file, getenv: s.getenv, log: log, host: hosttest.New(t), metrics: metrics.New("test")}
	s.router.state = emptyState(t, s.router.host, log)
	client := upstream.New(upstream.Options{})
	s.router.gateway = gateway.New(gateway.Options{Upstream: client, Log: log, Observe: s.router.metrics.Observe})
	t.Cleanup(s.router.gateway.Close)
	t.Cleanup(client.CloseIdle)
	return s
}

// replace puts a module into the folder.
func (s *stage) replace(name string, module []byte) {
	s.t.Helper()
	path := filepath.Join(s.dir, name+".wasm")
	_ = os.Remove(path) // it may be a link to what other tests use
	if err := os.WriteFile(path, module, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// begin serves a configuration.
func (s *stage) begin(text string) {
	s.t.Helper()
	s.write(text)
	if err := s.load(s.router); err != nil {
		s.t.Fatal(err)
	}
	s.server = httptest.NewServer(s.router.server().Handler())
	s.t.Cleanup(s.server.Close)
}

// send returns all of an answer, its headers included, with what the tokens and the texts in it stand for.
func (s *stage) send(method, path, key, body string, header ...string) (status int, text string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.server.Client().Do(req)
	if err != nil {
		s.t.Fatalf("%s %s %s: %v", method, path, body, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s %s: %v", method, path, body, err)
	}
	return resp.StatusCode, fmt.Sprint(resp.Header) + string(answer)
}

// traces are the pieces of a secret in every encoding that might be met.
func traces(secret string) map[string][]byte {
	found := map[string][]byte{}
	const piece = 12
	for at := 0; at+piece <= len(secret); at += piece / 2 {
		part := secret[at : at+piece]
		name := "piece " + part
		found[name] = []byte(part)
		found[name+", lower"] = []byte(strings.ToLower(part))
		found[name+", in hex"] = []byte(hex.EncodeToString([]byte(part)))
		found[name+", in HEX"] = []byte(strings.ToUpper(hex.EncodeToString([]byte(part))))
		found[name+", in UTF-16"] = utf16Bytes(part)
		found[name+", as JSON"] = []byte(spell(`\u%04x`, part))
		found[name+", as a URL"] = []byte(spell("%%%02X", part))
	}
	quoted, _ := json.Marshal(secret)
	found["JSON"] = quoted[1 : len(quoted)-1]
	found["query"] = []byte(url.QueryEscape(secret))
	found["path"] = []byte(url.PathEscape(secret))
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 { // by what stands before it
			whole := alphabet.EncodeToString([]byte(strings.Repeat(" ", shift) + secret))
			found[fmt.Sprintf("base64, shifted by %d", shift)] = []byte(whole[4 : len(whole)-4])
		}
	}
	return found
}

func utf16Bytes(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// keeper knows secrets and looks for them.
type keeper map[string]map[string][]byte

func (k keeper) add(name, secret string) string {
	k[name] = traces(secret)
	return secret
}

// look reports each secret that is in a text, once.
func (k keeper) look(t *testing.T, where string, text []byte) {
	t.Helper()
	for name, forms := range k {
		for form, trace := range forms {
			if at := bytes.Index(text, trace); at >= 0 {
				t.Errorf("%s has %s (%s): …%q…", where, name, form, text[max(0, at-80):min(len(text), at+len(trace)+40)])
				break
			}
		}
	}
}

func keyHash(secret string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(secret))) }

// renewed returns a module that does the same and has another hash.
func renewed(module []byte, n byte) []byte {
	return append(bytes.Clone(module), 0, 3, 1, 'v', n) // a custom section
}

// TestNoSecretsInGuests drives everything that is sent to a vendor, and everything that a vendor can echo, through the
// shipped adapters and strategies, then looks for each secret in each guest's memory, in the log, in all answers, in the
// metrics and in the admin API.
func TestNoSecretsInGuests(t *testing.T) {
	secrets := keeper{}
	t.Setenv("SWITCHYARD_TEST_ENVIRONMENT", secrets.add("the environment", "env/9b1f0c6e7d2a4835/+="))
	s := newStage(t,
		"../../plugins/providers/openai", "../../plugins/providers/anthropic", "../../plugins/providers/ollama",
		"../../plugins/strategies/latency", "../../plugins/strategies/cost", "../../plugins/strategies/tenant-pin", "../../plugins/strategies/weighted",
	)
	vendor := newEchoVendor(t)
	// Keys with what escapers escape. The vendors see them, and nobody else.
	s.env["KEY_OPENAI"] = secrets.add("OpenAI's key", "sk-proj-3c/59+0e=a81d4f7b26c9e")
	s.env["KEY_ANTHROPIC"] = secrets.add("Anthropic's key", "sk-ant-77d0~b2e64f19&8ac35<e1>")
	s.env["KEY_OLLAMA"] = secrets.add("Ollama's key", `oll-5"e2f8d1\c07b4a93e6fd08`)
	s.env["ACCOUNT"] = secrets.add("the operator's header", "acct_2f6d8e91b7c3a5d04f1e8b")
	password := secrets.add("the operator's password", "pw-e4c1a97f3b/60d85f2e7a19")
	s.env["BASIC"] = "Basic " + secrets.add("the operator's Basic header", base64.StdEncoding.EncodeToString([]byte("user:"+password)))
	s.env["ADMIN"] = secrets.add("the admin token", "adm-0d94b7e35f1c68a2d7e09b4f")
	acme, guest := secrets.add("acme's key", "ten-acme-71f3e5b09d8c2a46e1"), secrets.add("guest's key", "ten-guest-c85a1e7d3f60b294e8")
	config := `
server: {admin_token: "${ADMIN}"}
plugins: {dir: .}
defaults: {retries: 0, cooldown: 0, strategy: [tenant-pin, latency, {plugin: cost, weight: 0.5}]}
providers:
  openai: {plugin: openai, base_url: "` + vendor.URL + `/openai", auth: {api_key: "${KEY_OPENAI}"}, headers: {x-account: "${ACCOUNT}", x-gate: "${BASIC}"}}
  anthropic: {plugin: anthropic, base_url: "` + vendor.URL + `/anthropic", auth: {api_key: "${KEY_ANTHROPIC}"}, headers: {x-account: "${ACCOUNT}", authorization: "${BASIC}"}}
  ollama: {plugin: ollama, base_url: "` + vendor.URL + `/ollama", auth: {api_key: "${KEY_OLLAMA}", header: X-Gate-Key}, headers: {x-account: "${ACCOUNT}"}}
models:
  openai/*: {deployments: [{provider: openai, model: "*"}]}
  anthropic/*: {deployments: [{provider: anthropic, model: "*"}]}
  ollama/*: {deployments: [{provider: ollama, model: "*"}]}
tenants:
  acme: {keys: [{hash: "` + keyHash(acme) + `"}], policy: {plugin: weighted}}
  guest: {keys: [{hash: "` + keyHash(guest) + `"}]}
`
	s.begin(config)
	set := s.router.set
	answered, blotted := 0, 0
	exercise := func(spellings ...string) {
		for _, dialect := range []string{"openai", "anthropic", "ollama"} {
			for _, mode := range echoModes {
				for _, spelling := range spellings {
					for path, rest := range map[string]string{
						"/v1/chat/completions?a": `"messages":[{"role":"user","content":"a prompt to be found"}]`,
						"/v1/chat/completions?b": `"stream":true,"messages":[{"role":"user","content":"a prompt to be found"}]`,
						"/v1/embeddings":         `"input":"a text to embed"`,
						"/v1/completions":        `"prompt":"a prompt to complete"`,
						"/complete/stream":       `"messages":[{"role":"user","content":"hello"}]`,
					} {
						if spelling != "plain" && !strings.Contains(path, "chat") {
							continue // how the adapters read these, the others have shown
						}
						key := acme
						if answered%2 == 1 {
							key = guest
						}
						model := dialect + "/" + mode + "." + spelling
						status, text := s.send(http.MethodPost, path, key, `{"model":"`+model+`",`+rest+`}`, "X-Api-Key", key, "Cookie", "session="+key)
						if mode == "answer" && path != "/v1/embeddings" && path != "/v1/completions" && status != http.StatusOK {
							t.Errorf("%s at %s: status %d, %s", model, path, status, text)
						}
						secrets.look(t, model+" at "+path, []byte(text))
						answered++
						blotted += strings.Count(text, "[redacted]")
					}
				}
			}
		}
	}
	exercise(slices.Collect(maps.Keys(echoSpellings))...)
	// New versions beside the old ones, which stay ready.
	old := set
	old.Acquire()
	defer old.Release()
	for i, name := range []string{"openai", "anthropic", "ollama", "latency", "weighted"} {
		module, err := os.ReadFile(filepath.Join(s.dir, name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		s.replace(name, renewed(module, byte(i)))
	}
	if err := s.router.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	exercise("escaped")
	if answered == 0 || blotted < answered/4 {
		t.Errorf("of %d answers, %d secrets were blotted out: the vendor's echo has not come through", answered, blotted)
	}

	prompts, keys := 0, map[string]bool{}
	for key, memory := range func(yield func(string, []byte) bool) {
		old.Memories(yield)
		s.router.set.Memories(yield)
	} {
		keys[key] = true
		secrets.look(t, "the memory of "+key, memory)
		if bytes.Contains(memory, []byte("a prompt to be found")) {
			prompts++
		}
	}
	for _, want := range []string{"providers.openai", "providers.anthropic", "providers.ollama", "models.openai/*.strategy[0]", "models.ollama/*.strategy[2]", "tenants.acme.policy"} {
		if !keys[want] {
			t.Errorf("no memory of %s was looked at, only of %v", want, keys)
		}
	}
	if prompts == 0 {
		t.Error("no prompt was found in any memory: the search finds nothing")
	}

	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/admin/plugins", "/admin/deployments", "/v1/models", "/nowhere"} {
		_, text := s.send(http.MethodGet, path, s.env["ADMIN"], "")
		secrets.look(t, path, []byte(text))
	}
	s.write(strings.Replace(config, "plugin: weighted", `plugin: weighted, config: {a: "${KEY_OPENAI}", b: "${ADMIN}"}`, 1))
	if err := s.router.reload(t.Context()); err == nil {
		t.Error("a policy was told a key")
	} else {
		secrets.look(t, "the refusal of a config with a key", []byte(err.Error()))
	}
	log := s.log.String()
	if !strings.Contains(log, "reload refused") || strings.Count(log, "msg=request ") < answered {
		t.Error("the log is not whole")
	}
	secrets.look(t, "the log", []byte(log))
}

// TestTenantsShareNoMemory gives two tenants the same policy, which remembers whom it was asked for: each is told of
// itself alone, and nothing of the other is in its memory, also when the policy changes hands.
func TestTenantsShareNoMemory(t *testing.T) {
	t.Parallel()
	s := newStage(t, "testdata/plugins/nosy")
	const head = `
plugins: {dir: .}
providers: {p: {plugin: echo, base_url: "http://127.0.0.1:1", auth: {none: true}}}
models: {g: {strategy: mean, deployments: [{provider: p, model: m}]}}
tenants:
`
	tenant := func(name, policy string) string {
		return "  " + name + `: {keys: [{hash: "` + keyHash("key of "+name) + `"}]` + policy + "}\n"
	}
	const nosy = ", policy: {plugin: nosy}"
	s.begin(head + tenant("acme", nosy) + tenant("globex", nosy) + tenant("initech", ""))
	ask := func(name, other string) {
		_, text := s.send(http.MethodPost, "/v1/chat/completions", "key of "+name, `{"model":"g","messages":[{"role":"user","content":"x"}]}`, "X-Switchyard-Tags", "tag-of-"+name)
		if !strings.Contains(text, name+" with tag-of-"+name) || strings.Contains(text, other) {
			t.Errorf("%s is told: %s", name, text)
		}
	}
	both := func(a, b string) {
		var all sync.WaitGroup
		for _, pair := range [][2]string{{a, b}, {b, a}, {a, b}, {b, a}} {
			all.Go(func() {
				for range 25 {
					ask(pair[0], pair[1])
				}
			})
		}
		all.Wait()
	}
	both("acme", "globex")
	memories := func(pairs map[string][2]string) {
		t.Helper()
		looked := 0
		for key, memory := range s.router.set.Memories {
			if pair, ok := pairs[key]; ok {
				looked++
				if !bytes.Contains(memory, []byte("tag-of-"+pair[0])) && looked == 1 {
					t.Errorf("%s has nothing of %s in its memory", key, pair[0])
				}
				if bytes.Contains(memory, []byte(pair[1])) {
					t.Errorf("%s has something of %s in its memory", key, pair[1])
				}
			}
		}
		if looked < len(pairs) {
			t.Errorf("%d memories of %d policies", looked, len(pairs))
		}
	}
	memories(map[string][2]string{"tenants.acme.policy": {"acme", "globex"}, "tenants.globex.policy": {"globex", "acme"}})
	// Globex gives its policy up, and another tenant takes the same module with the same config.
	s.write(head + tenant("acme", nosy) + tenant("globex", "") + tenant("initech", nosy))
	if err := s.router.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	both("acme", "initech")
	memories(map[string][2]string{"tenants.initech.policy": {"initech", "globex"}})
}
