// Package endpoint declares routes: import it to say of a route, once, what it takes, who may use it and what it can fail
// with, and to have requests checked and the route described accordingly.
package endpoint

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Route is what is said of a route beside its types.
type Route struct {
	Method, Path string
	ID           string
	Tag          string
	Summary      string
	About        string
	Scope        store.Scopes  // that a tenant's key needs; 0: it is the admin's
	Status       int           // of success; 0: 200, or 204 without a body
	Missing      Kind          // what is not there when a handler returns store.ErrNotFound; zero: it does not
	Fails        []Kind        // beside Missing and those of access and of reading the request
	MaxBody      int64         // 0: maxJSON
	BodyTime     time.Duration // for the body to arrive, 0: a minute
	// Content are the media types of a body that the handler reads by itself, and Answers those of an answer that it
	// writes by itself; nil: JSON.
	Content map[string]*huma.MediaType
	Answers map[string]*huma.MediaType
}

// Bounds of a request's body, if a route has no other.
const (
	maxJSON  = 256 << 10
	bodyTime = time.Minute
)

const mediaJSON = "application/json"

// Add registers a route. Its handler is called with who asks, once the request has been read and checked. It may return a
// *Failure of a kind that the route declares, errors of package store, and others, which become a 500.
func Add[I, O any](t *Table, r Route, handle func(ctx context.Context, who Caller, in *I) (*O, error)) {
	huma.Register(t.huma, t.operation(&r, reflect.TypeFor[I]()), func(ctx context.Context, in *I) (*O, error) {
		who, _ := ctx.Value(callerKey{}).(Caller)
		out, err := handle(ctx, who, in)
		if err != nil {
			return nil, t.fail(ctx, &r, err)
		}
		return out, nil
	})
}

// operation is how the library knows a route.
func (t *Table) operation(r *Route, in reflect.Type) huma.Operation {
	op := huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary, Description: r.About, Tags: []string{r.Tag},
		DefaultStatus: r.Status, MaxBodyBytes: cmp.Or(r.MaxBody, maxJSON), BodyReadTimeout: cmp.Or(r.BodyTime, bodyTime), RejectUnknownQueryParameters: true,
		Security:    []map[string][]string{{SchemeAdmin: {}}},
		Middlewares: huma.Middlewares{t.guard(r)},
		Responses:   map[string]*huma.Response{},
	}
	if r.Content != nil {
		op.RequestBody, op.SkipValidateBody = &huma.RequestBody{Required: true, Content: r.Content}, true
	}
	if r.Answers != nil {
		op.Responses[strconv.Itoa(http.StatusOK)] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: r.Answers}
	}
	if r.Scope != 0 {
		op.Security = []map[string][]string{{SchemeKey: {}}, {SchemeHeader: {}}, {SchemeAdmin: {}}}
	}
	t.Declare(&op, r.failures(in)...)
	return op
}

// failures is all that a route can fail with.
func (r *Route) failures(in reflect.Type) []Kind {
	all := append([]Kind{Internal, InvalidValue}, r.Fails...) // a query that is not known is invalid everywhere
	if r.Scope == 0 {
		all = append(all, AdminDisabled, NoAdminToken)
	} else {
		all = append(all, NoKey, MissingScope, ForeignTenant, TenantRequired, NoTenant)
	}
	_, body := in.FieldByName("Body")
	_, raw := in.FieldByName("RawBody")
	if body || raw {
		all = append(all, InvalidBody, SlowBody, LargeBody)
	}
	if body {
		all = append(all, WrongType)
	}
	if r.Missing.Status != 0 {
		all = append(all, r.Missing)
	}
	slices.SortFunc(all, func(a, b Kind) int { return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code)) })
	return slices.Compact(all)
}

// fail makes a failure of what a handler returned. It is the one place where errors become statuses.
func (t *Table) fail(ctx context.Context, r *Route, err error) *Failure {
	f, ok := errors.AsType[*Failure](err)
	text := capital(err.Error()) + "."
	switch {
	case ok:
	case errors.Is(err, store.ErrNotFound) && r.Missing.Status != 0:
		f = r.Missing.Say("%s", r.Missing.About) // the same whether it is nobody's or another tenant's
	case errors.Is(err, store.ErrExists):
		f = Exists.Say("%s", text)
	case errors.Is(err, store.ErrInUse):
		f = InUse.Say("%s", text)
	case errors.Is(err, store.ErrConflict):
		f = Conflict.Say("%s", text)
	case errors.Is(err, store.ErrInvalid):
		f = InvalidValue.Say("%s", text)
	case ctx.Err() != nil:
		f = gone.Say("The client closed the request.")
	default:
		t.log.Error("request was not answered", "route", r.Method+" "+r.Path, "error", err)
		f = Internal.Say("The router failed on this request.")
	}
	t.tell(r, f)
	return f
}

// Declare adds failures to the answers of an operation.
func (t *Table) Declare(op *huma.Operation, kinds ...Kind) {
	schema := Schema[Failure](t)
	for _, k := range kinds {
		status := strconv.Itoa(k.Status)
		r := op.Responses[status]
		if r == nil {
			r = &huma.Response{Content: map[string]*huma.MediaType{mediaJSON: {Schema: schema}}}
			op.Responses[status] = r
		}
		r.Description = strings.TrimPrefix(r.Description+"\n"+"`"+k.Code+"`: "+k.About, "\n")
	}
}
