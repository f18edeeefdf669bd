package endpoint

import (
	"encoding/json"
	"log/slog"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// Names of the security schemes.
const (
	SchemeKey    = "key"
	SchemeHeader = "keyHeader"
	SchemeAdmin  = "adminToken"
)

// Options of a Table.
type Options struct {
	Log  *slog.Logger
	Door Door
	Info huma.Info
	Tags []*huma.Tag
	// Failed is told which route answers with which failure. Nil: nobody is.
	Failed func(r *Route, f *Failure)
}

// Table is the routes of one server and their description. Routes are added before it serves.
type Table struct {
	log    *slog.Logger
	door   Door
	failed func(r *Route, f *Failure)
	huma   huma.API
}

// NewTable returns a table whose routes are added to e.
func NewTable(e *echo.Echo, o Options) *Table {
	t := &Table{log: o.Log, door: o.Door, failed: o.Failed}
	t.huma = humaecho.New(e, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0", Info: &o.Info, Tags: o.Tags,
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					SchemeKey:    {Type: "http", Scheme: "bearer", Description: "A tenant's key."},
					SchemeHeader: {Type: "apiKey", In: "header", Name: "x-api-key", Description: "A tenant's key."},
					SchemeAdmin:  {Type: "http", Scheme: "bearer", Description: "The operator's token, server.admin_token."},
				},
			},
		},
		Formats:       map[string]huma.Format{mediaJSON: huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: mediaJSON,
		Transformers:  []huma.Transformer{t.restate},
	})
	return t
}

// schemaName names a type's schema. Types of this package and of the API's others have names of their own; those of
// the router's other packages begin with the package's.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch pkg := t.PkgPath(); {
	case t == reflect.TypeFor[Failure]():
		return "Error"
	case t.Name() == "" || strings.Contains(pkg, "/server/") || !strings.Contains(pkg, "/internal/"):
		return name
	default:
		pkg = path.Base(pkg)
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
}

// Schema is the reference to a type's schema.
func Schema[T any](t *Table) *huma.Schema {
	return t.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// Describe adds a route that is served elsewhere to the description.
func (t *Table) Describe(op *huma.Operation, kinds ...Kind) {
	t.Declare(op, kinds...)
	t.huma.OpenAPI().AddOperation(op)
}

// Description is all routes in OpenAPI 3.1.
func (t *Table) Description() ([]byte, error) {
	doc := t.huma.OpenAPI()
	for _, own := range []string{"ErrorModel", "ErrorDetail"} { // the library's, which never leave this server
		delete(doc.Components.Schemas.Map(), own)
	}
	return json.Marshal(doc)
}

func (t *Table) tell(r *Route, f *Failure) {
	if t.failed != nil {
		t.failed(r, f)
	}
}

// restate is a transformer: it gives the errors that the library makes by itself this server's shape, status and media
// type.
func (t *Table) restate(c huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	f := invalid(m)
	c.SetHeader("Content-Type", mediaJSON)
	if x, ok := c.(*exchange); ok {
		x.status = f.Kind.Status
		t.tell(x.route, f)
	}
	return f, nil
}
