package decisionlog

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// ErrRecord means that bytes are no decision that this version knows.
var ErrRecord = errors.New("decision log: not a record of this version")

var le = binary.LittleEndian

// decoder reads records one after the other, as they were written, into the same memory. Texts that come again are shared.
// It begins each block anew; see begin.
type decoder struct {
	b     []byte
	bad   bool
	texts map[string]string
	room  []byte // for a text

	begun            bool // what follows is known
	entry, try, pick known
	calls            []known
	none             known // of a call
	slots            []knownSlot
	names            []string
	places           []int // the slots of a pick's candidates
}

// known is a group's fields as they were, for the decoder.
type known struct {
	nums  []uint64
	texts []string
}

type knownSlot struct {
	known
	score uint64
}

func newKnown(nums, texts int) known { return known{make([]uint64, nums), make([]string, texts)} }

func (k *known) reset() {
	clear(k.nums)
	clear(k.texts)
}

// maxTexts and maxText bound what is remembered of texts.
const (
	maxTexts = 4096
	maxText  = 512
)

// begin is called before a block's first record.
func (d *decoder) begin() { d.begun = false }

// forget is what [history.forget] is to the encoder.
func (d *decoder) forget() {
	if d.entry.nums == nil {
		d.entry, d.try, d.pick, d.none = newKnown(entryNums, entryTexts), newKnown(tryNums, tryTexts), newKnown(pickNums, pickTexts), newKnown(callNums, callTexts)
	}
	d.entry.reset()
	d.pick.reset()
	for i := range d.calls {
		d.calls[i].reset()
	}
	d.slots, d.names = d.slots[:0], d.names[:0]
}

// decode reads a record into r, whose slices are used again.
func (d *decoder) decode(b []byte, r *Record) error {
	d.b, d.bad = b, false
	switch {
	case len(b) > 0 && b[0] == recordVersion:
		d.record(r)
	case len(b) > 0 && b[0] == version1:
		d.decode1(r)
	default:
		return ErrRecord
	}
	if d.bad || len(d.b) > 0 {
		d.begun = false // what was to be remembered is in doubt
		return ErrRecord
	}
	return nil
}

func (d *decoder) record(r *Record) {
	d.take(1)
	flags, id := d.byte(), d.take(len(store.EntryID{}))
	if flags&flagFresh != 0 {
		d.forget()
		d.begun = true
	}
	if d.bad = d.bad || flags&^allRecordFlags != 0 || !d.begun; d.bad {
		return
	}
	r.Canary = flags&flagCanary != 0
	d.group(&d.entry, entryShape)
	setEntry(&r.Entry, store.EntryID(id), d.entry.nums, d.entry.texts)
	d.beforeTries()
	r.Tries = resize(r.Tries, d.count(1))
	for i := range r.Tries {
		d.group(&d.try, tryShape)
		setTry(&r.Tries[i], d.try.nums, d.try.texts)
	}
	r.Picks = resize(r.Picks, d.count(minPick))
	for i := range r.Picks {
		d.readPick(&r.Picks[i])
	}
}

const (
	minPick   = 5                      // length of the shortest pick
	mostSlots = maxSlots + maxRecord/2 // that a record can lead to
)

// beforeTries is that of [history].
func (d *decoder) beforeTries() {
	e, t := &d.entry, &d.try
	t.reset()
	for _, a := range alikeNums {
		t.nums[a.try] = e.nums[a.entry]
	}
	for _, a := range alikeTexts {
		t.texts[a.try] = e.texts[a.entry]
	}
}

func (d *decoder) readPick(p *Pick) {
	d.group(&d.pick, pickShape)
	setPick(p, d.pick.nums, d.pick.texts)
	p.Candidates = resize(p.Candidates, d.count(2))
	d.places = d.places[:0]
	for i := range p.Candidates {
		at := int(d.uvarint(uint64(len(d.slots)))) - 1
		if at < 0 {
			if at = len(d.slots); at < cap(d.slots) {
				d.slots = d.slots[:at+1]
			} else if at == mostSlots {
				d.bad = true
				return
			} else {
				d.slots = append(d.slots, knownSlot{})
			}
			if s := &d.slots[at]; s.nums == nil {
				s.known = newKnown(candNums, candTexts)
			} else {
				s.reset()
				s.score = 0
			}
		}
		s := &d.slots[at]
		d.group(&s.known, candShape)
		setCand(&p.Candidates[i], s.nums, s.texts)
		d.places = append(d.places, at)
		if d.bad {
			return
		}
	}
	p.Scores = resize(p.Scores, d.count(1))
	for i := range p.Scores {
		bits := d.word()
		if i < len(d.places) {
			last := &d.slots[d.places[i]].score
			bits ^= *last
			*last = bits
		}
		p.Scores[i] = math.Float64frombits(bits)
	}
	p.Filtered = resize(p.Filtered, d.count(1))
	for i := range p.Filtered {
		p.Filtered[i] = d.bool()
	}
	p.Calls = resize(p.Calls, d.count(1))
	for i := range p.Calls {
		c := d.call(i)
		d.group(c, callShape)
		setCall(&p.Calls[i], c.nums, c.texts)
	}
}

func (d *decoder) call(i int) *known {
	if i >= maxCalls {
		d.none.reset()
		return &d.none
	}
	if i == len(d.calls) {
		d.calls = append(d.calls, newKnown(callNums, callTexts))
	}
	return &d.calls[i]
}

// group reads what changed in a group.
func (d *decoder) group(k *known, of *shape) {
	n := len(k.nums)
	mask := d.uvarint(1<<(n+len(k.texts)) - 1)
	for ; mask != 0 && !d.bad; mask &= mask - 1 {
		switch i := bits.TrailingZeros64(mask); {
		case i >= n:
			k.texts[i-n] = d.changed(k.texts[i-n], of.names>>(i-n)&1 != 0)
		case of.words>>i&1 != 0:
			k.nums[i] ^= d.word()
		default:
			k.nums[i] += uint64(d.varint())
		}
	}
}

// word reads what appendWord has written.
func (d *decoder) word() uint64 {
	head := d.byte()
	high, low := int(head>>4), int(head&0xf)
	if high+low > 8 {
		d.bad = true
		return 0
	}
	var w [8]byte
	copy(w[low:], d.take(8-high-low))
	return le.Uint64(w[:])
}

// changed reads a text that appendText or appendName has written.
func (d *decoder) changed(was string, name bool) string {
	same := d.uvarint(uint64(max(len(was), len(d.names)))<<1 | 1)
	if same&1 != 0 {
		if d.bad = d.bad || !name || int(same>>1) >= len(d.names); d.bad {
			return ""
		}
		return d.names[same>>1]
	}
	if same >>= 1; same > uint64(len(was)) {
		d.bad = true
		return ""
	}
	n := d.uvarint(uint64(len(d.b))<<1 | 1)
	rest := d.take(int(n >> 1))
	d.room = append(d.room[:0], was[:same]...)
	if n&1 != 0 {
		d.room = hex.AppendEncode(d.room, rest)
	} else {
		d.room = append(d.room, rest...)
	}
	s := d.shared(d.room)
	if name && len(d.names) < maxNames {
		d.names = append(d.names, s)
	}
	return s
}

// shared is a text, the same one if it came before.
func (d *decoder) shared(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > maxText {
		return string(b)
	}
	if s, ok := d.texts[string(b)]; ok {
		return s
	}
	if d.texts == nil || len(d.texts) >= maxTexts {
		d.texts = make(map[string]string)
	}
	s := string(b)
	d.texts[s] = s
	return s
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// resize gives a slice a length and leaves what its elements hold, for them to be used again.
func resize[T any](s []T, n int) []T {
	return slices.Grow(s[:0], n)[:n]
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return le.Uint64(b)
	}
	return 0
}

func (d *decoder) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if d.bad || n <= 0 || v > most {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads how many things follow, each of at least so many bytes.
func (d *decoder) count(size int) int { return int(d.uvarint(uint64(len(d.b) / size))) }
