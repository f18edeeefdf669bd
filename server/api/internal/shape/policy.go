package shape

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Policy is a tenant's policy.
type Policy struct {
	Name     string     `json:"name"`
	Active   int        `json:"active_version,omitempty" doc:"The version that decides. Left out: none."`
	Canary   *Share     `json:"canary,omitempty" doc:"The version that decides for a share of the requests."`
	Created  *time.Time `json:"created_at,omitempty"`
	Updated  *time.Time `json:"updated_at,omitempty"`
	Revision int64      `json:"revision" doc:"Counts changes of what serves."`
}

// Share is a canary.
type Share struct {
	Version int     `json:"version"`
	Percent float64 `json:"share_percent"`
}

// PolicyOf shows a policy.
func PolicyOf(p *store.Policy) Policy {
	return Policy{p.Name, p.Routing.Active, canaryOf(&p.Routing), moment(p.Created), moment(p.Updated), p.Revision}
}

func canaryOf(r *store.Routing) *Share {
	if r.Canary == 0 {
		return nil
	}
	return &Share{r.Canary, float64(r.Share) / 10}
}

// Version is one upload.
type Version struct {
	Number  int             `json:"version"`
	State   string          `json:"state" enum:"ready,withdrawn" doc:"withdrawn: it was taken out, and reason says why. Activating it puts it back."`
	Reason  string          `json:"reason,omitempty"`
	Module  string          `json:"module_sha256"`
	Size    int64           `json:"module_bytes"`
	Config  json.RawMessage `json:"config" doc:"As it was uploaded, in JSON."`
	By      string          `json:"by" doc:"admin, or the key that uploaded it."`
	Note    string          `json:"note,omitempty"`
	Created *time.Time      `json:"created_at,omitempty"`
}

// VersionOf shows a version.
func VersionOf(v *store.Version) Version {
	state := "ready"
	if v.State == store.VersionWithdrawn {
		state = "withdrawn"
	}
	return Version{v.Number, state, v.Reason, hex.EncodeToString(v.Module[:]), v.Size, v.Config, v.By, v.Note, moment(v.Created)}
}

// Change is an entry of a policy's history.
type Change struct {
	At     *time.Time `json:"at,omitempty"`
	By     string     `json:"by" doc:"admin or a key; canary or rollback when the router did it by itself."`
	Reason string     `json:"reason,omitempty"`
	From   Serving    `json:"from"`
	To     Serving    `json:"to"`
}

// Serving is which versions serve.
type Serving struct {
	Active int    `json:"active_version,omitempty"`
	Canary *Share `json:"canary,omitempty"`
}

// PolicyDetails are a policy with its history.
type PolicyDetails struct {
	Policy
	History []Change `json:"history" nullable:"false" doc:"The latest changes of what serves, the newest first."`
}

// ChangeOf shows a change.
func ChangeOf(c *store.Change) Change {
	return Change{moment(c.At), c.By, c.Reason, Serving{c.From.Active, canaryOf(&c.From)}, Serving{c.To.Active, canaryOf(&c.To)}}
}
