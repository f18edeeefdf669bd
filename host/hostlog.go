package host

import (
	"context"

	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

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
	i.pool.record.lines.Write(i.pool.host.log, guestlog.Level(level), "log", view)
}
