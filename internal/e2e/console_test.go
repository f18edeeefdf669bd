package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// script is what a reader of a document types: its blocks of shell commands, one after the other.
func script(document string) string {
	var b strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(document, -1) {
		b.WriteString(block[1])
	}
	return b.String()
}

// TestTenantsByHand does what docs/tenants.md tells operators and tenants to do, with the commands that stand there. Only the
// router's address, and where files are, are others.
func TestTenantsByHand(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("fast", quick)
	f := copyPlugins(t, "openai", "anthropic", "ollama", "weighted")
	r := serve(t, writeConfig(t, preamble(f.dir)+accounts(v.addr, "fast")+`models:
  fast:
    strategy: weighted
    deployments:
      - {provider: openai-fast, model: a, tags: [us], region: us-east-1, price: {input: 10, output: 30}}
      - {provider: openai-fast, model: b, tags: [eu], region: eu-west-1, weight: 0, price: {input: 1, output: 3}}
`))
	dir := t.TempDir()
	commands := script(readFile(t, root+"/docs/tenants.md"))
	for old, now := range map[string]string{
		"http://127.0.0.1:8080": r.url, "bin/switchyard": binary, "plugins/dist/": modules + "/",
		" prefer-region.wasm": " " + filepath.Join(dir, "prefer-region.wasm"), " home.yaml": " " + filepath.Join(dir, "home.yaml"), " rules.yaml": " " + filepath.Join(dir, "rules.yaml"),
	} {
		if !strings.Contains(commands, old) {
			t.Errorf("no command has %q", old)
		}
		commands = strings.ReplaceAll(commands, old, now)
	}
	cmd := exec.Command("sh", "-e")
	cmd.Dir, cmd.Stdin = root, strings.NewReader(commands)
	p := startCommand(t, []string{"SWITCHYARD_ADMIN_TOKEN=" + adminToken}, cmd)
	if code := p.code(); code != 0 {
		t.Fatalf("the commands end with %d", code)
	}
	out := p.stdout.String()
	for _, want := range []string{
		`(?m)^home@1$`,
		`(?m)^by-rules@1$`,
		`(?m)^POLICY +ACTIVE +CANARY\nby-rules +- +-\nhome +- +-$`,
		`(?m)^1 +ready +[0-9a-f]{12} .* Europe first$`,
		`(?m)^home@1 +10 requests, `,
		`(?m)^elsewhere +10 \(100\.0 %\)$`,
		`(?m)^openai-fast/a +10 +0\nopenai-fast/b +0 +10$`,
		`(?m)^home: active -, canary 1 \(20 %\)$`,
		`(?m)^1 +canary +`,
		`(?m)^1 AS CANARY +REQUESTS `,
		`(?m)^home: active 1, canary -$`,
		`(?m)^[0-9a-f]{32} .* fast +openai-fast/b +home@1 +200$`,
		`(?m) openai-fast/b was chosen by home\.\nThe tenant's policy "home" \(version 1\) said: cheapest in eu\.$`,
		`(?m)^home@2$`,
		`(?m)^home: active 2, canary -, in place of home@1$`,
		`(?ms)in place of home@1$.*^home: active 1, canary -$`,
		`(?m)^total .* 21 `,
		`(?m)^home: active -, canary -$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("nothing like %s", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	small := r.tenant("small", `,"limits":{"requests_per_minute":1}`, "complete")
	for range 2 {
		small.post("/v1/chat/completions", ask("fast", "x"), "Authorization", "Bearer "+small.secret)
	}
	m := r.scrape()
	// Ten requests cost 0.00123 each, as the first ten did, whatever the canary took of the others.
	for _, metric := range []struct {
		name   string
		least  float64
		labels []string
	}{
		{"switchyard_budget_limit_usd", 20, []string{"tenant", "acme", "period", "day"}},
		{"switchyard_budget_spent_usd", 0.013, []string{"tenant", "acme", "period", "day"}},
		{"switchyard_limit_refusals_total", 1, []string{"tenant", "small", "limit", "requests", "scope", "tenant"}},
		{"switchyard_ledger_recorded_total", 21, nil},
		{"switchyard_ledger_journal_bytes", 1, nil},
		{"switchyard_decisions_added_total", 21, nil},
		{"switchyard_policies_loads_total", 1, nil},
		{"switchyard_policies_memory_budget_bytes", 1 << 30, nil},
	} {
		if got := series(t, m, metric.name, metric.labels...); got < metric.least {
			t.Errorf("%s%v is %v, want %v at least", metric.name, metric.labels, got, metric.least)
		}
	}
	acme := account{r, adminToken}
	if left := acme.call(200, "GET", "/v1/policies?tenant=acme", "").Get("policies").Raw; left != "[]" {
		t.Errorf("in the end there is %s", left)
	}
}
