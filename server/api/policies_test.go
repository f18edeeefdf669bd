package api

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/replay"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
)

// form is a form with parts in pairs of name and content.
func form(t *testing.T, parts ...string) (body, media string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		part, err := w.CreateFormFile(parts[i], "file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestPolicyLife(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, secret := f.tenant("acme")
	const path = "/v1/policies/cheap"

	var v shape.Version
	a := f.upload("cheap", secret, module)
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.header.Get("Location") != path {
		t.Fatalf("%v, %v", err, a.header)
	}
	if v.Number != 1 || v.State != "ready" || v.Module != moduleDigest || v.Size != 8 || string(v.Config) != "{}" || v.By != "key key-complete-policy-usage" || v.Created == nil {
		t.Errorf("version: %+v", v)
	}
	body, media := form(t, "config", `{"a":1}`, "module", module, "note", "A second try.")
	f.want(201, &v, "POST", path+"?tenant=acme", adminToken, body, "Content-Type", media)
	if v.Number != 2 || string(v.Config) != `{"a":1}` || v.Note != "A second try." || v.By != "admin" {
		t.Errorf("version: %+v", v)
	}

	var p shape.PolicyDetails
	f.want(200, &p, "GET", path, secret, "")
	if p.Name != "cheap" || p.Active != 0 || p.Canary != nil || len(p.History) != 0 {
		t.Errorf("policy: %+v", p)
	}
	var done shape.Activated
	f.want(200, &done, "POST", path+"/activate", secret, `{"version":1,"reason":"why not"}`)
	if done.Replaced != "" || done.Policy.Active != 1 {
		t.Errorf("activated: %+v", done)
	}
	var now shape.Policy
	f.want(200, &now, "POST", path+"/canary", secret, `{"version":2,"share_percent":12.5}`)
	if now.Active != 1 || now.Canary == nil || *now.Canary != (shape.Share{Version: 2, Percent: 12.5}) {
		t.Errorf("canary: %+v", now)
	}
	var figures struct{ Versions []shape.VersionFigures }
	f.want(200, &figures, "GET", path+"/figures", secret, "")
	if len(figures.Versions) != 2 || figures.Versions[0].Serves != "canary" || figures.Versions[0].Calls != 2 || figures.Versions[1].Serves != "active" {
		t.Errorf("figures: %+v", figures)
	}
	var all struct {
		Policies []shape.AdminPolicy
		Memory   shape.Stats
	}
	f.want(200, &all, "GET", "/admin/policies", adminToken, "")
	if len(all.Policies) != 1 || all.Policies[0].Tenant != "acme" || len(all.Policies[0].Serving) != 2 || all.Memory.Budget != 1<<30 {
		t.Errorf("all: %+v", all)
	}
	f.want(200, &done, "POST", path+"/activate", secret, `{"version":2}`)
	if done.Replaced != "cheap@1" || done.Policy.Active != 2 || done.Policy.Canary != nil {
		t.Errorf("activated: %+v", done)
	}
	f.want(200, nil, "POST", path+"/rollback", secret, `{"reason":"slow"}`)
	f.want(200, nil, "POST", path+"/deactivate", secret, "")
	f.want(200, &p, "GET", path, secret, "")
	if len(p.History) != 5 || p.History[1].Reason != "slow" || p.History[1].From.Active != 2 || p.History[1].By != "key key-complete-policy-usage" || p.History[3].To.Canary == nil {
		t.Errorf("history: %+v", p.History)
	}

	var versions struct{ Versions []shape.Version }
	f.want(200, &versions, "GET", path+"/versions", secret, "")
	if len(versions.Versions) != 2 || versions.Versions[0].Number != 2 {
		t.Errorf("versions: %+v", versions)
	}
	f.want(204, nil, "DELETE", path+"/versions/2", secret, "")
	f.want(404, nil, "GET", path+"/versions/2", secret, "")
	f.want(204, nil, "DELETE", path, secret, "")
	f.want(404, nil, "GET", path, secret, "")
}

func TestUploadsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, secret := f.tenant("acme")
	large := module + strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name   string
		parts  []string
		status int
		says   string
	}{
		{"no module", []string{"config", "{}"}, 400, `no part \"module\"`},
		{"a part twice", []string{"module", module, "module", module}, 400, `\"module\" twice`},
		{"an unknown part", []string{"module", module, "modul", ""}, 400, `part \"modul\"`},
		{"a large module", []string{"module", large}, 413, `\"module\" of the form is larger than the limit of 1048576 bytes`},
		{"a large note", []string{"module", module, "note", strings.Repeat("x", maxNote+1)}, 413, `\"note\" of the form is larger`},
		{"a large configuration", []string{"module", module, "config", strings.Repeat("x", maxConfig+1)}, 413, `\"config\" of the form is larger`},
	} {
		body, media := form(t, c.parts...)
		if a := f.do("POST", "/v1/policies/cheap", secret, body, "Content-Type", media); a.status != c.status || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	body, media := form(t, "module", module)
	for name, c := range map[string][2]string{
		"cut short":       {body[:len(body)-20], media},
		"no boundary":     {body, mediaForm},
		"another one":     {body, mediaForm + "; boundary=x"},
		"only a preamble": {"x", media},
	} {
		if a := f.do("POST", "/v1/policies/cheap", secret, c[0], "Content-Type", c[1]); a.status != 400 || a.code() != "invalid_body" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := f.do("POST", "/v1/policies/cheap", secret, large, "Content-Type", mediaWASM); a.status != 413 {
		t.Errorf("a large module alone: %d %s", a.status, a.body)
	}
	f.want(404, nil, "GET", "/v1/policies/cheap", secret, "")
}

func TestReplays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, secret := f.tenant("acme")
	f.upload("cheap", secret, module)
	var job replay.Job
	a := f.want(202, &job, "POST", "/v1/policies/cheap/replay", secret, `{"version":1}`)
	if job.Total != 10000 || job.State != replay.Running || a.header.Get("Location") != "/v1/replays/"+job.ID {
		t.Errorf("started: %+v, %v", job, a.header)
	}
	f.want(200, &job, "DELETE", "/v1/replays/"+job.ID, secret, "")
	if job.State != replay.Canceled {
		t.Errorf("canceled: %+v", job)
	}
	f.want(202, &job, "POST", "/v1/policies/cheap/replay", secret, `{"version":1,"last":7}`)
	var list struct{ Replays []replay.Job }
	f.want(200, &list, "GET", "/v1/replays", secret, "")
	if len(list.Replays) != 2 || job.Total != 7 {
		t.Errorf("%+v, %+v", list, job)
	}
	f.want(200, nil, "GET", "/v1/replays/"+job.ID, secret, "")
}

// FuzzUpload sends anything as an upload: it is admitted or refused, and nothing else happens.
func FuzzUpload(f *testing.F) {
	x := newFixture(f)
	_, secret := x.tenant("acme")
	f.Add(module, mediaWASM)
	f.Add("--b\r\nContent-Disposition: form-data; name=\"module\"\r\n\r\n"+module+"\r\n--b--\r\n", mediaForm+"; boundary=b")
	f.Add("--b\r\nContent-Disposition: form-data; name=\"config\"\r\n\r\n{}\r\n--b--\r\n", mediaForm+"; boundary=b")
	f.Add("--b\r\n\r\n\r\n--b", mediaForm+"; boundary=\"b\"; boundary=c")
	f.Fuzz(func(t *testing.T, body, media string) {
		if body == "" || strings.ContainsAny(media, "\r\n\x00") {
			return
		}
		one := fixture{t: t, echo: x.echo}
		switch a := one.do("POST", "/v1/policies/cheap", secret, body, "Content-Type", media); a.status {
		case 201, 400, 413, 415, 422:
		default:
			t.Errorf("%q as %q: %d %s", body, media, a.status, a.body)
		}
	})
}
