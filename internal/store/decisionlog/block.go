package decisionlog

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// A block is u8 1 | a DEFLATE stream of records, each as uvarint length | bytes.
//
// Level 2 was measured: it packs as small as the levels above within a tenth, and several times
// faster than most of them.
const (
	blockVersion = 1
	packLevel    = 2
	// targetBytes is how much goes into a block before it is packed; more packs no smaller.
	targetBytes = 256 << 10
	// maxBlock bounds what a block unpacks to.
	maxBlock = 64 << 20
)

// errBlock means that bytes are no block that this version knows.
var errBlock = errors.New("decision log: not a block of this version")

// packer packs blocks, one at a time.
type packer struct {
	w   *flate.Writer
	out bytes.Buffer
}

// pack packs framed records. The result is the caller's.
func (p *packer) pack(framed []byte) []byte {
	p.out.Reset()
	p.out.WriteByte(blockVersion)
	if p.w == nil {
		p.w, _ = flate.NewWriter(&p.out, packLevel) // the level exists
	} else {
		p.w.Reset(&p.out)
	}
	// A buffer in memory takes everything.
	_, _ = p.w.Write(framed)
	_ = p.w.Close()
	return bytes.Clone(p.out.Bytes())
}

// unpacker unpacks blocks, one at a time.
type unpacker struct {
	r   io.ReadCloser
	out bytes.Buffer
}

// unpack returns a block's framed records, which are valid until the next call.
func (u *unpacker) unpack(block []byte) ([]byte, error) {
	if len(block) == 0 || block[0] != blockVersion {
		return nil, errBlock
	}
	in := bytes.NewReader(block[1:])
	if u.r == nil {
		u.r = flate.NewReader(in)
	} else if err := u.r.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	u.out.Reset()
	if n, err := io.Copy(&u.out, io.LimitReader(u.r, maxBlock+1)); err != nil || n > maxBlock {
		return nil, fmt.Errorf("%w: it does not unpack: %w", errBlock, err)
	}
	return u.out.Bytes(), nil
}

func appendFramed(dst, record []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(record))), record...)
}

// records calls yield with each framed record, until it returns false or an error.
func records(framed []byte, yield func(rec []byte) (bool, error)) (bool, error) {
	for len(framed) > 0 {
		size, n := binary.Uvarint(framed)
		if n <= 0 || size > uint64(len(framed)-n) {
			return false, errBlock
		}
		if on, err := yield(framed[n : n+int(size)]); !on || err != nil {
			return false, err
		}
		framed = framed[n+int(size):]
	}
	return true, nil
}

// idOf reads a record's ID without decoding the rest.
func idOf(rec []byte) (id store.EntryID) {
	if len(rec) >= idOffset+len(id) {
		copy(id[:], rec[idOffset:])
	}
	return id
}

// idOffset is where the entry's ID stands in a record: after two bytes of its own, the entry's
// length, and the entry's version.
const idOffset = 2 + 2 + 1
