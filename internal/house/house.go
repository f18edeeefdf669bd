// Package house holds the rules of the source tree: who may import whom, and why. It exists for
// its test; the linter has the coarse half of the same rules.
package house

import "strings"

// module is this module's path.
const module = "github.com/switchyard-gateway/switchyard"

// Rule says which of this module's packages, and which foreign ones, a part of the tree may
// import. A package is governed by the first rule whose Part matches it.
type Rule struct {
	Part    string   // a path below the module; a trailing /... covers everything below
	May     []string // parts of this module
	Foreign []string // modules outside the standard library; a trailing * is a prefix
	Why     string
}

// Rules are in order: the first match counts.
var Rules = []Rule{
	{Part: "sdk/abi", Why: "the contract is a leaf that both sides of a module boundary import"},
	{Part: "sdk/sdktest", May: []string{"sdk/..."}, Why: "the fake host is test code for authors; it must not pull in the real host"},
	{Part: "sdk/jsonraw/...", May: []string{"sdk/jsonraw/..."}, Why: "how JSON is read has nothing to do with the contract: router and guests share it"},
	{Part: "sdk/refusal", May: []string{"sdk/abi"}, Why: "what a failure means depends on no request and no format"},
	{Part: "sdk/chat/answer", May: []string{"sdk/abi", "sdk/jsonraw"}, Why: "an answer is written without looking at the request"},
	{Part: "sdk/...", May: []string{"sdk/..."}, Why: "what is imported here ends up in every guest: standard library and small pure helpers only"},
	{Part: "plugins/...", May: []string{"sdk/...", "plugins/..."}, Why: "a plugin knows the SDK and nothing of the router, or it could not be written outside this repository"},
	{Part: "examples/...", May: []string{"sdk/..."}, Why: "examples are what a stranger can write: the SDK and nothing else"},
	{
		Part: "host/...", May: []string{"sdk/abi", "host/..."}, Foreign: []string{"github.com/tetratelabs/wazero*", "github.com/fsnotify/fsnotify", "golang.org/x/sys*"},
		Why: "the host runs modules; it knows neither HTTP nor configuration nor routing",
	},
	{Part: "internal/logbuffer", Why: "lines are gathered whatever they say"},
	{Part: "internal/redact", Why: "taking secrets out of bytes needs to know nothing but the secrets"},
	{Part: "internal/upstream/permit", Why: "what a guest may put into a request is judged by the bytes alone"},
	{Part: "internal/socket", Why: "bytes are carried whatever they say"},
	{Part: "internal/upstream/http1", May: []string{"internal/socket"}, Why: "HTTP/1.1 on a connection needs to know nothing of vendors"},
	{
		Part: "internal/upstream", May: []string{"internal/redact", "internal/upstream/..."},
		Why: "the client towards vendors stands alone, so that another can take its place",
	},
	{Part: "internal/catalog", May: []string{"sdk/abi"}, Why: "prices are data: nothing else belongs to them"},
	{Part: "internal/config/...", May: []string{"internal/config/..."}, Foreign: []string{"go.yaml.in/yaml/v3"}, Why: "YAML lives here and nowhere else; what comes out is plain values"},
	{Part: "internal/gateway/health", May: []string{"sdk/abi"}, Why: "statistics and cooldowns are fed with plain outcomes; what errors look like to a client is not theirs to know"},
	{Part: "internal/gateway/inspect", May: []string{"sdk/abi", "sdk/jsonraw"}, Why: "reading a body decides nothing: no routing, no configuration, no vendor"},
	{
		Part: "internal/gateway/exchange", May: []string{"sdk/abi", "sdk/jsonraw", "internal/redact", "internal/upstream", "internal/gateway/inspect"},
		Why: "one call to a vendor is the same whoever chose it: retries, health and the client's errors stay with the gateway",
	},
	{
		Part: "internal/gateway/decision", May: []string{"sdk/abi"},
		Why: "a decision is made of its input and what strategies answer, so that it can be made again on recorded ones: no health, no HTTP, no log",
	},
	{Part: "internal/gateway/price", May: []string{"sdk/abi"}, Why: "what tokens cost is arithmetic on prices, live or recorded"},
	{Part: "internal/gateway/report", May: []string{"internal/limits", "sdk/abi"}, Why: "what became of a request is plain values, for whoever wants to know"},
	{Part: "internal/gateway/tier", May: []string{"internal/gateway/fleet", "internal/gateway/health", "sdk/abi"}, Why: "who may be tried next is told from what there is and how it does, not from requests"},
	{Part: "internal/gateway/fleet", May: []string{"sdk/abi", "internal/upstream", "internal/gateway/..."}, Why: "what requests can be sent to decides nothing"},
	{Part: "internal/gateway/lease", Why: "how long something stays open depends on who uses it, not on what it is"},
	{Part: "internal/limits", May: []string{"internal/store"}, Why: "limits count what they are told: no HTTP, no routing, no database"},
	{
		Part: "internal/gateway", May: []string{"sdk/abi", "internal/upstream", "internal/limits", "internal/store", "internal/gateway/..."},
		Why: "a request's life needs no HTTP server and no WebAssembly: both come in through interfaces that it declares",
	},
	{
		Part: "internal/simulator/...", May: []string{"internal/simulator/...", "sdk/jsonraw"}, Foreign: []string{"github.com/tidwall/gjson"},
		Why: "the vendors' look-alikes must not share code with what they test",
	},
	{Part: "internal/store", Why: "what is remembered is said in plain values: no database, no file format"},
	{Part: "internal/store/storetest", May: []string{"internal/store"}, Foreign: []string{"github.com/google/go-cmp/cmp"}, Why: "the contract's tests know the contract and no database"},
	{Part: "internal/store/sqlite", May: []string{"internal/store"}, Foreign: []string{"modernc.org/sqlite*"}, Why: "SQL lives here and nowhere else, so that another database can take its place"},
	{Part: "internal/store/journal", Why: "the journal keeps bytes; what they mean is not its business"},
	{Part: "internal/store/keyring", May: []string{"internal/store"}, Why: "keys are found in memory, whatever they were read from"},
	{Part: "internal/store/ledger", May: []string{"internal/store", "internal/store/journal"}, Why: "entries go from the journal to any store"},
	{
		Part: "internal/store/decisionlog", May: []string{"internal/store", "internal/store/ledger", "sdk/abi"},
		Why: "a decision is the contract's input and the ledger's entry; how it was made is the gateway's business",
	},
	{
		Part: "internal/console", May: []string{"internal/replay"}, Foreign: []string{"github.com/spf13/cobra", "github.com/sashabaranov/go-openai"},
		Why: "commands towards a running router go over HTTP, as anybody's would; of the router they know what answers look like",
	},
	{
		Part: "internal/replay", May: []string{"internal/gateway/decision", "internal/store", "internal/store/decisionlog", "sdk/abi"},
		Why: "decisions are made again by the code that made them, from what was recorded: no gateway, no host",
	},
	{
		Part: "internal/explain", May: []string{"internal/gateway/decision", "internal/store/decisionlog", "sdk/abi"},
		Why: "what is said about a decision comes from its record alone",
	},
	{
		Part: "internal/metrics", May: []string{"internal/gateway"}, Foreign: []string{"github.com/prometheus/*"},
		Why: "metrics are counted from what the gateway reports, so the gateway need not know them",
	},
	{
		Part: "internal/tenants", May: []string{"internal/gateway", "internal/limits", "internal/store", "internal/store/keyring"},
		Why: "stored tenants become the gateway's here, so that the gateway needs no store",
	},
	{
		Part: "internal/accounting", May: []string{"internal/gateway", "internal/gateway/decision", "internal/store", "internal/store/decisionlog"},
		Why: "what the gateway reports becomes entries here, so that neither knows the other",
	},
	{Part: "internal/policies/canary", Why: "a comparison is made of what requests came to; what a policy is is not its business"},
	{Part: "internal/policies/schema", Why: "a configuration is checked against a schema, whoever's they are"},
	{
		Part: "internal/policies", May: []string{"internal/policies/...", "host", "sdk/abi", "internal/config/yamltree", "internal/gateway", "internal/store"},
		Why: "policies are modules that serve requests and versions that are stored: who calls the API is not its business",
	},
	{
		Part: "server/api/...", May: []string{"server/api/...", "internal/store", "internal/store/decisionlog", "internal/store/keyring", "internal/replay", "sdk/abi"}, Foreign: []string{"github.com/labstack/echo/v4*", "github.com/danielgtaylor/huma/v2*"},
		Why: "the API is HTTP over what it declares as interfaces: no gateway, no host",
	},
	{Part: "server/http1", May: []string{"internal/socket"}, Why: "HTTP/1.1 on a connection needs to know nothing of the gateway"},
	{
		Part: "server/...", May: []string{"internal/gateway", "internal/gateway/health", "sdk/abi", "sdk/jsonraw", "server/..."}, Foreign: []string{"github.com/labstack/echo/v4*", "github.com/sashabaranov/go-openai"},
		Why: "the server speaks HTTP to clients and calls the gateway; host and server never meet",
	},
	{Part: "bench/...", May: []string{"bench/..."}, Foreign: []string{"*"}, Why: "a module of its own, which measures the built router as anybody could"},
	{Part: "internal/e2e", Why: "end-to-end tests see the router as its users do: as a process"},
	{Part: "internal/house", Why: "rules depend on nothing"},
	{
		Part: "cmd/...", May: []string{"..."}, Foreign: []string{"github.com/spf13/cobra"},
		Why: "the binary introduces the parts to each other",
	},
}

// Governing returns the rule for a package path.
func Governing(pkg string) (Rule, bool) {
	rel := strings.TrimPrefix(pkg, module+"/")
	for _, r := range Rules {
		if covers(r.Part, rel) {
			return r, true
		}
	}
	return Rule{}, false
}

// Allows reports whether the rule lets a package import another one.
func (r Rule) Allows(imported string) bool {
	if rel, ours := strings.CutPrefix(imported, module+"/"); ours {
		for _, part := range r.May {
			if part == "..." || covers(part, rel) {
				return true
			}
		}
		return false
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	for _, f := range r.Foreign {
		if prefix, wild := strings.CutSuffix(f, "*"); f == imported || wild && strings.HasPrefix(imported, prefix) {
			return true
		}
	}
	return false
}

func covers(part, rel string) bool {
	base, below := strings.CutSuffix(part, "/...")
	return rel == base || below && strings.HasPrefix(rel, base+"/")
}
