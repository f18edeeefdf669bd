// Package sandbox is the world of a guest: import it for what a module may import, what it finds there, and what each of
// its calls may use up.
package sandbox

import (
	"context"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// wasi is the module that ordinary toolchains import.
const wasi = "wasi_snapshot_preview1"

// provided is one host function.
type provided struct {
	module, name string
	contract.Signature
	api.GoModuleFunction
}

var all = list()

func list() []provided {
	i32, i64 := api.ValueTypeI32, api.ValueTypeI64
	functions := []provided{
		{abi.HostModule, abi.HostLog, contract.Signature{Params: []api.ValueType{i32, i32, i32}}, api.GoModuleFunc(log)},
		{wasi, "proc_exit", contract.Signature{Params: []api.ValueType{i32}}, api.GoModuleFunc(exit)},
	}
	for _, f := range inert {
		s := contract.Signature{Results: []api.ValueType{i32}}
		for _, c := range f.params {
			if c == 'l' {
				s.Params = append(s.Params, i64)
			} else {
				s.Params = append(s.Params, i32)
			}
		}
		functions = append(functions, provided{wasi, f.name, s, f.do})
	}
	return functions
}

// Imports returns what a module may import: log, and WASI without its sockets.
func Imports() map[contract.Function]contract.Signature {
	imports := make(map[contract.Function]contract.Signature, len(all))
	for i := range all {
		imports[contract.Function{Module: all[i].module, Name: all[i].name}] = all[i].Signature
	}
	return imports
}

// Provide instantiates the host modules in a runtime. Their functions work in calls whose context is a World.
func Provide(ctx context.Context, runtime wazero.Runtime) error {
	for _, module := range []string{abi.HostModule, wasi} {
		builder := runtime.NewHostModuleBuilder(module)
		for f := range slices.Values(all) {
			if f.module == module {
				builder = builder.NewFunctionBuilder().WithGoModuleFunction(f.GoModuleFunction, f.Params, f.Results).Export(f.name)
			}
		}
		if _, err := builder.Instantiate(ctx); err != nil {
			return fmt.Errorf("providing the module %q: %w", module, err)
		}
	}
	return nil
}

// Config is how a guest is instantiated: without a name, so that instances of one module can coexist, and without
// running anything, so that fuel comes first.
func Config() wazero.ModuleConfig { return wazero.NewModuleConfig().WithName("").WithStartFunctions() }
