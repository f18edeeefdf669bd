package compiler

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The two processes are the same binary, so that there is one version. On the way in:
//
//	magic, u32 size of the order, u64 size of the module, order as JSON, module
//
// and back one answer as JSON. Numbers are little-endian. The child's standard input stays open until the parent has the
// answer, or is gone.
const magic = "switchyard job\n"

// maxOrder and maxAnswer bound what the two believe of each other.
const (
	maxOrder  = 16 << 10
	maxAnswer = 16 << 10
)

// order is what the child is asked for.
type order struct {
	Job
	Bounds
	Urgent bool // the machine is too busy to wait for what all others leave

	drummer *drummer // of a child beside requests, once it runs
}

// answer is what it made of it.
type answer struct {
	Done    bool   // true when it ran to an end
	Error   string `json:",omitempty"` // why the work folder is not complete
	Refused bool   `json:",omitempty"` // the error is about the module
	Memory  int64  // the most that it has used, in bytes
}

// encodeOrder writes an order, all but its module.
func encodeOrder(o *order) ([]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	b := []byte(magic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(o.Module)))
	return append(b, text...), nil
}

// readHead reads an order, all but its module of so many bytes.
func readHead(r io.Reader) (o order, size uint64, err error) {
	head := make([]byte, len(magic)+4+8)
	if _, err = io.ReadFull(r, head); err != nil {
		return o, 0, fmt.Errorf("reading the order: %w", err)
	}
	if string(head[:len(magic)]) != magic {
		return o, 0, errors.New("reading the order: it is none; this command is for the router's own use")
	}
	text := make([]byte, min(binary.LittleEndian.Uint32(head[len(magic):]), maxOrder))
	if _, err = io.ReadFull(r, text); err != nil {
		return o, 0, fmt.Errorf("reading the order: %w", err)
	}
	if err = json.Unmarshal(text, &o); err != nil {
		return o, 0, fmt.Errorf("reading the order: %w", err)
	}
	return o, binary.LittleEndian.Uint64(head[len(magic)+4:]), nil
}

// readModule reads the rest of an order. It takes memory for what comes, not for what was announced.
func readModule(r io.Reader, size uint64) ([]byte, error) {
	module, err := io.ReadAll(io.LimitReader(r, int64(min(size, 1<<62))))
	if err == nil && uint64(len(module)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("reading the module: %w", err)
	}
	return module, nil
}
