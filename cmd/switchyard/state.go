package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/accounting"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/policies"
	"github.com/switchyard-gateway/switchyard/internal/replay"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/internal/store/ledger"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
	"github.com/switchyard-gateway/switchyard/internal/tenants"
)

// state is what the router remembers, and what it has in memory of it.
type state struct {
	log       *slog.Logger
	store     *sqlite.Store
	ledger    *ledger.Ledger
	decisions *decisionlog.Log
	limits    *limits.Registry
	directory *tenants.Directory
	policies  *policies.Policies
	books     *accounting.Books
	replays   *replay.Jobs

	behind     atomic.Bool // a change of tenants or keys is not in force
	entriesAge time.Duration
	stop       context.CancelFunc // of the housekeeping
	stopped    chan struct{}

	closing sync.Once
	closed  error // what came of it
}

// openState opens the store and reads what requests need of it. What an earlier process left in the journal is in the
// budgets when it returns. busy tells replays whether requests are under way.
func openState(ctx context.Context, cfg *config.Config, h *host.Host, busy func() bool, log *slog.Logger) (*state, error) {
	s := &state{log: log, limits: &limits.Registry{}, entriesAge: cfg.Store.EntriesAge}
	err := s.open(ctx, cfg, h)
	if err == nil {
		s.replays = replay.NewJobs(s.decisions, busy)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store.dir: %w", err), s.close(ctx))
	}
	return s, nil
}

func (s *state) open(ctx context.Context, cfg *config.Config, h *host.Host) (err error) {
	if s.store, err = sqlite.Open(ctx, filepath.Join(cfg.Store.Dir, "switchyard.db")); err != nil {
		return err
	}
	if s.ledger, err = ledger.Open(filepath.Join(cfg.Store.Dir, "journal"), s.store, ledger.Options{Log: s.log}); err != nil {
		return err
	}
	if err = s.ledger.Flush(ctx); err != nil {
		return fmt.Errorf("taking over the journal of an earlier run: %w", err)
	}
	today := store.DayOf(time.Now())
	spent, err := s.store.SpentOn(ctx, today)
	if err != nil {
		return err
	}
	s.limits.Restore(today, spent)
	s.decisions = decisionlog.Open(s.store, decisionlog.Options{TenantBytes: cfg.Store.DecisionsSize, MaxAge: cfg.Store.DecisionsAge, Log: s.log})
	if s.policies, err = policies.Open(ctx, policies.Options{Host: h, Store: s.store, Memory: cfg.Store.Policies, Log: s.log}); err != nil {
		return err
	}
	s.books = accounting.New(s.ledger, s.decisions, s.log)
	s.directory = tenants.New(tenants.Options{Limits: s.limits, Policies: s.policies.Of})
	if err = s.directory.Load(ctx, s.store); err != nil {
		return err
	}
	keep, stop := context.WithCancel(context.Background())
	s.stop, s.stopped = stop, make(chan struct{})
	go s.maintain(keep)
	return nil
}

// observe remembers a finished request.
func (s *state) observe(rec *gateway.Record) {
	s.policies.Observe(rec)
	s.books.Observe(rec)
}

// changed puts into force what was changed in tenants and keys. If the store can't be read it is tried again soon: a key
// that was disabled must not stay good.
func (s *state) changed(ctx context.Context) {
	if err := s.directory.Load(ctx, s.store); err != nil {
		s.behind.Store(true)
		s.log.Error("a change of tenants or keys is stored and not in force yet", "error", err)
	}
}

// Intervals of the housekeeping.
const (
	markEvery = time.Minute
	trimEvery = 24 * time.Hour
	tryEvery  = time.Second
)

// maintain tells the store now and then which keys were used, trims what is too old, and makes up for changes that could
// not be put into force.
func (s *state) maintain(ctx context.Context) {
	defer close(s.stopped)
	mark, trim, try := time.NewTicker(markEvery), time.NewTicker(trimEvery), time.NewTicker(tryEvery)
	defer mark.Stop()
	defer trim.Stop()
	defer try.Stop()
	s.trim(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-mark.C:
			if err := s.directory.MarkUsed(ctx, s.store); err != nil {
				s.log.Warn("housekeeping of the store", "error", err)
			}
		case <-trim.C:
			s.trim(ctx)
		case <-try.C:
			if s.behind.Swap(false) {
				s.changed(ctx)
			}
		}
	}
}

func (s *state) trim(ctx context.Context) {
	n, err := s.store.TrimEntries(ctx, time.Now().Add(-s.entriesAge))
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.log.Warn("trimming the usage ledger", "error", err)
	case n > 0:
		s.log.Info("usage ledger trimmed, its sums stay", "entries", n, "older_than", s.entriesAge)
	}
}

// close writes down what is still in memory. It is called once no request is under way; of what open has not opened it
// takes no notice. It may be called again.
func (s *state) close(ctx context.Context) error {
	s.closing.Do(func() { s.closed = s.shut(ctx) })
	return s.closed
}

func (s *state) shut(ctx context.Context) error {
	var errs []error
	if s.stop != nil {
		s.stop()
		<-s.stopped
		errs = append(errs, s.directory.MarkUsed(ctx, s.store))
	}
	if s.replays != nil {
		s.replays.Close()
	}
	if s.ledger != nil { // before what may use up the time
		errs = append(errs, s.ledger.Close(ctx))
	}
	if s.decisions != nil {
		errs = append(errs, s.decisions.Close(ctx))
	}
	if s.policies != nil {
		errs = append(errs, s.policies.Close(ctx))
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
