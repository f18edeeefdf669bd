package api

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is the part of the description that tests read.
type document struct {
	OpenAPI string                          `json:"openapi"`
	Paths   map[string]map[string]operation `json:"paths"`
}

type operation struct {
	ID        string                `json:"operationId"`
	Summary   string                `json:"summary"`
	Tags      []string              `json:"tags"`
	Security  []map[string][]string `json:"security"`
	Responses map[string]struct {
		Description string         `json:"description"`
		Content     map[string]any `json:"content"`
	} `json:"responses"`
}

func described(t *testing.T, f *fixture) *document {
	t.Helper()
	d := &document{}
	f.want(200, d, "GET", "/openapi.json", "", "")
	return d
}

var parameter = regexp.MustCompile(`:(\w+)|\*`)

// Routes that this package only describes are the server's, whose own test compares them.
func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := described(t, f)
	served := map[string]bool{}
	for _, r := range f.echo.Routes() {
		path := parameter.ReplaceAllString(r.Path, "{$1}")
		served[r.Method+" "+path] = true
		if _, ok := d.Paths[path][strings.ToLower(r.Method)]; !ok {
			t.Errorf("%s %s is served and not described", r.Method, path)
		}
	}
	for path, operations := range d.Paths {
		own := strings.HasPrefix(path, "/admin/") && path != "/admin/plugins" && path != "/admin/deployments" ||
			slices.ContainsFunc([]string{"/v1/policies", "/v1/decisions", "/v1/replays", "/v1/usage"}, func(p string) bool { return strings.HasPrefix(path, p) })
		for method := range operations {
			if own && !served[strings.ToUpper(method)+" "+path] {
				t.Errorf("%s %s is described and not served", method, path)
			}
		}
	}
	if len(served) < 33 {
		t.Errorf("%d routes", len(served))
	}
}

func TestDescriptionIsWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := described(t, f)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("version %q", d.OpenAPI)
	}
	ids := map[string]string{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			if op.ID == "" || op.Summary == "" || len(op.Tags) != 1 || len(op.Responses) < 2 {
				t.Errorf("%s %s: %+v", method, path, op)
			}
			if other := ids[op.ID]; other != "" {
				t.Errorf("%s %s and %s have one ID", method, path, other)
			}
			ids[op.ID] = path
			for status, r := range op.Responses {
				if r.Description == "" || status >= "400" && method != "head" && len(r.Content) == 0 {
					t.Errorf("%s %s: %s has no description, or no body", method, path, status)
				}
			}
		}
	}
	var all struct {
		Components struct {
			Schemas         map[string]json.RawMessage `json:"schemas"`
			SecuritySchemes map[string]any             `json:"securitySchemes"`
		} `json:"components"`
	}
	if err := json.Unmarshal(f.api.Description(), &all); err != nil {
		t.Fatal(err)
	}
	referred := map[string]bool{}
	for _, m := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllSubmatch(f.api.Description(), -1) {
		referred[string(m[1])] = true
	}
	have := map[string]bool{}
	for name := range all.Components.Schemas {
		have[name] = true
	}
	if !maps.Equal(referred, have) {
		t.Errorf("schemas %v, referred to are %v", slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(referred)))
	}
	for _, name := range []string{"ErrorModel", "ErrorDetail"} {
		if have[name] {
			t.Errorf("the library's %s is described", name)
		}
	}
}
