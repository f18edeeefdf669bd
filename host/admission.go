package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var magic = []byte("\x00asm\x01\x00\x00\x00")

// load decides which version of a plugin a build uses, admitting the file's if it is new. It leaves a reference on the
// candidate's module and on the old one of its trial.
func (b *build) load(ctx context.Context, c *candidate) {
	var cur *version
	if b.prev != nil {
		cur = b.prev.versions[c.record.path]
	}
	data, err := b.read(c.record.plugin)
	if err != nil {
		if cur == nil || !errors.Is(err, fs.ErrNotExist) || !b.carry(c, cur, StateGone) {
			c.err = b.explainMissing(c.record.plugin, err)
			b.host.rejected(c.record, "", c.err)
			return
		}
		b.host.log.Warn("file is gone; version "+c.module.desc.Load().Version+" keeps serving",
			"plugin", c.record.plugin, "path", c.record.path, "hash", short(c.module.hash))
		return
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	if cur != nil {
		if cur.active().hash == hash && b.carry(c, cur, StateActive) {
			return
		}
		if c.record.isBad(hash) && b.carry(c, cur, StateReverted) {
			return
		}
	}
	c.state = StateActive
	if c.module = b.host.liveModule(hash); c.module == nil {
		if c.err = b.admit(ctx, c, data, hash); c.err != nil {
			b.host.rejected(c.record, hash, c.err)
			return
		}
	}
	if cur == nil {
		return
	}
	if t := cur.open(); t != nil && t.old.hash == hash {
		return // back to the version before the one on probation: it has nothing to prove
	}
	if old := cur.active(); b.host.retainModule(old) {
		c.trial = newTrial(b.host, c.record, c.module, old)
	}
}

// carry lets a candidate be what serves now, probation included, and reports whether that is still loaded.
func (b *build) carry(c *candidate, cur *version, state string) bool {
	m := cur.active()
	if !b.host.retainModule(m) {
		return false
	}
	c.module, c.state = m, state
	if t := cur.open(); t != nil && b.host.retainModule(t.old) {
		c.trial = t
	}
	return true
}

var errPluginName = errors.New("a plugin's name is a file name without folder and without .wasm")

// read returns a plugin file's bytes if it is of a size to be admitted.
func (b *build) read(plugin string) ([]byte, error) {
	if plugin == "" || plugin != filepath.Base(plugin) || strings.HasSuffix(plugin, ".wasm") || strings.HasPrefix(plugin, ".") {
		return nil, errPluginName
	}
	f, err := os.Open(b.path(plugin))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	limit := b.host.opts.MaxModule
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading it: %w", err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("it has more than %d bytes, the most that a module may have", limit)
	case !bytes.HasPrefix(data, magic):
		return nil, fmt.Errorf("it is not a WebAssembly 1.0 module: it starts with %q", data[:min(len(data), len(magic))])
	}
	return data, nil
}

// explainMissing turns a missing file into a sentence that says what the folder has.
func (b *build) explainMissing(plugin string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, globErr := filepath.Glob(filepath.Join(b.dir, "*.wasm"))
	if globErr != nil || len(files) == 0 {
		return fmt.Errorf("no such file, and the folder has no other plugin: %w", fs.ErrNotExist)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".wasm")
	}
	hint := ""
	if near := nearest(plugin, files); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("no such file; the folder has %s%s: %w", strings.Join(files, ", "), hint, fs.ErrNotExist)
}

// admit compiles a new module and checks it from outside. Starting it is the pool's part.
func (b *build) admit(ctx context.Context, c *candidate, data []byte, hash string) error {
	m := &module{hash: hash, refs: 1}
	if err := b.compile(ctx, m, data); err != nil {
		return err
	}
	h := b.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if other := h.modules[hash]; other != nil { // a copy of the file under another name was faster
		other.refs++
		c.module = other
		return m.compiled.Close(ctx)
	}
	h.modules[hash] = m
	c.module = m
	return nil
}

func (b *build) compile(ctx context.Context, m *module, data []byte) (err error) {
	h := b.host
	if h.opts.Rewrite != nil {
		if data, err = h.opts.Rewrite(data); err != nil {
			return err
		}
	}
	if m.compiled, err = h.compileWithin(ctx, data); err != nil {
		return fmt.Errorf("compiling it: %w", err)
	}
	if err = h.inspect(m); err != nil {
		return errors.Join(err, m.compiled.Close(ctx))
	}
	return nil
}

// compileWithin compiles under the host's time limit. The compiler looks at ctx between two functions only, so what
// comes too late is thrown away.
func (h *Host) compileWithin(ctx context.Context, data []byte) (wazero.CompiledModule, error) {
	ctx, cancel := context.WithTimeout(ctx, h.opts.Timeout)
	defer cancel()
	type result struct {
		compiled wazero.CompiledModule
		err      error
	}
	done := make(chan result)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("the compiler panicked: %v", p)}
			}
			select {
			case done <- r:
			case <-ctx.Done():
				if r.compiled != nil {
					_ = r.compiled.Close(context.WithoutCancel(ctx))
				}
			}
		}()
		r.compiled, r.err = h.runtime.CompileModule(ctx, data)
		if r.err != nil && h.clearCache(r.err) {
			r.compiled, r.err = h.runtime.CompileModule(ctx, data)
		}
	}()
	select {
	case r := <-done:
		return r.compiled, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var (
	i32 = []api.ValueType{api.ValueTypeI32}
	i64 = []api.ValueType{api.ValueTypeI64}
)

// signature is what an export must look like.
type signature struct {
	name            string
	params, results []api.ValueType
}

var (
	commonExports = []signature{
		{abi.Marker, nil, nil},
		{abi.ExportInput, i32, i32},
		{abi.ExportDescribe, nil, i64},
		{abi.ExportConfigure, i32, i64},
	}
	providerExports = []signature{{abi.ExportRequest, i32, i64}, {abi.ExportResponse, i32, i64}, {abi.ExportStream, i32, i64}}
	strategyExports = []signature{{abi.ExportScore, i32, i64}}
	optionalExports = []signature{{abi.ExportInit, nil, nil}, {abi.ExportFeedback, i32, i64}}
)

// inspect checks a compiled module's imports, exports and memory, and reads its kind off its exports.
func (h *Host) inspect(m *module) error {
	if err := h.checkImports(m.compiled); err != nil {
		return err
	}
	exports := m.compiled.ExportedFunctions()
	if err := checkMarker(exports); err != nil {
		return err
	}
	_, score := exports[abi.ExportScore]
	var translates string
	for _, s := range providerExports {
		if _, ok := exports[s.name]; ok {
			translates = s.name
			break
		}
	}
	want := slices.Clone(commonExports)
	switch {
	case score && translates != "":
		return fmt.Errorf("it exports both %q and %q, but a module is either a strategy or a provider", abi.ExportScore, translates)
	case score:
		m.kind, want = abi.KindStrategy, append(want, strategyExports...)
	case translates != "":
		m.kind, want = abi.KindProvider, append(want, providerExports...)
	default:
		return fmt.Errorf("no export %q (a strategy's) and no export %q (a provider's)", abi.ExportScore, abi.ExportRequest)
	}
	for _, s := range optionalExports {
		if _, ok := exports[s.name]; ok {
			want = append(want, s)
			m.feedback = m.feedback || s.name == abi.ExportFeedback
		}
	}
	for _, s := range want {
		def, ok := exports[s.name]
		if !ok {
			return fmt.Errorf("no export %q, which %s must have", s.name, kindNoun(m.kind))
		}
		if !slices.Equal(def.ParamTypes(), s.params) || !slices.Equal(def.ResultTypes(), s.results) {
			return fmt.Errorf("export %q is %s, it must be %s", s.name,
				typeText(def.ParamTypes(), def.ResultTypes()), typeText(s.params, s.results))
		}
	}
	if m.feedback && m.kind == abi.KindProvider {
		return fmt.Errorf("it exports %q, which only a strategy may", abi.ExportFeedback)
	}
	return h.checkMemory(m.compiled)
}

// checkMarker looks for exactly one version marker.
func checkMarker(exports map[string]api.FunctionDefinition) error {
	var spoken []string
	for name := range exports {
		if v, ok := strings.CutPrefix(name, abi.MarkerPrefix); ok {
			spoken = append(spoken, v)
		}
	}
	slices.Sort(spoken)
	switch {
	case len(spoken) == 0:
		return fmt.Errorf("no export %q: it does not say which ABI it speaks; this host speaks %d", abi.Marker, abi.Version)
	case len(spoken) > 1:
		return fmt.Errorf("it claims to speak the ABI versions %s; a module speaks one", strings.Join(spoken, " and "))
	case spoken[0] != strconv.Itoa(abi.Version):
		return fmt.Errorf("module speaks ABI %s; this host speaks %d", spoken[0], abi.Version)
	}
	return nil
}

func (h *Host) checkMemory(compiled wazero.CompiledModule) error {
	if n := len(compiled.ImportedMemories()); n > 0 {
		return errors.New("it imports a memory, but must bring its own")
	}
	memory, ok := compiled.ExportedMemories()[abi.ExportMemory]
	if !ok {
		return fmt.Errorf("no exported memory %q", abi.ExportMemory)
	}
	if memory.Min() > h.opts.MemoryLimit {
		return fmt.Errorf("its memory starts with %d pages, the limit is %d", memory.Min(), h.opts.MemoryLimit)
	}
	return nil
}

// typeText writes a function type as text.
func typeText(params, results []api.ValueType) string {
	list := func(types []api.ValueType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = api.ValueTypeName(t)
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	return list(params) + " -> " + list(results)
}

// nearest returns the name that is at most a third of its letters away from what was asked for, "" when none is.
func nearest(asked string, names []string) string {
	best, bestAt := "", len(asked)/3+2
	for _, name := range names {
		if d := distance(asked, name); d < bestAt {
			best, bestAt = name, d
		}
	}
	return best
}

// distance counts the insertions, deletions and substitutions between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
