package main

import (
	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/metrics"
)

// pageSize is the unit in which the host counts memory.
const pageSize = 64 << 10

// hostLimits are a configuration's limits as the host takes them. The configuration keeps each
// within what its type holds, and leaves none at zero, which would stand for the host's default.
func hostLimits(b *config.Bounds) host.Limits {
	return host.Limits{
		ModuleSize: b.ModuleSize, FunctionSize: uint32(b.FunctionSize), Functions: uint32(b.Functions), Globals: uint32(b.Globals),
		Exports: uint32(b.Exports), TableElements: uint32(b.TableElements), Locals: uint32(b.Locals),
		Memory: uint32(b.Memory / pageSize), Stack: uint32(b.Stack), Instances: int(b.Instances),
		Fuel:     host.Fuel{Start: b.Fuel.Start, Score: b.Fuel.Score, Base: b.Fuel.Base, PerByte: b.Fuel.PerByte},
		Output:   host.Output{Score: uint32(b.Output.Score), Message: uint32(b.Output.Message)},
		LogLines: int(b.LogLines),
		Compile:  host.Compile{Memory: b.Compile.Memory, CPU: b.Compile.CPU, Timeout: b.Compile.Timeout},
	}
}

// pluginStates is what metrics show of plugins whenever they are read.
func pluginStates(h *host.Host) []metrics.State {
	var list []metrics.State
	for _, s := range h.Plugins() {
		state := metrics.State{Plugin: s.Plugin, Fuel: s.Fuel.Total, Open: map[string]bool{}}
		for _, b := range s.Breakers {
			state.Open[b.Key] = state.Open[b.Key] || b.State != "closed"
		}
		list = append(list, state)
	}
	return list
}
