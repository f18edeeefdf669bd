package sandbox

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// World is what one instance finds around it: a tank, a log, a clock and randomness. It is the context of the guest's
// calls, so that host functions find it without an allocation per call; guests are not cancelled, so the caller's context
// has no part in it. It is used by the goroutine that runs the instance.
type World struct {
	context.Context
	Tank

	to             *slog.Logger
	lines          *guestlog.Lines
	stdout, stderr guestlog.Output

	still  bool          // the clock stands
	slept  time.Duration // by the guest, in this call: its clocks are that much ahead
	seeded bool          // random is that of this call
	random rand.ChaCha8
}

// Init prepares a World whose guest writes to a log. A still one has a clock that stands, so that calls are a function
// of their input alone.
func (w *World) Init(to *slog.Logger, lines *guestlog.Lines, still bool) {
	w.Context, w.to, w.lines, w.still = context.Background(), to, lines, still
	w.stdout.Init(to, lines, "stdout")
	w.stderr.Init(to, lines, "stderr")
}

// Begin starts a call. Randomness starts anew with each, so that equal calls draw equal numbers.
func (w *World) Begin() {
	w.stderr.Reset()
	w.seeded, w.slept = false, 0
}

// LastWords returns what the guest wrote to stderr in this call, as far as it explains a trap.
func (w *World) LastWords() string { return w.stderr.Text() }

type worldKey struct{}

// Value answers for worldKey alone.
func (w *World) Value(key any) any {
	if _, ok := key.(worldKey); ok {
		return w
	}
	return nil
}

// worldOf returns the World of a call.
func worldOf(ctx context.Context) *World { return ctx.Value(worldKey{}).(*World) }

// Clocks are coarse: guests have no use for a fine one, and it would measure the host.
const clockResolution = time.Millisecond

// standing is what a clock shows that stands: 2020-01-01 in UTC. The time of a request is in its input.
const standing = 1_577_836_800 * time.Second

func (w *World) walltime() time.Duration {
	now := standing
	if !w.still {
		now = time.Duration(time.Now().UnixNano()).Truncate(clockResolution)
	}
	return now + w.slept
}

// monotonic is never 0, which Go guests take for a broken clock.
func (w *World) monotonic() time.Duration {
	now := clockResolution
	if !w.still {
		now += time.Since(started).Truncate(clockResolution)
	}
	return now + w.slept
}

var started = time.Now()

// fill draws random bytes.
func (w *World) fill(b []byte) {
	if !w.seeded {
		w.random.Seed([32]byte{})
		w.seeded = true
	}
	_, _ = w.random.Read(b) // never fails
}

// What host functions cost in fuel, beside a unit for each byte that they touch.
const (
	lineFuel  = 200 // a line that may go to the log
	entryFuel = 50  // an element of a list
)

// log is the host function log(level, address, length).
func log(ctx context.Context, mod api.Module, stack []uint64) {
	w := worldOf(ctx)
	level, ptr, size := uint32(stack[0]), uint32(stack[1]), min(uint32(stack[2]), abi.MaxLogLine)
	w.Charge(lineFuel + int64(size))
	view, ok := mod.Memory().Read(ptr, size)
	if !ok {
		return // a log line is no reason to fail a call
	}
	w.lines.Write(w.to, guestlog.Level(level), "log", view)
}
