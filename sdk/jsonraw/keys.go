package jsonraw

import (
	"math"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// Keys is a set of known member names, to be looked up at once. In a guest it is several times as quick as a switch over
// strings, and a name that is not known costs no more than one that is:
//
//	const (
//		keyRole = 1 + iota
//		keyContent
//	)
//	var messageKeys = jsonraw.NewKeys("role", "content")
//
//	switch doc.Find(key, &messageKeys) {
//	case keyRole:
//	…
//	}
//
// It does not change after NewKeys and may be used concurrently.
type Keys struct {
	slots   [1 << keyBits]uint8 // numbers of names, by their hash
	known   []knownKey          // by number, behind one that stands for no name
	factor  uint64
	longest int
}

type knownKey struct {
	digest uint64
	name   string
}

const (
	keyBits = 8
	maxKeys = 64
)

// NewKeys returns a set of at most 64 names, which are numbered from 1 in their order. It panics if they are more or one
// comes twice: sets are constants.
func NewKeys(names ...string) Keys {
	if len(names) > maxKeys {
		panic("jsonraw: " + strconv.Itoa(len(names)) + " keys are too many for one set")
	}
	k := Keys{known: make([]knownKey, 1, 1+len(names))}
	for _, name := range names {
		d := digest(name)
		for _, other := range k.known[1:] {
			if other.digest == d && len(other.name) == len(name) {
				panic("jsonraw: the keys " + strconv.Quote(other.name) + " and " + strconv.Quote(name) + " can't be told apart")
			}
		}
		k.known = append(k.known, knownKey{digest: d, name: name})
		k.longest = max(k.longest, len(name))
	}
	// There are several times as many slots as names, so that some factor soon gives each name one of its own.
	for k.factor = 0x9e3779b97f4a7c15; !k.spread(); k.factor = k.factor*6364136223846793005 + 2 {
		k.slots = [1 << keyBits]uint8{}
	}
	return k
}

// spread puts the names into their slots. It reports whether each has one of its own.
func (k *Keys) spread() bool {
	for i := 1; i < len(k.known); i++ {
		slot := &k.slots[k.slot(k.known[i].digest, len(k.known[i].name))]
		if *slot != 0 {
			return false
		}
		*slot = uint8(i)
	}
	return true
}

func (k *Keys) slot(digest uint64, size int) uint8 {
	return uint8((digest ^ uint64(size)<<56) * k.factor >> (64 - keyBits))
}

// digest returns a number that says which of a set's names a name of its length may be. Of one that has at most eight
// bytes it is the name itself, as a little-endian word with zeros behind it.
func digest[T ~string | ~[]byte](s T) (d uint64) {
	if len(s) <= 8 {
		for i := range len(s) {
			d |= uint64(s[i]) << (8 * i)
		}
		return d
	}
	const factor = 0xff51afd7ed558ccd
	d = scan.Load8(s, 0)
	for i := 8; i+8 < len(s); i += 8 {
		d = d*factor ^ scan.Load8(s, i)
	}
	return d*factor ^ scan.Load8(s, len(s)-8)
}

// Find returns the number of the name, 0 if it is not in the set.
func (k *Keys) Find(name []byte) int {
	if len(name) > k.longest {
		return 0
	}
	d := digest(name)
	number := k.slots[k.slot(d, len(name))]
	known := &k.known[number]
	if known.digest != d || len(known.name) != len(name) || len(name) > 8 && !same(known.name, name) {
		return 0
	}
	return int(number)
}

// same compares texts of one length, of eight bytes at least. Comparing strings takes several times as long in a guest.
func same(a string, b []byte) bool {
	for i := 8; i < len(a); i += 8 {
		if scan.Load8(a, i-8) != scan.Load8(b, i-8) {
			return false
		}
	}
	return scan.Load8(a, len(a)-8) == scan.Load8(b, len(b)-8)
}

// findEscaped is Find for a raw key that contains escapes.
func (k *Keys) findEscaped(key Value) int {
	const longest = len(`\u0000`)
	if len(key)-2 > k.longest*longest {
		return 0
	}
	var room [64]byte
	return k.Find(key.AppendText(room[:0]))
}

// Find returns the number of a key's name in the set, 0 if it is not there. It also takes a value that is a string.
func (o *Outline) Find(key Node, set *Keys) int {
	e := o.entries[key]
	start, n := int(e&math.MaxUint32)+1, uint(e>>32)-uint(uint32(e))-2
	if n > 8 || start+8 > len(o.text) {
		return o.findOdd(key, set)
	}
	w := scan.Load8(o.text, start) & (1<<(8*n) - 1) // a shift by 64 gives zero
	number := set.slots[set.slot(w, int(n))]
	if known := &set.known[number]; known.digest != w || len(known.name) != int(n) {
		return 0
	}
	return int(number)
}

// findOdd is Find for names that are long, contain escapes or stand at the end of the text.
func (o *Outline) findOdd(key Node, set *Keys) int {
	if int64(o.entries[key]) < 0 {
		return set.findEscaped(o.Value(key))
	}
	return set.Find(o.Inner(key))
}

// Find returns the number of the key's name in the set, 0 if it is not there.
func (m *Members) Find(set *Keys) int {
	if m.escaped {
		return set.findEscaped(m.Key)
	}
	return set.Find(m.Key[1 : len(m.Key)-1])
}
