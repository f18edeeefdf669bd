package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// Media types of an upload.
const (
	mediaWASM = "application/wasm"
	mediaForm = "multipart/form-data"
)

// Bounds of an upload's parts beside the module.
const (
	maxConfig = 1 << 20
	maxNote   = 4 << 10
	formRoom  = 64 << 10 // for what separates the parts
)

// uploadTime is how long an upload may take to arrive.
const uploadTime = 5 * time.Minute

// upload is the whole body of an upload. It is bounded, and of the size of what will be compiled.
type upload struct {
	OfPolicy
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/wasm"`
}

type uploadAnswer struct {
	Location string `header:"Location"`
	Body     shape.Version
}

func (a *API) uploadRoute() {
	text := func(about string, most int) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: about, MaxLength: &most}
	}
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodPost, Path: "/v1/policies/{name}", ID: "upload-policy", Tag: surfaces.Policies, Summary: "Upload a version of a policy",
		About: "Admits the module as plugins of the operator are admitted, with the limits of policies, checks the configuration, and stores both under the next number. " +
			"It serves nothing until it is a canary or active. The body is the module alone, or a form with a configuration.",
		Scope: store.ScopePolicy, Status: http.StatusCreated, Fails: []endpoint.Kind{refused, endpoint.WrongType, endpoint.Conflict}, BodyTime: uploadTime, MaxBody: a.opts.MaxModule + maxConfig + maxNote + formRoom,
		Content: map[string]*huma.MediaType{
			mediaWASM: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			mediaForm: {Schema: &huma.Schema{
				Type: huma.TypeObject, Required: []string{"module"}, AdditionalProperties: false,
				Properties: map[string]*huma.Schema{
					"module": {Type: huma.TypeString, Format: "binary", Description: "The WebAssembly module."},
					"config": text("The configuration, in JSON or YAML. Left out: {}.", maxConfig),
					"note":   text("For people who read the list of versions.", maxNote),
				},
			}},
		},
	}, a.upload)
}

func (a *API) upload(ctx context.Context, who endpoint.Caller, in *upload) (*uploadAnswer, error) {
	u, err := a.read(in)
	if err != nil {
		return nil, err
	}
	u.By = who.Name
	v, err := a.opts.Policies.Upload(ctx, who.Tenant, in.Name, u)
	if r, ok := errors.AsType[*Refused](err); ok {
		f := refused.Say("The policy was not admitted: %s.", r)
		f.Body.Reasons = r.Reasons
		return nil, f
	}
	if err != nil {
		return nil, err
	}
	return &uploadAnswer{"/v1/policies/" + in.Name, shape.VersionOf(v)}, nil
}

// read takes an upload apart. The library takes the body back when the handler ends, so its parts are copied.
func (a *API) read(in *upload) (*Upload, error) {
	media, params, err := mime.ParseMediaType(in.ContentType)
	switch {
	case err != nil, media != mediaWASM && media != mediaForm:
		return nil, endpoint.WrongType.Say("The media type of an upload is %s or %s, not %q.", mediaWASM, mediaForm, endpoint.Clip(in.ContentType))
	case media == mediaForm:
		return a.readForm(in.RawBody, params["boundary"])
	case int64(len(in.RawBody)) > a.opts.MaxModule:
		return nil, a.largeModule()
	}
	return &Upload{Module: bytes.Clone(in.RawBody)}, nil
}

func (a *API) largeModule() error {
	return endpoint.LargeBody.Say("The module is larger than the limit of %d bytes.", a.opts.MaxModule).On("module")
}

func (a *API) readForm(body []byte, boundary string) (*Upload, error) {
	u, seen := &Upload{}, map[string]bool{}
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, endpoint.InvalidBody.Say("The form can't be read: %v.", err)
		}
		name, most := part.FormName(), int64(maxConfig)
		switch {
		case seen[name]:
			return nil, endpoint.InvalidBody.Say("The form has the part %q twice.", endpoint.Clip(name)).On(endpoint.Clip(name))
		case name == "module":
			most = a.opts.MaxModule
		case name == "note":
			most = maxNote
		case name != "config":
			return nil, endpoint.InvalidBody.Say("The form has a part %q; there are module, config and note.", endpoint.Clip(name)).On(endpoint.Clip(name))
		}
		seen[name] = true
		content, err := io.ReadAll(io.LimitReader(part, most+1))
		switch {
		case err != nil:
			return nil, endpoint.InvalidBody.Say("The part %q of the form can't be read: %v.", name, err).On(name)
		case int64(len(content)) > most:
			return nil, endpoint.LargeBody.Say("The part %q of the form is larger than the limit of %d bytes.", name, most).On(name)
		case name == "module":
			u.Module = content
		case name == "config":
			u.Config = content
		default:
			u.Note = string(content)
		}
	}
	if !seen["module"] {
		return nil, endpoint.InvalidBody.Say("The form has no part \"module\".").On("module")
	}
	return u, nil
}
