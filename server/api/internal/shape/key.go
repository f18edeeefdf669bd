package shape

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
)

// Key is a key as the admin sees it: without its secrets.
type Key struct {
	ID       string     `json:"id"`
	Tenant   string     `json:"tenant"`
	Name     string     `json:"name"`
	Source   string     `json:"source" enum:"store,config" doc:"config: of plugins.yaml, and changed there."`
	Scopes   []string   `json:"scopes" nullable:"false" enum:"complete,policy,usage,act-for"`
	Limits   Limits     `json:"limits"`
	Disabled bool       `json:"disabled"`
	Expires  *time.Time `json:"expires_at,omitempty"`
	Created  *time.Time `json:"created_at,omitempty"`
	Updated  *time.Time `json:"updated_at,omitempty"`
	Revision int64      `json:"revision"`
	Secrets  []Hint     `json:"secrets" nullable:"false" doc:"The newest first; more than one while a key is rotated."`
}

// Hint is what is known of a secret.
type Hint struct {
	Hint     string     `json:"hint" doc:"The secret's first characters."`
	Created  *time.Time `json:"created_at,omitempty"`
	Expires  *time.Time `json:"expires_at,omitempty"`
	LastUsed *time.Time `json:"last_used_at,omitempty" doc:"To the minute."`
}

// KeyOf shows a key; source is FromStore or FromConfig.
func KeyOf(k *store.Key, source string) Key {
	out := Key{
		ID: k.ID, Tenant: k.Tenant, Name: k.Name, Source: source, Scopes: append([]string{}, k.Scopes.Names()...), Limits: LimitsOf(&k.Limits), Disabled: k.Disabled,
		Expires: moment(k.Expires), Created: moment(k.Created), Updated: moment(k.Updated), Revision: k.Revision, Secrets: []Hint{},
	}
	for _, s := range k.Secrets {
		out.Secrets = append(out.Secrets, Hint{s.Hint, moment(s.Created), moment(s.Expires), moment(s.LastUsed)})
	}
	return out
}

// NewKey is the body that creates a key.
type NewKey struct {
	Name    string     `json:"name" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" minLength:"1" maxLength:"64" doc:"Unique in the tenant."`
	Scopes  []string   `json:"scopes" nullable:"false" minItems:"1" enum:"complete,policy,usage,act-for"`
	Limits  Limits     `json:"limits,omitzero"`
	Expires *time.Time `json:"expires_at,omitempty" doc:"Left out: never."`
}

// KeyPatch is the body that changes one. What is left out stays as it is.
type KeyPatch struct {
	Revision int64    `json:"revision,omitempty" minimum:"1" maximum:"1000000000000" doc:"The one that was read: the change is refused if there is a newer one. Left out: whatever it is."`
	Name     string   `json:"name,omitempty" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" minLength:"1" maxLength:"64"`
	Scopes   []string `json:"scopes,omitempty" nullable:"false" minItems:"1" enum:"complete,policy,usage,act-for" doc:"Replaces all of them."`
	Limits   *Limits  `json:"limits,omitempty" doc:"Replaces all of them."`
	Disabled *bool    `json:"disabled,omitempty"`
	Expires  Expiry   `json:"expires_at,omitzero" doc:"null: never."`
}

// Expiry tells a time from none and from one that was left out.
type Expiry struct {
	given bool
	at    time.Time
}

// UnmarshalJSON is called for null too.
func (e *Expiry) UnmarshalJSON(b []byte) error {
	e.given = true
	return json.Unmarshal(b, &e.at)
}

// Schema describes the time.
func (Expiry) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}

// Rotation is the body that rotates a key.
type Rotation struct {
	Overlap *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the secrets that there are stay valid. Left out: a day."`
}

// Issued is a key with its new secret, which nobody can read again.
type Issued struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret" doc:"Shown this once."`
}

// Expires checks the end of a key.
func Expires(at time.Time) (time.Time, error) {
	if at = at.UTC(); !at.After(time.Now()) || at.Year() > 9999 {
		return at, endpoint.InvalidValue.Say("A key expires in the future, and before the year 10000; to end one now, disable it.").On("expires_at")
	}
	return at, nil
}

// Apply writes what was given into a key.
func (p *KeyPatch) Apply(k *store.Key) (err error) {
	if p.Revision != 0 {
		k.Revision = p.Revision
	}
	if p.Name != "" {
		k.Name = p.Name
	}
	if p.Scopes != nil {
		if k.Scopes, err = store.ParseScopes(p.Scopes); err != nil {
			return err
		}
	}
	if p.Limits != nil {
		k.Limits = p.Limits.Stored()
	}
	if p.Disabled != nil {
		k.Disabled = *p.Disabled
	}
	switch {
	case p.Expires.given && p.Expires.at.IsZero():
		k.Expires = time.Time{}
	case p.Expires.given:
		k.Expires, err = Expires(p.Expires.at)
	}
	return err
}
