package sandbox

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Layouts of poll_oneoff.
const (
	subscriptionSize = 48
	subTag           = 8
	subClock         = 16
	subTimeout       = 24
	subFlags         = 40
	subFile          = 16
	eventSize        = 32
	eventErrno       = 8
	eventType        = 10

	onClock  = 0
	onRead   = 1
	onWrite  = 2
	absolute = 1
)

// poll is poll_oneoff(list of subscriptions, list of events, length of both, address of the number of events). It never
// waits: files are ready, and if nothing else is asked for, the guest's clocks go forward to its earliest alarm.
func poll(w *World, mem api.Memory, params []uint64) errno {
	if uint32(params[2]) == 0 {
		return invalid
	}
	subs, ok := entries(w, mem, params[0], params[2], subscriptionSize)
	if !ok {
		return fault
	}
	events, ok := mem.Read(uint32(params[1]), uint32(len(subs)/subscriptionSize*eventSize))
	if !ok {
		return fault
	}
	until := w.patience(subs)
	n := uint32(0)
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		e, ready := success, true
		switch subs[subTag] {
		case onClock:
			if left, ok := w.left(subs); ok {
				ready = left <= until
			} else {
				e = invalid
			}
		case onRead, onWrite:
			if fd := binary.LittleEndian.Uint32(subs[subFile:]); fd > 2 {
				e = badFile
			}
		default:
			return invalid
		}
		if !ready {
			continue
		}
		event := events[n*eventSize:][:eventSize]
		clear(event[8:])
		copy(event, subs[:8]) // the guest's own mark
		binary.LittleEndian.PutUint16(event[eventErrno:], uint16(e))
		event[eventType] = subs[subTag]
		n++
	}
	w.slept = min(w.slept+until, longest)
	if !mem.WriteUint32Le(uint32(params[3]), n) {
		return fault
	}
	return success
}

// patience returns how long the guest would wait, 0 if something is ready at once.
func (w *World) patience(subs []byte) time.Duration {
	until := time.Duration(math.MaxInt64)
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		if subs[subTag] != onClock {
			return 0
		}
		left, ok := w.left(subs)
		if !ok {
			return 0
		}
		until = min(until, left)
	}
	return max(until, 0)
}

// left returns how long it is until a subscription's alarm, and false if there is no such clock.
func (w *World) left(sub []byte) (time.Duration, bool) {
	now, ok := w.now(binary.LittleEndian.Uint32(sub[subClock:]))
	timeout := time.Duration(min(binary.LittleEndian.Uint64(sub[subTimeout:]), uint64(longest)))
	if binary.LittleEndian.Uint16(sub[subFlags:])&absolute != 0 {
		timeout -= now
	}
	return timeout, ok
}

// longest is the most that a guest can sleep: its clocks must not overflow.
const longest = 100 * 365 * 24 * time.Hour
