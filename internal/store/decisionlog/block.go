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

// A block is u8 2 | records, each as uvarint length | bytes. It is not compressed: little in its records repeats, see
// encode.go. One of version 1 is u8 1 | a DEFLATE stream of the same.
const (
	blockVersion  = 2
	blockVersion1 = 1
	// targetBytes is how much goes into a block.
	targetBytes = 256 << 10
	// maxBlock bounds what a block unpacks to.
	maxBlock = 64 << 20
)

// errBlock means that bytes are no block that this version knows.
var errBlock = errors.New("decision log: not a block of this version")

// pack makes a block of framed records.
func pack(framed []byte) []byte {
	return append(append(make([]byte, 0, 1+len(framed)), blockVersion), framed...)
}

// unpacker unpacks blocks, one at a time.
type unpacker struct {
	r   io.ReadCloser
	out bytes.Buffer
}

// unpack returns a block's framed records, which are valid until the next call, and as long as the block is.
func (u *unpacker) unpack(block []byte) ([]byte, error) {
	switch {
	case len(block) > 0 && block[0] == blockVersion:
		return block[1:], nil
	case len(block) == 0 || block[0] != blockVersion1:
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
	at := 2 // after the version and the flags
	if len(rec) > 0 && rec[0] == version1 {
		at += 2 + 1 // the entry's length and its version
	}
	if len(rec) >= at+len(id) {
		copy(id[:], rec[at:])
	}
	return id
}
