package contract

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Description compares what a module says of itself with the kind that its exports show and with what this host knows.
func Description(d *abi.Description, kind string) error {
	switch {
	case d.ABI != abi.Version:
		return fmt.Errorf("it says ABI %d, its marker says %d", d.ABI, abi.Version)
	case d.Kind != kind:
		return fmt.Errorf("it says that it is %s, its exports are those of %s", Noun(d.Kind), Noun(kind))
	case d.Name == "":
		return errors.New("it has no name")
	case d.Version == "":
		return errors.New("it has no version")
	case max(len(d.Name), len(d.Version)) > maxName:
		return fmt.Errorf("its name or its version has more than %d bytes", maxName)
	case guestlog.Visible(d.Name+d.Version) != d.Name+d.Version:
		return fmt.Errorf("its name %q or its version %q has characters that can't be shown", d.Name, d.Version)
	case d.ConfigSchema != "" && !json.Valid([]byte(d.ConfigSchema)):
		return errors.New("its config_schema is not JSON")
	}
	if kind == abi.KindStrategy {
		if d.Mode != "" && d.Mode != abi.ModeScore && d.Mode != abi.ModeFilter {
			return fmt.Errorf("its mode %q is neither %q nor %q", d.Mode, abi.ModeScore, abi.ModeFilter)
		}
		return nil
	}
	if !knownDialect(d.Dialect) {
		return fmt.Errorf("its dialect %q is unknown", d.Dialect)
	}
	if len(d.Endpoints) == 0 {
		return errors.New("it serves no endpoint")
	}
	for _, name := range d.Endpoints {
		if !knownEndpoint(name) {
			return fmt.Errorf("its endpoint %q is unknown", name)
		}
	}
	for _, name := range d.Passthrough {
		if !knownDialect(name) {
			return fmt.Errorf("its passthrough dialect %q is unknown", name)
		}
	}
	return nil
}

func knownDialect(name string) bool {
	for d := abi.DialectOpenAI; d <= abi.DialectResponses; d++ {
		if d.String() == name {
			return true
		}
	}
	return false
}

func knownEndpoint(name string) bool {
	for e := abi.EndpointChat; e <= abi.EndpointCompletions; e++ {
		if e.String() == name {
			return true
		}
	}
	return false
}

// Noun is the kind with its article, for sentences.
func Noun(kind string) string {
	switch kind {
	case abi.KindProvider, abi.KindStrategy:
		return "a " + kind
	}
	return fmt.Sprintf("%q", kind)
}
