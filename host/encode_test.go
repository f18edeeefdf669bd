package host

import (
	"math"
	"slices"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// The modules of these tests are written byte by byte, so that each can break one rule. A guest is a strategy or a
// provider whose answers are constants; a test replaces or removes functions before it encodes the guest.

const (
	typeNone    = iota // () -> ()
	typeI32toI  = iota // (i32) -> i32
	typeToI64   = iota // () -> i64
	typeI32toL  = iota // (i32) -> i64
	typeLog     = iota // (i32, i32, i32) -> ()
	typeI32     = iota // (i32) -> ()
	typeI32I32  = iota // (i32, i32) -> i32
	bufferAt    = 1024
	bufferSize  = 60 << 10
	answersFrom = 64 << 10
)

var functionTypes = [][2]string{
	{"", ""}, {"\x7f", "\x7f"}, {"", "\x7e"}, {"\x7f", "\x7e"}, {"\x7f\x7f\x7f", ""}, {"\x7f", ""}, {"\x7f\x7f", "\x7f"},
}

type function struct {
	kind   int
	body   []byte
	locals byte // of type i32, beside the parameters
}

type imported struct {
	module, name string
	kind         int
}

type guest struct {
	imports     []imported
	memory      []byte // limits; nil is 3 pages and no maximum
	noMemory    bool
	order       []string
	functions   map[string]function
	startExport string // the function that the start section names
	data        []byte // lies at answersFrom
}

// newGuest returns a guest with what both kinds have.
func newGuest(describe string) *guest {
	g := &guest{functions: map[string]function{}}
	g.set(abi.Marker, typeNone, nil)
	g.set(abi.ExportInput, typeI32toI, constI32(bufferAt))
	g.set(abi.ExportDescribe, typeToI64, g.answer([]byte(describe)))
	g.set(abi.ExportConfigure, typeI32toL, g.answer(abi.AppendOK(nil)))
	return g
}

const strategyDescription = `{"abi":1,"kind":"strategy","name":"test","version":"1.0"}`

// newStrategy returns a strategy that gives the scores, whatever it is asked.
func newStrategy(scores ...float64) *guest {
	g := newGuest(strategyDescription)
	out := abi.ScoreOutput{Scores: scores}
	g.set(abi.ExportScore, typeI32toL, g.answer(out.Append(nil)))
	return g
}

const providerDescription = `{"abi":1,"kind":"provider","name":"test","version":"1.0","dialect":"openai","endpoints":["chat"]}`

// newProvider returns a provider whose answers are small and valid.
func newProvider() *guest {
	g := newGuest(providerDescription)
	request := abi.RequestOutput{Path: []byte("/v1"), Body: []byte("{}")}
	response := abi.ResponseOutput{AsIs: true}
	stream := abi.StreamOutput{Count: 1, Chunks: abi.Chunks(nil).Append(abi.ChunkContent, []byte("{}"))}
	g.set(abi.ExportRequest, typeI32toL, g.answer(request.Append(nil)))
	g.set(abi.ExportResponse, typeI32toL, g.answer(response.Append(nil)))
	g.set(abi.ExportStream, typeI32toL, g.answer(stream.Append(nil)))
	return g
}

// set replaces or adds an exported function.
func (g *guest) set(name string, kind int, body []byte) *guest {
	if _, ok := g.functions[name]; !ok {
		g.order = append(g.order, name)
	}
	g.functions[name] = function{kind: kind, body: body}
	return g
}

func (g *guest) remove(name string) *guest {
	delete(g.functions, name)
	g.order = slices.DeleteFunc(g.order, func(n string) bool { return n == name })
	return g
}

// answer keeps bytes in the guest's memory and returns code that returns them packed.
func (g *guest) answer(b []byte) []byte {
	at := answersFrom + len(g.data)
	g.data = append(g.data, b...)
	return constI64(int64(abi.Pack(uint32(at), uint32(len(b)))))
}

// Pieces of code.

var (
	trap = []byte{0x00}
	spin = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b} // loop: br 0
)

func constI32(v int32) []byte { return append([]byte{0x41}, signed(int64(v))...) }
func constI64(v int64) []byte { return append([]byte{0x42}, signed(v)...) }
func call(index int) []byte   { return append([]byte{0x10}, unsigned(uint64(index))...) }

// trapIf runs the code before, and traps instead when the input has a byte of that value at an offset.
func trapIf(offset int, value byte, code []byte) []byte {
	b := constI32(int32(bufferAt + offset))
	b = append(b, 0x2d, 0, 0) // i32.load8_u
	b = append(b, constI32(int32(value))...)
	b = append(b, 0x46, 0x04, 0x40, 0x00, 0x0b) // i32.eq, if: unreachable, end
	return append(b, code...)
}

func concat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func (g *guest) encode() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, items ...[]byte) {
		if len(items) == 0 {
			return
		}
		body := unsigned(uint64(len(items)))
		for _, item := range items {
			body = append(body, item...)
		}
		out = append(append(append(out, id), unsigned(uint64(len(body)))...), body...)
	}
	var types, imports, kinds, exports, code [][]byte
	for _, t := range functionTypes {
		types = append(types, concat([]byte{0x60}, text(t[0]), text(t[1])))
	}
	for _, i := range g.imports {
		imports = append(imports, concat(text(i.module), text(i.name), []byte{0x00, byte(i.kind)}))
	}
	start := -1
	for n, name := range g.order {
		f := g.functions[name]
		index := len(g.imports) + n
		if name == g.startExport {
			start = index
		}
		kinds = append(kinds, []byte{byte(f.kind)})
		exports = append(exports, concat(text(name), []byte{0x00}, unsigned(uint64(index))))
		locals := []byte{0x00}
		if f.locals > 0 {
			locals = []byte{1, f.locals, 0x7f}
		}
		body := concat(locals, f.body, []byte{0x0b})
		code = append(code, concat(unsigned(uint64(len(body))), body))
	}
	section(1, types...)
	section(2, imports...)
	section(3, kinds...)
	if !g.noMemory {
		limits := g.memory
		if limits == nil {
			limits = []byte{0x00, 3}
		}
		section(5, limits)
		exports = append(exports, concat(text(abi.ExportMemory), []byte{0x02, 0x00}))
	}
	section(7, exports...)
	if start >= 0 {
		body := unsigned(uint64(start))
		out = append(append(append(out, 8), unsigned(uint64(len(body)))...), body...)
	}
	section(10, code...)
	if len(g.data) > 0 && !g.noMemory {
		section(11, concat([]byte{0x00}, constI32(answersFrom), []byte{0x0b}, text(string(g.data))))
	}
	return out
}

func text(s string) []byte { return append(unsigned(uint64(len(s))), s...) }

func unsigned(v uint64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		if v >>= 7; v == 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func signed(v int64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

var nan = math.NaN()
