package host

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// importName is what a module writes to import a function.
type importName struct{ module, name string }

// provideImports instantiates the host modules and notes what may be imported: log, and WASI without its sockets.
func (h *Host) provideImports(ctx context.Context) error {
	h.imports = map[importName]api.FunctionDefinition{}
	wasi, err := wasi_snapshot_preview1.NewBuilder(h.runtime).Compile(ctx)
	if err != nil {
		return err
	}
	own, err := h.runtime.NewHostModuleBuilder(abi.HostModule).
		NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(hostLog), []api.ValueType{i32[0], i32[0], i32[0]}, nil).
		Export(abi.HostLog).
		Compile(ctx)
	if err != nil {
		return err
	}
	for module, compiled := range map[string]wazero.CompiledModule{
		wasi_snapshot_preview1.ModuleName: wasi, abi.HostModule: own,
	} {
		for name, def := range compiled.ExportedFunctions() {
			if !strings.HasPrefix(name, "sock_") {
				h.imports[importName{module, name}] = def
			}
		}
		if _, err := h.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(module)); err != nil {
			return err
		}
	}
	return nil
}

// checkImports compares a module's imports with the list of what may be imported.
func (h *Host) checkImports(compiled wazero.CompiledModule) error {
	for _, def := range compiled.ImportedFunctions() {
		module, name, _ := def.Import()
		have, ok := h.imports[importName{module, name}]
		if !ok {
			return fmt.Errorf("it imports %q from %q, which a plugin may not", name, module)
		}
		if !slices.Equal(def.ParamTypes(), have.ParamTypes()) || !slices.Equal(def.ResultTypes(), have.ResultTypes()) {
			return fmt.Errorf("it imports %q from %q as %s, it is %s", name, module,
				typeText(def.ParamTypes(), def.ResultTypes()), typeText(have.ParamTypes(), have.ResultTypes()))
		}
	}
	return nil
}

// guestConfig is the inert world that a guest sees: no arguments, no environment, no files, a clock that is coarse, and
// randomness that is the same for every instance, so that equal calls have equal answers.
func (h *Host) guestConfig(p *pool, i *instance) wazero.ModuleConfig {
	stdout := new(output)
	stdout.init(h, p.record, "stdout")
	return wazero.NewModuleConfig().
		WithName(""). // so that instances of one module can coexist
		WithStartFunctions(abi.ExportInit).
		WithStdout(stdout).
		WithStderr(&i.out).
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

// guestContext is the context of every guest call. It finds the instance for host functions without an allocation per
// call; guests are not cancelled, so the caller's context has no part in it.
type guestContext struct {
	context.Context
	instance *instance
}

type instanceKey struct{}

// Value answers for instanceKey alone.
func (g guestContext) Value(key any) any {
	if _, ok := key.(instanceKey); ok {
		return g.instance
	}
	return nil
}

// hostLog is the host function log(level, address, length).
func hostLog(ctx context.Context, mod api.Module, stack []uint64) {
	i, ok := ctx.Value(instanceKey{}).(*instance)
	if !ok {
		return
	}
	level, ptr, size := uint32(stack[0]), uint32(stack[1]), uint32(stack[2])
	memory := mod.Memory()
	if memory == nil {
		return
	}
	view, ok := memory.Read(ptr, min(size, abi.MaxLogLine))
	if !ok {
		return // a log line is no reason to fail a call
	}
	r := i.pool.record
	r.log(i.pool.host.log, logLevel(level), "log", view)
}
