package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/server"
	"github.com/switchyard-gateway/switchyard/server/api"
)

var parameter = regexp.MustCompile(`:(\w+)|\*`)

// The whole server and its description have the same routes.
func TestServerIsAsDescribed(t *testing.T) {
	t.Parallel()
	a := api.New(api.Options{})
	s := server.New(server.Options{API: a, Metrics: http.NotFoundHandler()})
	e, ok := s.Handler().(*echo.Echo)
	if !ok {
		t.Fatalf("the handler is a %T", s.Handler())
	}
	var served, described []string
	for _, r := range e.Routes() {
		path := strings.ReplaceAll(parameter.ReplaceAllString(r.Path, "{$1}"), "{}", "{model}")
		served = append(served, r.Method+" "+path)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(a.Description(), &doc); err != nil {
		t.Fatal(err)
	}
	for path, operations := range doc.Paths {
		for method := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range served {
		if !slices.Contains(described, r) {
			t.Errorf("%s is served and not described", r)
		}
	}
	for _, r := range described {
		if !slices.Contains(served, r) {
			t.Errorf("%s is described and not served", r)
		}
	}
	if len(served) < 50 {
		t.Errorf("%d routes", len(served))
	}
}
