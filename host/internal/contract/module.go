// Package contract holds plugins to sdk/abi: import it to check a compiled module, its description and its answers. What
// it finds wrong is a sentence whose subject is the plugin.
package contract

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var (
	i32 = []api.ValueType{api.ValueTypeI32}
	i64 = []api.ValueType{api.ValueTypeI64}
)

// signature is what an export must look like.
type signature struct {
	name            string
	params, results []api.ValueType
}

var (
	commonExports = []signature{
		{abi.Marker, nil, nil},
		{abi.ExportInput, i32, i32},
		{abi.ExportDescribe, nil, i64},
		{abi.ExportConfigure, i32, i64},
	}
	providerExports = []signature{{abi.ExportRequest, i32, i64}, {abi.ExportResponse, i32, i64}, {abi.ExportStream, i32, i64}}
	strategyExports = []signature{{abi.ExportScore, i32, i64}}
	optionalExports = []signature{{abi.ExportInit, nil, nil}, {abi.ExportFeedback, i32, i64}}
)

// Function is what a module writes to import a function.
type Function struct{ Module, Name string }

// Signature is the type of a function.
type Signature struct{ Params, Results []api.ValueType }

// Rules are what a host allows a module.
type Rules struct {
	Imports map[Function]Signature
	Memory  uint32 // pages of 64 KiB that its memory may start with
}

// Shape is what a module's exports say of it.
type Shape struct {
	Kind     string // abi.KindProvider or abi.KindStrategy
	Feedback bool
}

// Module checks a compiled module's imports, exports and memory. The error has all that is wrong with them.
func Module(compiled wazero.CompiledModule, rules *Rules) (Shape, error) {
	var p problems
	rules.imports(compiled, &p)
	s := exports(compiled.ExportedFunctions(), &p)
	p.add(rules.memory(compiled))
	if len(p) > 0 {
		return Shape{}, p
	}
	return s, nil
}

// problems is what is wrong with a module.
type problems []error

func (p *problems) add(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

// maxProblems is how many are told.
const maxProblems = 8

// Error is one line.
func (p problems) Error() string {
	var b strings.Builder
	for i, err := range p {
		if i == maxProblems {
			fmt.Fprintf(&b, "; and %d more", len(p)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

// exports reads a module's kind off its exports and checks that they are complete.
func exports(exports map[string]api.FunctionDefinition, p *problems) (m Shape) {
	p.add(marker(exports))
	_, score := exports[abi.ExportScore]
	var translates string
	for _, s := range providerExports {
		if _, ok := exports[s.name]; ok {
			translates = s.name
			break
		}
	}
	want := slices.Clone(commonExports[1:]) // the marker is known to be there, or was found missing
	switch {
	case score && translates != "":
		p.add(fmt.Errorf("it exports both %q and %q, but a module is either a strategy or a provider", abi.ExportScore, translates))
		return m
	case score:
		m.Kind, want = abi.KindStrategy, append(want, strategyExports...)
	case translates != "":
		m.Kind, want = abi.KindProvider, append(want, providerExports...)
	default:
		p.add(fmt.Errorf("no export %q (a strategy's) and no export %q (a provider's)", abi.ExportScore, abi.ExportRequest))
		return m
	}
	for _, s := range optionalExports {
		if _, ok := exports[s.name]; ok {
			want = append(want, s)
			m.Feedback = m.Feedback || s.name == abi.ExportFeedback
		}
	}
	if def, ok := exports[abi.Marker]; ok {
		p.add(commonExports[0].check(def))
	}
	for _, s := range want {
		if def, ok := exports[s.name]; ok {
			p.add(s.check(def))
		} else {
			p.add(fmt.Errorf("no export %q, which %s must have", s.name, Noun(m.Kind)))
		}
	}
	if m.Feedback && m.Kind == abi.KindProvider {
		p.add(fmt.Errorf("it exports %q, which only a strategy may", abi.ExportFeedback))
	}
	return m
}

// check compares an export with what it must look like.
func (s *signature) check(def api.FunctionDefinition) error {
	if slices.Equal(def.ParamTypes(), s.params) && slices.Equal(def.ResultTypes(), s.results) {
		return nil
	}
	return fmt.Errorf("export %q is %s, it must be %s", s.name, typeText(def.ParamTypes(), def.ResultTypes()), typeText(s.params, s.results))
}

// marker looks for exactly one version marker.
func marker(exports map[string]api.FunctionDefinition) error {
	var spoken []string
	for name := range exports {
		if v, ok := strings.CutPrefix(name, abi.MarkerPrefix); ok {
			spoken = append(spoken, v)
		}
	}
	slices.Sort(spoken)
	switch {
	case len(spoken) == 0:
		return fmt.Errorf("no export %q: it does not say which ABI it speaks; this host speaks %d", abi.Marker, abi.Version)
	case len(spoken) > 1:
		return fmt.Errorf("it claims to speak the ABI versions %s; a module speaks one", strings.Join(spoken, " and "))
	case spoken[0] != strconv.Itoa(abi.Version):
		return fmt.Errorf("module speaks ABI %s; this host speaks %d", spoken[0], abi.Version)
	}
	return nil
}

// imports compares a module's imports with the list of what may be imported.
func (r *Rules) imports(compiled wazero.CompiledModule, p *problems) {
	for _, def := range compiled.ImportedFunctions() {
		module, name, _ := def.Import()
		have, ok := r.Imports[Function{module, name}]
		switch {
		case !ok:
			p.add(fmt.Errorf("it imports %q from %q, which a plugin may not", name, module))
		case !slices.Equal(def.ParamTypes(), have.Params) || !slices.Equal(def.ResultTypes(), have.Results):
			p.add(fmt.Errorf("it imports %q from %q as %s, it is %s", name, module,
				typeText(def.ParamTypes(), def.ResultTypes()), typeText(have.Params, have.Results)))
		}
	}
}

func (r *Rules) memory(compiled wazero.CompiledModule) error {
	if n := len(compiled.ImportedMemories()); n > 0 {
		return errors.New("it imports a memory, but must bring its own")
	}
	memory, ok := compiled.ExportedMemories()[abi.ExportMemory]
	if !ok {
		return fmt.Errorf("no exported memory %q", abi.ExportMemory)
	}
	if memory.Min() > r.Memory {
		return fmt.Errorf("its memory starts with %d pages, the limit is %d", memory.Min(), r.Memory)
	}
	return nil
}

// typeText writes a function type as text.
func typeText(params, results []api.ValueType) string {
	list := func(types []api.ValueType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = api.ValueTypeName(t)
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	return list(params) + " -> " + list(results)
}
