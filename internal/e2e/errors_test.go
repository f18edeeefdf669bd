package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// TestRefusals has every kind of request that can't be served, and exactly what is answered.
func TestRefusals(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	r := startRouter(t, "defaults: {cooldown: 0}\n"+accounts(v.addr, "fast", "down")+
		"  nobody: {plugin: openai, base_url: \"http://"+closedPort(t)+"\"}\n"+
		groups("retries: 0", "fast", "down")+`
  all-down:
    fallbacks: [also-down]
    deployments: [{provider: openai-down, model: a}, {provider: anthropic-down, model: b}]
  also-down: {retries: 0, deployments: [{provider: ollama-down, model: c}]}
  unreachable: {retries: 0, deployments: [{provider: nobody, model: d}]}
`+tenants+"  other: {keys: [{hash: \"sha256:"+strings.Repeat("0", 63)+"1\"}]}\n")
	const (
		chat       = "/v1/chat/completions"
		simple     = "/complete"
		simplest   = "/complete/stream"
		embeddings = "/v1/embeddings"
		busy       = "server busy, please try again.  maximum pending requests exceeded | server_error |  | overloaded"
		noModel    = `The model "nothing" does not exist or you do not have access to it. | invalid_request_error | model | model_not_found`
		noKey      = `No API key was sent. Send it as "Authorization: Bearer KEY" or "x-api-key: KEY". | authentication_error |  | invalid_api_key`
		wrongKey   = `The API key that was sent is not valid here. | authentication_error |  | invalid_api_key`
		tooLarge   = `request body is larger than 4194304 bytes (server.max_body) | invalid_request_error |  | request_too_large`
		unparsable = `The request body is not valid JSON: invalid JSON at byte 10: unexpected end. | invalid_request_error |  | invalid_json`
		down       = `The upstream could not be reached. | server_error |  | upstream_unreachable`
	)
	big := ask("openai-fast", strings.Repeat("x", 5<<20))
	bearer := []string{"Authorization", "Bearer " + acmeKey}
	for _, tc := range []struct {
		path, body string
		header     []string
		status     int
		want       string // message | type | param | code
	}{
		{chat, ask("all-down", "x"), bearer, 503, busy},
		{chat, ask("all-down", "x", streamed), bearer, 503, busy},
		{simple, ask("all-down", "x"), bearer, 503, busy},
		{simplest, ask("all-down", "x"), bearer, 503, busy},
		{chat, ask("unreachable", "x"), bearer, 502, down},
		{simplest, ask("unreachable", "x"), bearer, 502, down},
		{chat, ask("nothing", "x"), bearer, 404, noModel},
		{chat, ask("nothing", "x", streamed), bearer, 404, noModel},
		{simple, ask("nothing", "x"), bearer, 404, noModel},
		{embeddings, `{"model":"nothing","input":"x"}`, bearer, 404, noModel},
		{chat, `{"model":1`, bearer, 400, unparsable},
		{simplest, `{"model":1`, bearer, 400, unparsable},
		{chat, `[]`, bearer, 400, `The request body must be a JSON object, not array. | invalid_request_error |  | invalid_json`},
		{chat, `{"messages":[]}`, bearer, 400, `You must provide a model parameter: the name of a model group. | invalid_request_error | model | missing_required_parameter`},
		{simple, `{"model":"openai-fast"}`, bearer, 400, `You must provide messages: an array with at least one message. | invalid_request_error | messages | missing_required_parameter`},
		{simple, ask("openai-fast", "x", `"tenant_id":"other"`), bearer, 403, `This API key may not act for another tenant than its own. | permission_error |  | tenant_not_allowed`},
		{chat, big, bearer, 413, tooLarge},
		{simple, big, bearer, 413, tooLarge},
		{chat, ask("openai-fast", "x"), nil, 401, noKey},
		{chat, ask("openai-fast", "x"), []string{"Authorization", "Bearer sk-wrong"}, 401, wrongKey},
		{simplest, ask("openai-fast", "x"), []string{"X-Api-Key", "sk-wrong"}, 401, wrongKey},
		{"/v1/nothing", ask("openai-fast", "x"), bearer, 404, `There is nothing at POST "/v1/nothing". | invalid_request_error |  | unknown_url`},
		{"/v1/models", `{}`, bearer, 405, `The method POST is not allowed for "/v1/models"; use OPTIONS, GET. | invalid_request_error |  | method_not_allowed`},
	} {
		a := r.post(tc.path, tc.body, tc.header...)
		e := gjson.Get(a.body, "error")
		got := strings.Join([]string{e.Get("message").String(), e.Get("type").String(), e.Get("param").String(), e.Get("code").String()}, " | ")
		if a.status != tc.status || got != tc.want || a.header.Get("Content-Type") != "application/json" || a.header.Get("X-Request-Id") == "" {
			t.Errorf("POST %s %.60s\n%d %s\n%v\nwant\n%d %s", tc.path, tc.body, a.status, got, a.header, tc.status, tc.want)
		}
	}
	a := r.post(chat, ask("all-down", "x"), bearer...)
	if list := a.header.Get("X-Switchyard-Attempt-List"); a.header.Get("X-Switchyard-Attempts") != "4" || a.header.Get("X-Switchyard-Fallbacks") != "1" ||
		!strings.Contains(list, "openai-down/a=503 overloaded") || !strings.HasSuffix(list, "ollama-down/c=503 overloaded") {
		t.Errorf("attempts %q", a.header)
	}
	for token, want := range map[string]int{"": http.StatusUnauthorized, acmeKey: http.StatusUnauthorized, adminToken: http.StatusOK} {
		a, err := send(t.Context(), http.MethodGet, r.url+"/admin/plugins", "", "Authorization", "Bearer "+token)
		if err != nil || a.status != want {
			t.Errorf("/admin/plugins with %q: %v, %v", token, a, err)
		}
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	ln := listen(t)
	defer ln.Close()
	return ln.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// TestStartRefusals has configurations and command lines that can't work: serve and check say why, and end with 1.
func TestStartRefusals(t *testing.T) {
	t.Parallel()
	taken := listen(t)
	t.Cleanup(func() { taken.Close() })
	good := "providers:\n  p: {plugin: openai, base_url: \"http://127.0.0.1:1\"}\nmodels:\n  m: {deployments: [{provider: p, model: x}]}\n"
	head := preamble(modules)
	shipped := "anthropic, context-fit, cost, latency, least-busy, ollama, openai, priority, rules, tags, tenant-pin, weighted"
	for _, tc := range []struct {
		name, config, listen string
		passesCheck          bool
		want                 string // CONFIG stands for the file's path
	}{
		{name: "unknown key", config: strings.Replace(head, "debounce", "debuonce", 1) + good,
			want: `CONFIG:2: plugins: unknown key "debuonce" (did you mean "debounce"?)`},
		{name: "two problems", config: head + strings.NewReplacer("provider: p", "provider: q", "base_url", "base_ulr").Replace(good),
			want: "CONFIG:4: providers.p: unknown key \"base_ulr\" (did you mean \"base_url\"?)\nCONFIG:6: models.m.deployments[0].provider: no provider \"q\""},
		{name: "not YAML", config: head + "providers: {", want: `CONFIG:4: not YAML: did not find expected node content`},
		{name: "no such plugin", config: head + strings.Replace(good, "plugin: openai", "plugin: opnai", 1),
			want: `CONFIG:4: providers.p.plugin: ` + modules + `/opnai.wasm: no such file; the folder has ` + shipped + `; did you mean "openai"?: file does not exist (used by providers.p)`},
		{name: "a strategy as a provider", config: head + strings.Replace(good, "plugin: openai", "plugin: cost", 1),
			want: `CONFIG:4: providers.p.plugin: ` + modules + `/cost.wasm: it is a strategy, but providers.p needs a provider (used by providers.p)`},
		{name: "plugin refuses its config", config: head + strings.Replace(good, "base_url", "config: {vendr: x}, base_url", 1),
			want: `CONFIG:4: providers.p.config: unknown setting "vendr"; known are vendor, `},
		{name: "port in use", config: head + good, listen: taken.Addr().String(), passesCheck: true,
			want: fmt.Sprintf("listening on %[1]s: listen tcp %[1]s: bind: address already in use", taken.Addr())},
		{name: "open to everybody", config: head + good, listen: "0.0.0.0:0", passesCheck: true,
			want: "listening beyond loopback without tenants would let everybody in: configure tenants, or set server.insecure: true"},
		{name: "open to everybody in the file", config: strings.Replace(head, "{admin", "{listen: \"0.0.0.0:0\", admin", 1) + good, passesCheck: true, // the store may have keys
			want: "CONFIG:1: server.listen: listening beyond loopback without tenants would let everybody in: configure tenants, or set server.insecure: true"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := writeConfig(t, tc.config)
			want := "switchyard: " + strings.ReplaceAll(tc.want, "CONFIG", path)
			args := []string{"serve", "--config", path}
			if tc.listen != "" {
				args = append(args, "--listen", tc.listen)
			}
			code, stdout, stderr := run(t, nil, "", args...)
			if code != 1 || stdout != "" || !strings.Contains(stderr, want) {
				t.Errorf("serve: %d\n%s%s\nwant\n%s", code, stdout, stderr, want)
			}
			code, stdout, stderr = run(t, nil, "", "check", "--config", path)
			if tc.passesCheck {
				if code != 0 || stdout != path+" is good: 1 providers, 1 model groups, 0 tenants, 2 plugins\n" || stderr != "" {
					t.Errorf("check: %d\n%s%s", code, stdout, stderr)
				}
			} else if code != 1 || stdout != "" || !strings.HasPrefix(stderr, want) {
				t.Errorf("check: %d\n%s%s\nwant\n%s", code, stdout, stderr, want)
			}
		})
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"serve", "--config", "/nowhere/plugins.yaml"}, "switchyard: reading configuration: open /nowhere/plugins.yaml: no such file or directory\n"},
		{[]string{"check", "--config", "/nowhere/plugins.yaml"}, "switchyard: reading configuration: open /nowhere/plugins.yaml: no such file or directory\n"},
		{[]string{"sevre"}, "switchyard: unknown command \"sevre\" for \"switchyard\""},
		{[]string{"serve", "--confg", "x"}, "switchyard: unknown flag: --confg\n"},
		{[]string{"simulate", "--listen", taken.Addr().String()}, "switchyard: listening on "},
		{[]string{"simulate", "--profile", "x"}, "switchyard: --profile: \"x\" is not NAME=FILE\n"},
	} {
		code, stdout, stderr := run(t, nil, "", tc.args...)
		if code != 1 || stdout != "" || !strings.HasPrefix(stderr, tc.want) {
			t.Errorf("%v: %d\n%s%s\nwant\n%s", tc.args, code, stdout, stderr, tc.want)
		}
	}
}

// TestDisabledProvider: a provider without its credential is left out, said so, and the rest serves.
func TestDisabledProvider(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	r := startRouter(t, `
providers:
  openai: {plugin: openai, base_url: "http://`+v.addr+`/openai@fast", auth: {api_key: "${E2E_ABSENT_KEY:-}"}}
  ollama: {plugin: ollama, base_url: "http://`+v.addr+`/ollama@fast"}
models:
  both: {deployments: [{provider: openai, model: a}, {provider: ollama, model: b}]}
  gone: {deployments: [{provider: openai, model: a}]}
`)
	r.line(&r.stderr, `msg="provider is disabled" provider=openai reason="auth.api_key is empty: E2E_ABSENT_KEY is not set"`)
	for range 5 {
		if a := r.post("/complete", ask("both", "x")); a.status != http.StatusOK || a.header.Get("X-Switchyard-Deployment") != "ollama/b" {
			t.Errorf("%+v", a)
		}
	}
	if a := r.post("/complete", ask("gone", "x")); a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "E2E_ABSENT_KEY") {
		t.Errorf("%+v", a)
	}
	a, err := send(t.Context(), http.MethodGet, r.url+"/admin/deployments", "", "Authorization", "Bearer "+adminToken)
	if err != nil || a.json(`deployments.#(id=="openai/a").disabled_reason`) != "auth.api_key is empty: E2E_ABSENT_KEY is not set" ||
		a.json(`deployments.#(id=="ollama/b").enabled`) != "true" {
		t.Errorf("%v, %v", a, err)
	}
}
