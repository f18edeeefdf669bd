// Package sandbox is the world of a guest: import it for what a module may import and what it finds there.
package sandbox

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Provide instantiates the host modules in a runtime and returns what may be imported from them: log, and WASI without
// its sockets.
func Provide(ctx context.Context, runtime wazero.Runtime, log api.GoModuleFunc) (map[contract.Function]api.FunctionDefinition, error) {
	wasi, err := wasi_snapshot_preview1.NewBuilder(runtime).Compile(ctx)
	if err != nil {
		return nil, err
	}
	own, err := runtime.NewHostModuleBuilder(abi.HostModule).
		NewFunctionBuilder().
		WithGoModuleFunction(log, []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}, nil).
		Export(abi.HostLog).
		Compile(ctx)
	if err != nil {
		return nil, err
	}
	imports := map[contract.Function]api.FunctionDefinition{}
	for module, compiled := range map[string]wazero.CompiledModule{
		wasi_snapshot_preview1.ModuleName: wasi, abi.HostModule: own,
	} {
		for name, def := range compiled.ExportedFunctions() {
			if !strings.HasPrefix(name, "sock_") {
				imports[contract.Function{Module: module, Name: name}] = def
			}
		}
		if _, err := runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(module)); err != nil {
			return nil, err
		}
	}
	return imports, nil
}

// Config is the inert world that a guest sees: no arguments, no environment, no files, a clock that is coarse, and
// randomness that is the same for every instance, so that equal calls have equal answers.
func Config(stdout, stderr io.Writer) wazero.ModuleConfig {
	return wazero.NewModuleConfig().
		WithName(""). // so that instances of one module can coexist
		WithStartFunctions(abi.ExportInit).
		WithStdout(stdout).
		WithStderr(stderr).
		WithRandSource(rand.NewChaCha8([32]byte{})).
		WithWalltime(walltime, clockResolution).
		WithNanotime(nanotime, clockResolution)
}

const clockResolution = sys.ClockResolution(time.Millisecond)

func walltime() (sec int64, nsec int32) {
	now := time.Now().Truncate(time.Millisecond)
	return now.Unix(), int32(now.Nanosecond())
}

// nanotime is never 0, which Go guests take for a broken clock.
func nanotime() int64 {
	return int64(time.Since(started).Truncate(time.Millisecond) + time.Millisecond)
}

var started = time.Now()
