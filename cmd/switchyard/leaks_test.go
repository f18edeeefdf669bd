package main

import (
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/config"
)

// TestSecretsInPluginConfigs holds that no plugin is told a secret of the configuration, in whatever part of its config.
func TestSecretsInPluginConfigs(t *testing.T) {
	t.Parallel()
	const head = `
server: {admin_token: admin-t0ken}
providers:
  p: {plugin: echo, base_url: http://127.0.0.1:1, auth: {api_key: "${KEY}"}, headers: {x-account: acct-12345, user-agent: switchyard/1}%s}
  q: {plugin: echo, base_url: http://127.0.0.1:1, auth: {access_key: AKIA00, secret_key: wh"at/ever+}}
defaults: {strategy: {plugin: mean%s}}
models:
  g: {deployments: [{provider: p, model: m}]}
  h: {deployments: [{provider: p, model: m}]}
  own: {strategy: [mean, {plugin: mean%s}], deployments: [{provider: p, model: m}]}
tenants:
  acme: {keys: [{hash: "sha256:2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B"}], policy: {plugin: mean%s}}
`
	places := []string{"providers.p.config", "defaults.strategy[0].config", "models.own.strategy[1].config", "tenants.acme.policy.config"}
	for _, tc := range []struct {
		config string
		leaks  bool
	}{
		{`{key: "${KEY}"}`, true},
		{`{list: [1, {deep: "Bearer ${KEY}"}]}`, true},
		{`{token: admin-t0ken}`, true},
		{`{secret: 'wh"at/ever+'}`, true},
		{`{account: acct-12345}`, true},
		{`{agent: switchyard/1, key: k-0123}`, false},
		{`{}`, false},
	} {
		for at, place := range places {
			text := head
			for i := range places {
				told := ""
				if i == at {
					told = ", config: " + tc.config
				}
				text = strings.Replace(text, "%s", told, 1)
			}
			cfg, err := config.Parse("plugins.yaml", []byte(text), func(name string) (string, bool) { return "k-0123456789", name == "KEY" })
			if err != nil {
				t.Fatal(err)
			}
			_, err = newAccounts(cfg)
			if !tc.leaks {
				if err != nil {
					t.Errorf("%s at %s: %v", tc.config, place, err)
				}
				continue
			}
			found, said := problems(t, err)
			if len(found) != 1 || !strings.HasSuffix(found[0], " "+place) || strings.HasPrefix(found[0], "0 ") {
				t.Errorf("%s at %s: problems at %q: %s", tc.config, place, found, said)
			}
			for _, secret := range []string{"k-0123456789", "t0ken", "ever", "acct"} {
				if strings.Contains(said, secret) {
					t.Errorf("the problem shows the secret: %s", said)
				}
			}
		}
	}
}
