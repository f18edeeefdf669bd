package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tetratelabs/wazero"

	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/host/internal/contract"
)

// load decides which version of a plugin a build uses, admitting the file's if it is new. It leaves a reference on the
// candidate's module and on the old one of its trial.
func (b *build) load(ctx context.Context, c *candidate) {
	var cur *version
	if b.prev != nil {
		cur = b.prev.versions[c.record.path]
	}
	data, file, err := b.dir.Read(c.record.plugin, b.host.opts.MaxModule)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			c.record.pardon()
		}
		if cur == nil || !errors.Is(err, fs.ErrNotExist) || !b.carry(c, cur, StateGone) {
			c.err = b.dir.Explain(c.record.plugin, err)
			b.host.rejected(c.record, "", c.err)
			return
		}
		b.host.log.Warn("file is gone; version "+c.module.desc.Load().Version+" keeps serving",
			"plugin", c.record.plugin, "path", c.record.path, "hash", short(c.module.hash))
		return
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	bad := c.record.isBad(hash, file)
	if cur != nil {
		if t := cur.open(); t != nil && t.module.hash == hash {
			t.file.Store(&file)
		}
		if cur.active().hash == hash && b.carry(c, cur, StateActive) {
			return
		}
		if bad && b.carry(c, cur, StateReverted) {
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
		c.trial = newTrial(b.host, c.record, c.module, old, file)
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
	h.numbers++
	m.number = h.numbers
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
	if m.Shape, err = contract.Module(m.compiled, &h.rules); err != nil {
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
		if r.err != nil && h.clearedCache(r.err) {
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

// clearedCache empties the compilation cache if err says that it is damaged, and reports whether compiling again is
// worthwhile.
func (h *Host) clearedCache(err error) bool {
	if h.opts.CacheDir == "" || !codecache.Damaged(err) {
		return false
	}
	h.log.Warn("the compilation cache is damaged and is emptied", "folder", h.opts.CacheDir, "error", err)
	return codecache.Clear(h.opts.CacheDir) == nil
}
