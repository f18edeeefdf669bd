package config

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
)

const redacted = "[redacted]"

// A Secret is a credential that prints as "[redacted]" however it is printed: fmt, encoding/json and
// log/slog never see its value. The zero Secret is empty. Secrets are immutable.
type Secret struct {
	// fmt asks no method of what stands in somebody's unexported field. It follows one pointer to a
	// struct there, for verbs that do not fit pointers, but of a pointer to a pointer it prints the address.
	s **secret
}

func newSecret(value string) Secret {
	s := &secret{value}
	return Secret{&s}
}

type secret struct{ value string }

// Reveal returns the value. Its result must not reach a log, an error or a plugin.
func (s Secret) Reveal() string {
	if s.s == nil {
		return ""
	}
	return (*s.s).value
}

// IsZero reports whether the secret is absent or empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

// whyEmpty describes the variables that an expansion which ended up empty has consulted.
func whyEmpty(env []yamltree.Use) string {
	var parts []string
	for _, u := range env {
		state := u.Name + " is not set"
		if u.Set {
			state = u.Name + " is set but empty"
		}
		if !slices.Contains(parts, state) {
			parts = append(parts, state)
		}
	}
	return strings.Join(parts, ", ")
}
