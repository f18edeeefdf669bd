package library

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
)

// store is the code that modules were compiled to, on disk, and the means to compile others.
type store struct {
	*codecache.Folder
	log         *slog.Logger
	max         int64 // bytes of the folder
	fingerprint string
	command     compiler.Command

	mu      sync.Mutex
	refused map[Key]error // what compiling again would say again
}

// maxRefused bounds what is remembered of bad modules.
const maxRefused = 1000

func openStore(ctx context.Context, o *Options) (*store, error) {
	folder, err := codecache.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &store{Folder: folder, log: o.Log, max: o.Size, command: o.Command, refused: map[Key]error{}}
	if s.fingerprint, err = compiler.Fingerprint(ctx, folder); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return s, nil
}

func (s *store) key(k *Key) codecache.Key {
	return compiler.Key(k.Hash, &k.Limits, s.fingerprint)
}

// find uses the code of a module that was compiled before and reports whether there was one.
func (s *store) find(plugin string, k *Key, use func([]byte) error) (bool, error) {
	found, err := s.Load(s.key(k), use)
	if _, damaged := errors.AsType[*codecache.DamageError](err); damaged {
		s.log.Warn("compiling a plugin anew", "plugin", plugin, "hash", Short(k.Hash), "error", err)
		return false, nil
	}
	return found, err
}

// codeSize returns the size of a module's code on disk, 0 when it can't be told.
func (s *store) codeSize(k *Key) int64 {
	size, err := s.CodeSize(s.key(k))
	if err != nil {
		s.log.Warn("the memory of a plugin is not known", "hash", Short(k.Hash), "error", err)
	}
	return size
}

// resident estimates how much memory a module occupies: its code is mapped, its outline is kept, and what the runtime knows
// of its functions comes to about as much as the metered module, which has three times the bytes of its outline where Go has
// built it (2.9 to 3.1).
func resident(outline int, code int64) int64 { return code + 4*int64(outline) }

// add compiles a module into the cache and uses its code.
func (s *store) add(ctx context.Context, plugin string, k *Key, data []byte, b *compiler.Bounds, use func([]byte) error) error {
	work, err := s.Work()
	if err != nil {
		return err
	}
	defer s.Discard(work)
	job := &compiler.Job{Module: data, Limits: k.Limits, Work: work}
	if len(s.command) == 0 {
		err = compiler.CompileWithin(ctx, job, b.Timeout)
	} else {
		err = s.run(ctx, plugin, job, k, b)
	}
	if err == nil {
		return s.Keep(s.key(k), work, use)
	}
	if _, lasting := errors.AsType[*compiler.RefusalError](err); lasting {
		s.condemn(k, err)
	}
	return err
}

// run compiles in another process.
func (s *store) run(ctx context.Context, plugin string, job *compiler.Job, k *Key, b *compiler.Bounds) error {
	began := time.Now()
	used, err := s.command.Compile(ctx, job, b)
	log := s.log.With("plugin", plugin, "hash", Short(k.Hash), "took", time.Since(began).Round(time.Millisecond),
		"cpu", used.CPU.Round(time.Millisecond), "memory", used.Memory)
	if err != nil {
		log.Info("a plugin was not compiled", "error", err)
	} else {
		log.Info("compiled a plugin")
	}
	return err
}

// verdict returns why a module was refused before. An unchanged file is looked at on every reload and for every owner,
// and a bad one would take as long each time.
func (s *store) verdict(k *Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[*k]
}

func (s *store) condemn(k *Key, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) == maxRefused {
		clear(s.refused)
	}
	s.refused[*k] = err
}
