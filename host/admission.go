package host

import (
	"context"
	"errors"
	"io/fs"

	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/host/internal/threads"
	"github.com/switchyard-gateway/switchyard/host/internal/vectors"
)

// load decides which version of a plugin a build uses, admitting the file's if it is new. It leaves a reference on the
// candidate's module and on the old one of its trial.
func (b *build) load(ctx context.Context, c *candidate) {
	var cur *version
	if b.prev != nil {
		cur = b.prev.versions[c.record.key]
	}
	if seen := c.record.known(b.dir); seen != nil && b.keep(c, cur, seen) {
		return
	}
	limits := b.host.limits(c.record.key.owner)
	var data []byte
	var seen *sighting
	var err error
	threads.LongTurns(func() { data, seen, err = c.record.read(b.dir, limits.ModuleSize) })
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			c.record.pardon()
		}
		if cur == nil || !errors.Is(err, fs.ErrNotExist) || !b.carry(c, cur, StateGone) {
			c.err = b.dir.Explain(c.record.plugin, err)
			b.host.rejected(c.record, "", c.err)
			return
		}
		b.host.log.Warn("file is gone; version "+c.module.Description().Version+" keeps serving",
			"plugin", c.record.plugin, "path", c.record.key.path, "hash", library.Short(c.module.Hash))
		return
	}
	hash := seen.hash
	if b.keep(c, cur, seen) {
		return
	}
	c.state = StateActive
	key, bounds := library.Key{Hash: hash, Limits: limits.module()}, limits.Compile.bounds(b.prev != nil)
	if c.module, c.err = b.modules.Module(ctx, c.record.plugin, key, data, &bounds); c.err != nil {
		if ctx.Err() == nil { // else that is all that is wrong with it
			b.host.rejected(c.record, hash, c.err)
		}
		return
	}
	if c.vectors, c.err = vectors.Read(data); c.err != nil {
		b.host.rejected(c.record, hash, c.err)
		return
	}
	if cur == nil {
		return
	}
	if t := cur.open(); t != nil && t.old.Hash == hash {
		return // back to the version before the one on probation: it has nothing to prove
	}
	if old := cur.active(); old.Retain() {
		c.trial = newTrial(b.host, c.record, c.module, old, seen.file)
	}
}

// bounds returns what a process that compiles may use. Two processors make a module ready in about half the time; beside what
// serves it takes them only while they are free, and as many compile at a time as a Batch allows.
func (c *Compile) bounds(serving bool) compiler.Bounds {
	return compiler.Bounds{Memory: c.Memory, CPU: c.CPU, Timeout: c.Timeout, Processors: 2, Beside: serving}
}

// keep goes on with what serves, cur, and reports whether that is all that the file asks for.
func (b *build) keep(c *candidate, cur *version, s *sighting) bool {
	bad := c.record.isBad(s)
	if cur == nil {
		return false
	}
	if t := cur.open(); t != nil && t.module.Hash == s.hash {
		t.file.Store(&s.file)
	}
	return cur.active().Hash == s.hash && b.carry(c, cur, StateActive) || bad && b.carry(c, cur, StateReverted)
}

// carry lets a candidate be what serves now, probation included, and reports whether that is still loaded.
func (b *build) carry(c *candidate, cur *version, state string) bool {
	m := cur.active()
	if !m.Retain() {
		return false
	}
	c.module, c.state = m, state
	if t := cur.open(); t != nil && t.old.Retain() {
		c.trial = t
	}
	return true
}
