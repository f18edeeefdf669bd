// Package vectors reads and writes the golden vectors that a module carries: import it to get at the custom section that
// abi.VectorsSection describes, and to compare answers with those that are expected.
package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Read returns a module's golden vectors, none when it carries none. The error is a sentence about the module; of what
// the module is otherwise, only the frame of its sections has been looked at.
func Read(module []byte) ([]abi.Vector, error) {
	var text []byte
	found := 0
	for s, err := range sections(module) {
		if err != nil {
			return nil, err
		}
		if s.vectors {
			text = s.payload
			found++
		}
	}
	switch {
	case found == 0:
		return nil, nil
	case found > 1:
		return nil, fmt.Errorf("it has %d custom sections %q, and may have one", found, abi.VectorsSection)
	}
	return Parse(text)
}

// Write returns the module with these vectors in place of those that it has. The vectors are checked as Read does.
func Write(module []byte, list []abi.Vector) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // a config is as long as it was
	if err := e.Encode(list); err != nil {
		return nil, fmt.Errorf("encoding golden vectors: %w", err)
	}
	if _, err := Parse(text.Bytes()); err != nil {
		return nil, err
	}
	out := slices.Clone(module[:min(len(module), len(magic))])
	for s, err := range sections(module) {
		if err != nil {
			return nil, err
		}
		if !s.vectors {
			out = append(out, s.whole...)
		}
	}
	name := appendSized(nil, []byte(abi.VectorsSection))
	return appendSized(append(out, customSection), append(name, text.Bytes()...)), nil
}

// Parse reads a list of vectors. The error names the vector that is wrong.
func Parse(text []byte) ([]abi.Vector, error) {
	if len(text) > abi.MaxVectorsSize {
		return nil, fmt.Errorf("its golden vectors have %d bytes, the limit is %d", len(text), abi.MaxVectorsSize)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("its golden vectors are not a list in JSON: %w", err)
	}
	if len(raw) > abi.MaxVectors {
		return nil, fmt.Errorf("it has %d golden vectors, the limit is %d", len(raw), abi.MaxVectors)
	}
	list := make([]abi.Vector, len(raw))
	names, configs := map[string]bool{}, map[abi.RawJSON]bool{}
	for i := range list {
		v := &list[i]
		err := decode(raw[i], v)
		configs[v.Config] = true
		switch {
		case err != nil:
		case names[v.Name]:
			err = errors.New("the name is taken by one before it")
		case len(configs) > abi.MaxVectorConfigs:
			err = fmt.Errorf("the list has more than %d configs, the limit", abi.MaxVectorConfigs)
		}
		if err != nil {
			return nil, &Error{i, v.Name, err}
		}
		names[v.Name] = true
	}
	return list, nil
}

// Error is what is wrong with one vector of a list.
type Error struct {
	Index int
	Name  string // empty when it has none that can be shown
	Err   error
}

// Error names the vector, by its number, counted from 1, if need be.
func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("golden vector number %d: %s", e.Index+1, e.Err)
	}
	return fmt.Sprintf("golden vector %q: %s", e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// exports are what a vector may call.
var exports = []string{abi.ExportRequest, abi.ExportResponse, abi.ExportStream, abi.ExportScore, abi.ExportFeedback}

// decode reads one vector. With an error, v has a name if there is a good one.
func decode(text []byte, v *abi.Vector) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if len(v.Name) > abi.MaxVectorName || guestlog.Visible(v.Name) != v.Name {
		v.Name = ""
		return fmt.Errorf("its name has more than %d bytes, or characters that can't be shown", abi.MaxVectorName)
	}
	switch {
	case err != nil:
		return err
	case v.Name == "":
		return errors.New("it has no name")
	case !slices.Contains(exports, v.Export):
		return fmt.Errorf("a vector can't call the export %q", v.Export)
	case len(v.Output) == 0:
		return errors.New("it has no output")
	}
	if v.Config == "" || v.Config == "null" {
		v.Config = "{}"
	}
	return nil
}
