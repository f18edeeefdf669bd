package decisionlog

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/store/ledger"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// A record says what is other than in the records before it in its block:
//
//	u8 2 | u8 flags | 16 bytes: the entry's ID | group: the entry |
//	uvarint tries | a group each | uvarint picks | picks
//
// where a pick is
//
//	group: the header, the outcome, the reason |
//	uvarint candidates | each: uvarint slot, 0: the next that is free, or 1 + its number | group |
//	uvarint scores | words | uvarint filtered | bytes | uvarint calls | a group each
//
// A group is the fields of fields.go as
//
//	uvarint: a bit for each that changed | the changed ones, each as its difference
//
// and a difference is of an integer: the varint of the new one less the old one; of a word: see appendWord; of a text:
// see appendText and appendName. What is compared with what: the entry with the one before; the picks, and calls of one
// index, with those of the pick before; the first try with the entry, and others with the one before; a candidate with what
// its slot held; a score with that of its candidate's slot. At first, and from a record with flagFresh on, all that is empty.
//
// Most of a decision's input is as it was a moment ago. So little is left that packing it further is cheap.
const recordVersion = 2

// Flags of a record.
const (
	flagCanary = 1 << iota
	flagFresh
	allRecordFlags = 1<<iota - 1
)

// Bounds of what is remembered.
const (
	maxSlots = 1 << 12 // beyond it everything is forgotten before the next record
	maxNames = 1 << 10
	maxCalls = 16 // later ones are compared with nothing
)

// past is a group's fields as they were, for the encoder. Texts are copies.
type past struct {
	nums  []uint64
	texts [][]byte
}

// newPast puts the usual texts side by side: each is compared with its like all the time.
func newPast(nums, texts int) past {
	const usual = 32
	p := past{make([]uint64, nums), make([][]byte, texts)}
	room := make([]byte, texts*usual)
	for i := range p.texts {
		p.texts[i] = room[i*usual : i*usual : (i+1)*usual]
	}
	return p
}

func (p *past) reset() {
	clear(p.nums)
	for i := range p.texts {
		p.texts[i] = p.texts[i][:0]
	}
}

// slot is a candidate as it was. Its texts are those of the configuration.
type slot struct {
	nums  [candNums]uint64
	texts [candTexts]string
	score uint64
}

// slotBytes is about what a slot takes in memory.
const slotBytes = 320

// history is what records are compared with when they are written. One goroutine uses it at a time. The zero value is
// ready.
type history struct {
	begun      bool
	entry, try past
	pick       past
	calls      []past
	none       past // of a call
	slots      []slot
	used       int // slots
	byHash     map[uint64]int
	names      map[string]int // texts that come again and again, by their place
	places     []int          // the slots of a pick's candidates
	nums       struct {
		entry [entryNums]uint64
		pick  [pickNums]uint64
		cand  [candNums]uint64
	}
}

// forget begins anew, in the memory that is there.
func (h *history) forget() {
	if h.byHash == nil {
		h.entry, h.try, h.pick, h.none = newPast(entryNums, entryTexts), newPast(tryNums, tryTexts), newPast(pickNums, pickTexts), newPast(callNums, callTexts)
		h.byHash, h.names = map[uint64]int{}, map[string]int{}
	}
	h.entry.reset()
	h.pick.reset()
	for i := range h.calls {
		h.calls[i].reset()
	}
	clear(h.byHash)
	clear(h.names)
	h.used = 0
}

// appendFramed writes a record as uvarint length | record.
func (h *history) appendFramed(dst []byte, r *Record) []byte {
	at := len(dst)
	dst = h.append(append(dst, 0, 0), r) // room for a length that takes two bytes
	size := uint64(len(dst) - at - 2)
	if size < 1<<14 {
		dst[at], dst[at+1] = byte(size)|0x80, byte(size>>7)
		return dst
	}
	var head [binary.MaxVarintLen64]byte
	return slices.Replace(dst, at, at+2, head[:binary.PutUvarint(head[:], size)]...)
}

func (h *history) append(dst []byte, r *Record) []byte {
	flags := byte(0)
	if r.Canary {
		flags |= flagCanary
	}
	if !h.begun || h.used > maxSlots {
		h.forget()
		h.begun = true
		flags |= flagFresh
	}
	dst = append(dst, recordVersion, flags)
	dst = append(dst, r.Entry.ID[:]...)
	texts := entryStrings(&r.Entry)
	entryNumbers(&r.Entry, &h.nums.entry)
	dst = h.group(dst, &h.entry, entryShape, h.nums.entry[:], texts[:])
	h.beforeTries()
	dst = binary.AppendUvarint(dst, uint64(len(r.Tries)))
	for i := range r.Tries {
		nums, texts := tryNumbers(&r.Tries[i]), tryStrings(&r.Tries[i])
		dst = h.group(dst, &h.try, tryShape, nums[:], texts[:])
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.Picks)))
	for i := range r.Picks {
		dst = h.appendPick(dst, &r.Picks[i])
	}
	return dst
}

// beforeTries puts what a record's first try will most likely be in place: the one that made the entry.
func (h *history) beforeTries() {
	e, t := &h.entry, &h.try
	t.reset()
	for _, a := range alikeNums {
		t.nums[a.try] = e.nums[a.entry]
	}
	for _, a := range alikeTexts {
		t.texts[a.try] = append(t.texts[a.try][:0], e.texts[a.entry]...)
	}
}

func (h *history) appendPick(dst []byte, p *Pick) []byte {
	texts := pickStrings(p)
	pickNumbers(p, &h.nums.pick)
	dst = h.group(dst, &h.pick, pickShape, h.nums.pick[:], texts[:])
	dst = binary.AppendUvarint(dst, uint64(len(p.Candidates)))
	h.places = h.places[:0]
	next := 0
	for i := range p.Candidates {
		c := &p.Candidates[i]
		var found bool
		if next, found = h.find(c.IDHash, next); found {
			dst = binary.AppendUvarint(dst, uint64(next)+1)
		} else {
			dst = append(dst, 0)
		}
		candNumbers(c, &h.nums.cand)
		dst = h.slots[next].append(dst, &h.nums.cand, c)
		h.places = append(h.places, next)
		next++
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.Scores)))
	for i, s := range p.Scores {
		was, is := uint64(0), math.Float64bits(s)
		if i < len(h.places) {
			last := &h.slots[h.places[i]].score
			was, *last = *last, is
		}
		dst = appendWord(dst, was^is)
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.Filtered)))
	for _, f := range p.Filtered {
		dst = append(dst, byte(flag(f, 1)))
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.Calls)))
	for i := range p.Calls {
		nums, texts := callNumbers(&p.Calls[i]), callStrings(&p.Calls[i])
		dst = h.group(dst, h.call(i), callShape, nums[:], texts[:])
	}
	return dst
}

// call returns what the call of an index is compared with.
func (h *history) call(i int) *past {
	if i >= maxCalls {
		h.none.reset()
		return &h.none
	}
	if i == len(h.calls) {
		h.calls = append(h.calls, newPast(callNums, callTexts))
	}
	return &h.calls[i]
}

// find returns a candidate's slot, which is most likely the next one, or takes a free one.
func (h *history) find(hash uint64, next int) (at int, found bool) {
	if next < h.used && h.slots[next].nums[candHash] == hash {
		return next, true
	}
	if at, found = h.byHash[hash]; found {
		return at, true
	}
	at = h.used
	h.used++
	h.byHash[hash] = at
	if at == len(h.slots) {
		h.slots = append(h.slots, slot{})
	} else {
		h.slots[at] = slot{}
	}
	return at, false
}

// candHash is where a candidate's IDHash is among its numbers.
const candHash = 26

// group writes what changed in a group, and remembers it. It may change texts.
func (h *history) group(dst []byte, p *past, of *shape, nums []uint64, texts []string) []byte {
	mask := changes(nums, p.nums)
	for i, s := range texts {
		if s == string(p.texts[i]) {
			continue
		}
		if of.cut {
			if texts[i] = ledger.Text(s); texts[i] == string(p.texts[i]) {
				continue
			}
		}
		mask |= 1 << (len(nums) + i)
	}
	dst = appendNumbers(binary.AppendUvarint(dst, mask), mask, of.words, nums, p.nums)
	for mask >>= len(nums); mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		if of.names>>i&1 != 0 {
			dst = h.appendName(dst, p.texts[i], texts[i])
		} else {
			dst = appendText(dst, p.texts[i], texts[i])
		}
		p.texts[i] = append(p.texts[i][:0], texts[i]...)
	}
	return dst
}

// appendName writes a text that may have come before as uvarint place << 1 | 1, and another one as appendText does.
func (h *history) appendName(dst, was []byte, s string) []byte {
	if at, ok := h.names[s]; ok {
		return binary.AppendUvarint(dst, uint64(at)<<1|1)
	}
	if len(h.names) < maxNames {
		h.names[strings.Clone(s)] = len(h.names)
	}
	return appendText(dst, was, s)
}

// append is what [history.group] is, for a candidate.
func (s *slot) append(dst []byte, nums *[candNums]uint64, c *abi.Candidate) []byte {
	mask := changes(nums[:], s.nums[:])
	texts := candStrings(c)
	for i := range texts {
		if texts[i] != s.texts[i] {
			mask |= 1 << (candNums + i)
		}
	}
	dst = appendNumbers(binary.AppendUvarint(dst, mask), mask, candShape.words, nums[:], s.nums[:])
	for mask >>= candNums; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		dst = appendText(dst, s.texts[i], texts[i])
		s.texts[i] = texts[i]
	}
	return dst
}

// changes has a bit for each number that is another.
func changes(nums, was []uint64) (mask uint64) {
	was = was[:len(nums)]
	for i, n := range nums {
		if n != was[i] {
			mask |= 1 << i
		}
	}
	return mask
}

func appendNumbers(dst []byte, mask, words uint64, nums, was []uint64) []byte {
	for mask &= 1<<len(nums) - 1; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		if words>>i&1 != 0 {
			dst = appendWord(dst, nums[i]^was[i])
		} else {
			dst = binary.AppendVarint(dst, int64(nums[i]-was[i]))
		}
		was[i] = nums[i]
	}
	return dst
}
