package e2e

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := run(t, nil, "", "version")
	if code != 0 || stderr != "" || !regexp.MustCompile(`^switchyard \S+ \(plugin ABI 1, go1\.\S+\)\n$`).MatchString(stdout) {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}

// TestQuickstart is the first run: both answers are shown, each with its deployment and attempts, it serves, and an
// interrupt ends it.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	config, err := filepath.Abs(root + "/examples/quickstart/plugins.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The config's plugin folder is where make puts them; the test's own copy stands beside a copy of the config.
	path := writeConfig(t, strings.Replace(readFile(t, config), "../../plugins/dist", modules+"\n  cache_dir: "+cache, 1))
	p := start(t, "quickstart", "--config", path, "--listen", "127.0.0.1:0", "--vendors", "127.0.0.1:0")
	p.line(&p.stdout, "Ctrl-C stops.")
	out := p.stdout.String()
	for _, want := range []string{
		`── a completion from model group quality\nReply .+\n\[anthropic/claude-sonnet-4-20250514 via anthropic, strategy latency, attempts 2 ` +
			`\(overloaded/claude-sonnet-4-20250514=529 overloaded, anthropic/claude-sonnet-4-20250514=ok\), router \d+ µs\]\n`,
		`── a stream from model group fast\nReply .+\n\[(openai/gpt-4o-mini via openai|ollama/llama3.1 via ollama), strategy latency, attempts 1 \(.+=ok\), router \d+ µs\]\n`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	url := regexp.MustCompile(`Serving on (http://127\.0\.0\.1:\d+)\.`).FindStringSubmatch(out)
	if url == nil {
		t.Fatalf("no URL in\n%s", out)
	}
	r := &router{p, url[1], path}
	if a := r.post("/v1/chat/completions", ask("balanced", "hello")); a.status != http.StatusOK || a.json("choices.0.message.content") == "" {
		t.Errorf("%+v", a)
	}
	p.signal(syscall.SIGINT)
	if code := p.code(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := send(t.Context(), http.MethodGet, r.url+"/healthz", ""); err == nil {
		t.Error("it still serves")
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	r := startRouter(t, accounts(v.addr, "fast")+groups("retries: 0", "fast")+tenants)
	key := "SWITCHYARD_API_KEY=" + acmeKey
	for _, extra := range [][]string{nil, {"--no-stream"}} {
		args := append([]string{"chat", "--url", r.url, "--model", "anthropic-fast"}, extra...)
		code, stdout, stderr := run(t, []string{key}, "", append(args, "marker:C", "tokens:5")...)
		if err := marked(stdout, "C", 5); code != 0 || err != nil || !strings.HasPrefix(stderr, "[anthropic-fast/m-anthropic via anthropic-fast, strategy latency, attempts 1 (") {
			t.Errorf("%v: %d %v %q", extra, code, err, stderr)
		}
	}
	// A conversation: an error takes nothing but its own message with it, and what was said before goes along.
	v.profile("fast", `{"faults":[{"kind":"status","status":400,"every":2}]}`)
	code, stdout, stderr := run(t, []string{key}, "marker:ONE tokens:3\n\nmarker:TWO tokens:3\nmarker:THREE tokens:3\n", "chat", "--url", r.url, "--model", "openai-fast")
	if code != 0 || strings.Count(stdout, "ONE.") != 3 || strings.Contains(stdout, "TWO") || strings.Count(stdout, "THREE.") != 3 || !strings.Contains(stderr, "> 400 ") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
	var requests []struct{ Body string }
	getJSON(t, "http://"+v.addr+"/_sim/requests", &requests)
	last := requests[len(requests)-1].Body
	if !strings.Contains(last, "marker:ONE") || strings.Contains(last, "marker:TWO") || !strings.Contains(last, `"assistant"`) {
		t.Errorf("the last request was %s", last)
	}
	code, stdout, stderr = run(t, nil, "", "chat", "--url", r.url, "--model", "openai-fast", "hi")
	if code != 1 || stdout != "" || stderr != "switchyard: 401 invalid_api_key: No API key was sent. Send it as \"Authorization: Bearer KEY\" or \"x-api-key: KEY\".\n" {
		t.Errorf("without a key: %d %q %q", code, stdout, stderr)
	}
	code, _, stderr = run(t, nil, "", "chat", "--url", "http://"+closedPort(t), "hi")
	if code != 1 || !strings.Contains(stderr, "connection refused") {
		t.Errorf("without a router: %d %q", code, stderr)
	}
}
