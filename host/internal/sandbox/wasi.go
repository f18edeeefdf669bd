package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// WASI (snapshot preview 1) as far as toolchains import it, over an empty world: no arguments, no environment, no files
// but the standard streams, of which two go to the log and one is at its end.

type errno uint64

// Of the numbers in WASI's documentation.
const (
	success    errno = 0
	badFile    errno = 8
	fault      errno = 21
	invalid    errno = 28
	noSystem   errno = 52
	unseekable errno = 70
)

// wasiFunc does the work of one function. It returns at once, whatever it is asked.
type wasiFunc func(w *World, mem api.Memory, params []uint64) errno

// Call is what the runtime calls.
func (f wasiFunc) Call(ctx context.Context, mod api.Module, stack []uint64) {
	stack[0] = uint64(f(worldOf(ctx), mod.Memory(), stack))
}

// always answers the same to everything.
func always(e errno) wasiFunc { return func(*World, api.Memory, []uint64) errno { return e } }

// standard answers so for a standard stream, and that there is no such file for others.
func standard(e errno) wasiFunc {
	return func(_ *World, _ api.Memory, params []uint64) errno {
		if uint32(params[0]) > 2 {
			return badFile
		}
		return e
	}
}

// inert lists WASI but for proc_exit. Of the parameters, l is an i64 and all else an i32: a file, an address, a number.
var inert = []struct {
	name, params string
	do           wasiFunc
}{
	{"args_get", "aa", always(success)},
	{"args_sizes_get", "aa", none},
	{"clock_res_get", "na", clockResolutions},
	{"clock_time_get", "nla", clockTime},
	{"environ_get", "aa", always(success)},
	{"environ_sizes_get", "aa", none},
	{"fd_advise", "flln", standard(unseekable)},
	{"fd_allocate", "fll", standard(unseekable)},
	{"fd_close", "f", standard(success)},
	{"fd_datasync", "f", standard(success)},
	{"fd_fdstat_get", "fa", describeFile},
	{"fd_fdstat_set_flags", "fn", standard(success)},
	{"fd_fdstat_set_rights", "fll", standard(success)},
	{"fd_filestat_get", "fa", statFile},
	{"fd_filestat_set_size", "fl", standard(invalid)},
	{"fd_filestat_set_times", "flln", standard(invalid)},
	{"fd_pread", "fanla", standard(unseekable)},
	{"fd_prestat_dir_name", "fan", always(badFile)},
	{"fd_prestat_get", "fa", always(badFile)},
	{"fd_pwrite", "fanla", standard(unseekable)},
	{"fd_read", "fana", read},
	{"fd_readdir", "fanla", always(badFile)},
	{"fd_renumber", "ff", always(badFile)},
	{"fd_seek", "flna", standard(unseekable)},
	{"fd_sync", "f", standard(success)},
	{"fd_tell", "fa", standard(unseekable)},
	{"fd_write", "fana", write},
	{"path_create_directory", "fan", always(badFile)},
	{"path_filestat_get", "fnana", always(badFile)},
	{"path_filestat_set_times", "fnanlln", always(badFile)},
	{"path_link", "fnanfan", always(badFile)},
	{"path_open", "fnannllna", always(badFile)},
	{"path_readlink", "fanana", always(badFile)},
	{"path_remove_directory", "fan", always(badFile)},
	{"path_rename", "fanfan", always(badFile)},
	{"path_symlink", "anfan", always(badFile)},
	{"path_unlink_file", "fan", always(badFile)},
	{"poll_oneoff", "aana", poll},
	{"proc_raise", "n", always(noSystem)},
	{"random_get", "an", random},
	{"sched_yield", "", always(success)},
}

// exit is proc_exit: it ends the instance, with the call that it is in.
func exit(ctx context.Context, mod api.Module, stack []uint64) {
	code := uint32(stack[0])
	_ = mod.CloseWithExitCode(ctx, code)
	panic(sys.NewExitError(code))
}

// none says that a list is empty: it has no entries and no bytes.
func none(_ *World, mem api.Memory, params []uint64) errno {
	if !mem.WriteUint32Le(uint32(params[0]), 0) || !mem.WriteUint32Le(uint32(params[1]), 0) {
		return fault
	}
	return success
}

// Clocks.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

func clockResolutions(_ *World, mem api.Memory, params []uint64) errno {
	if uint32(params[0]) > clockMonotonic {
		return invalid
	}
	return writeTime(mem, params[1], clockResolution)
}

func clockTime(w *World, mem api.Memory, params []uint64) errno {
	now, ok := w.now(uint32(params[0]))
	if !ok {
		return invalid
	}
	return writeTime(mem, params[2], now)
}

func (w *World) now(clock uint32) (time.Duration, bool) {
	switch clock {
	case clockRealtime:
		return w.walltime(), true
	case clockMonotonic:
		return w.monotonic(), true
	}
	return 0, false
}

func writeTime(mem api.Memory, ptr uint64, t time.Duration) errno {
	if !mem.WriteUint64Le(uint32(ptr), uint64(t)) {
		return fault
	}
	return success
}

// Layouts: a file's description, its status, and the type of a character device in both.
const (
	fdstatSize   = 24
	filestatSize = 64
	filestatType = 16
	device       = 2
)

func describeFile(_ *World, mem api.Memory, params []uint64) errno {
	return writeStat(mem, params, fdstatSize, 0)
}

func statFile(_ *World, mem api.Memory, params []uint64) errno {
	return writeStat(mem, params, filestatSize, filestatType)
}

func writeStat(mem api.Memory, params []uint64, size, kind uint32) errno {
	fd := uint32(params[0])
	if fd > 2 {
		return badFile
	}
	view, ok := mem.Read(uint32(params[1]), size)
	if !ok {
		return fault
	}
	clear(view)
	view[kind] = device
	if size == fdstatSize { // may be read or written
		view[8] = 1 << 1
		if fd > 0 {
			view[8] = 1 << 6
		}
	}
	return success
}

// read is fd_read: stdin is at its end.
func read(_ *World, mem api.Memory, params []uint64) errno {
	if uint32(params[0]) != 0 {
		return badFile
	}
	if !mem.WriteUint32Le(uint32(params[3]), 0) {
		return fault
	}
	return success
}

// chunk is how much is done between two charges.
const chunk = 64 << 10

// write is fd_write(file, list of address and length, its length, address of the sum).
func write(w *World, mem api.Memory, params []uint64) errno {
	out := &w.stdout
	switch uint32(params[0]) {
	case 1:
	case 2:
		out = &w.stderr
	default:
		return badFile
	}
	const entry = 8
	list, ok := entries(w, mem, params[1], params[2], entry)
	if !ok {
		return fault
	}
	written := uint64(0)
	for ; len(list) > 0; list = list[entry:] {
		view, ok := mem.Read(binary.LittleEndian.Uint32(list), binary.LittleEndian.Uint32(list[4:]))
		if !ok {
			return fault
		}
		if written += uint64(len(view)); written > math.MaxUint32 {
			return invalid
		}
		for len(view) > 0 {
			part := view[:min(len(view), chunk)]
			view = view[len(part):]
			w.Charge(int64(len(part)) + lineFuel*int64(bytes.Count(part, []byte{'\n'})))
			_, _ = out.Write(part) // never fails
		}
	}
	if !mem.WriteUint32Le(uint32(params[3]), uint32(written)) {
		return fault
	}
	return success
}

// entries returns a view of a list whose elements are as large, and takes the fuel for it.
func entries(w *World, mem api.Memory, ptr, n uint64, size uint32) ([]byte, bool) {
	count := uint64(uint32(n))
	w.Charge(int64(count) * entryFuel)
	if bytes := count * uint64(size); bytes <= math.MaxUint32 {
		return mem.Read(uint32(ptr), uint32(bytes))
	}
	return nil, false
}

func random(w *World, mem api.Memory, params []uint64) errno {
	view, ok := mem.Read(uint32(params[0]), uint32(params[1]))
	if !ok {
		return fault
	}
	for len(view) > 0 {
		part := view[:min(len(view), chunk)]
		view = view[len(part):]
		w.Charge(int64(len(part)))
		w.fill(part)
	}
	return success
}
