package guests

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// owner hears of a pool.
type owner struct {
	waited, failed, ended chan struct{}
}

var errFailed = errors.New("what the owner makes of it")

func (o *owner) Waited(time.Duration) { o.waited <- struct{}{} }
func (o *owner) Ended()               { o.ended <- struct{}{} }

func (o *owner) Failed(error) error {
	o.failed <- struct{}{}
	return errFailed
}

// lab is a pool of a strategy, in a library with nothing else.
type lab struct {
	owner
	*Pool
	t       *testing.T
	library *library.Library
	ledger  Ledger
}

// newLab returns one. start bounds how long instances that are made in the background may take.
func newLab(t *testing.T, size int, start time.Duration) *lab {
	t.Helper()
	lib, err := library.Open(t.Context(), &library.Options{Size: 1 << 30, Memory: 16, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../testdata/hostile/good.wasm")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	m, err := lib.Batch(false).Module(t.Context(), "good", library.Key{Hash: hex.EncodeToString(sum[:]), Limits: meter.Limits{
		FunctionSize: 1 << 20, Functions: 100, Globals: 100, Exports: 100, Locals: 100, Memory: 16, Types: 100, Segments: 100, Nesting: 100,
	}}, data, &compiler.Bounds{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release() // the pool has its own reference
	l := &lab{t: t, library: lib, owner: owner{make(chan struct{}, 9), make(chan struct{}, 9), make(chan struct{}, 9)}}
	l.Pool, err = Open(t.Context(), &Setup{
		Module: m, Owner: "acme", Config: []byte("{}"), Log: slog.New(slog.DiscardHandler), Lines: &guestlog.Lines{Limit: 9},
		Limits: Limits{Fuel: 1 << 20, Stack: 1 << 20, Memory: 16, Output: 1 << 20, Scores: 1 << 10, Start: start},
	}, size, &l.owner, &l.ledger)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) get() *Instance {
	l.t.Helper()
	i, err := l.Get(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	if i.memory.Owner != "acme" {
		l.t.Errorf("it takes the turns of %q", i.memory.Owner)
	}
	return i
}

// score makes a call.
func (l *lab) score(i *Instance) {
	l.t.Helper()
	message := abi.AppendScore(i.Room(), &abi.Header{}, make([]abi.Candidate, 1))
	if _, err := i.Call(Score, message, 1<<20); err != nil || i.Used() == 0 {
		l.t.Errorf("%v, %d fuel", err, i.Used())
	}
}

func (l *lab) counts(live, idle, most int, calls uint64) {
	l.t.Helper()
	c := l.ledger.Count([]*Pool{l.Pool})
	if c.Live != live || c.Idle != idle || c.Max != most || c.Calls != calls || l.Made() != calls {
		l.t.Errorf("%+v, %d calls made; want %d live, %d idle, %d at most, %d calls", c, l.Made(), live, idle, most, calls)
	}
}

// closed closes the pool's library, which must have nothing left.
func (l *lab) closed() {
	l.t.Helper()
	<-l.ended
	<-l.library.Drain()
	if err := l.library.Close(l.t.Context()); err != nil {
		l.t.Error(err)
	}
	if len(l.ended) > 0 {
		l.t.Error("the pool ended twice")
	}
}

func TestLoan(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, time.Hour)
	l.counts(1, 1, 2, 0)
	one := l.get()
	l.score(one)
	two := l.get() // is made for this call
	<-l.waited
	l.score(two)
	l.counts(2, 0, 2, 2)
	late, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Get(late)
	if s, ok := errors.AsType[*StarvedError](err); !ok || !errors.Is(s.Cause, context.Canceled) {
		t.Errorf("a third: %v", err)
	}
	two.Return()
	if again := l.get(); again != two {
		t.Error("an instance that came back was not lent again")
	}
	two.Replace() // one is left, so none is made
	l.counts(1, 0, 2, 2)

	l.Close()
	if _, err := l.Get(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed pool: %v", err)
	}
	if len(l.ended) > 0 {
		t.Error("it ended while an instance was lent")
	}
	l.counts(1, 0, 1, 2)
	one.Return()
	l.counts(0, 0, 0, 2)
	l.closed()
}

// TestNoSuccessor replaces the only instance of a pool that can't make another: whoever waits hears what the owner says.
func TestNoSuccessor(t *testing.T) {
	t.Parallel()
	l := newLab(t, 1, -1)
	l.score(l.get())
	l.all[0].Replace()
	<-l.failed
	if _, err := l.Get(t.Context()); !errors.Is(err, errFailed) {
		t.Errorf("a call: %v", err)
	}
	l.counts(0, 0, 1, 1)
	l.Close()
	l.closed()
}

func TestNamed(t *testing.T) {
	t.Parallel()
	for e := range exportCount {
		if got, ok := Named(e.String()); got != e || !ok {
			t.Errorf("%s is %s, %t", e, got, ok)
		}
	}
	if _, ok := Named(abi.ExportInput); ok {
		t.Error("input is no call")
	}
}
