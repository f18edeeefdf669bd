package e2e

import (
	"slices"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Where the tiny strategy keeps what it reads and writes. Its memory is three pages of 64 KiB.
const (
	tinyInput    = 1 << 10
	tinyScores   = 64 << 10 // the output of score; what follows its head is never written, so every score is 0
	tinyAnswer   = 128 << 10
	tinyDescribe = tinyAnswer + 16
)

// tinyStrategy encodes a strategy without a compiler: it finds all candidates equally good. Each number gives a module
// of its own, of some hundred bytes, which the router must compile anew.
func tinyStrategy(n int) []byte {
	describe := (&abi.Description{ABI: abi.Version, Kind: abi.KindStrategy, Name: "tiny", Version: "1.0"}).AppendJSON(nil)
	head, answer := (&abi.ScoreOutput{}).Append(nil), abi.AppendOK(nil)
	address := func(at, size int) []byte {
		return slices.Concat([]byte{0x42}, sleb(int64(abi.Pack(uint32(at), uint32(size)))))
	}
	i32 := func(v int64) []byte { return slices.Concat([]byte{0x41}, sleb(v)) }
	count := slices.Concat(i32(tinyInput), []byte{0x28, 2, 4}) // i32.load offset=4: the number of candidates
	functions := []struct {
		export string
		kind   byte // index of a type
		code   []byte
	}{
		{abi.Marker, 0, nil},
		{abi.ExportInput, 1, i32(tinyInput)},
		{abi.ExportDescribe, 2, address(tinyDescribe, len(describe))},
		{abi.ExportConfigure, 3, address(tinyAnswer, len(answer))},
		{abi.ExportScore, 3, slices.Concat(
			i32(tinyScores), count, []byte{0x36, 2, 4}, // i32.store offset=4: the number of scores
			address(tinyScores, len(head)),
			count, i32(8), []byte{0x6c, 0xad, 0x7c}, // i32.mul, i64.extend_i32_u, i64.add: the length grows by 8 a score
		)},
	}
	types := [][]byte{{0x60, 0, 0}, {0x60, 1, 0x7f, 1, 0x7f}, {0x60, 0, 1, 0x7e}, {0x60, 1, 0x7f, 1, 0x7e}}
	exports := [][]byte{slices.Concat(counted(abi.ExportMemory), []byte{2, 0})}
	var kinds, bodies [][]byte
	for i, f := range functions {
		kinds = append(kinds, []byte{f.kind})
		exports = append(exports, slices.Concat(counted(f.export), []byte{0, byte(i)}))
		bodies = append(bodies, counted(slices.Concat([]byte{0}, f.code, []byte{0x0b})))
	}
	data := func(at int64, b []byte) []byte { return slices.Concat([]byte{0}, i32(at), []byte{0x0b}, counted(b)) }
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, types...), section(3, kinds...), section(5, []byte{0, 3}), section(7, exports...), section(10, bodies...),
		section(11, data(tinyScores, head), data(tinyAnswer, answer), data(tinyDescribe, describe)),
		slices.Concat([]byte{0}, counted(append(counted("number"), strconv.Itoa(n)...))), // a custom section
	)
}

func section(id byte, items ...[]byte) []byte {
	return slices.Concat([]byte{id}, counted(slices.Concat(uleb(len(items)), slices.Concat(items...))))
}

// counted puts a length before bytes.
func counted[T ~string | ~[]byte](b T) []byte { return append(uleb(len(b)), b...) }

func uleb(n int) (b []byte) {
	for n > 0x7f {
		b = append(b, byte(n&0x7f)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func sleb(v int64) (b []byte) {
	for v < -64 || v > 63 {
		b = append(b, byte(v&0x7f)|0x80)
		v >>= 7
	}
	return append(b, byte(v&0x7f))
}
