package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/journal"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
)

// The crash test runs this binary as the process that is killed.
const (
	crashFolder = "SWITCHYARD_TEST_CRASH_FOLDER"
	crashRun    = "SWITCHYARD_TEST_CRASH_RUN"
	// crashCount is how often it is killed; set it for a longer run.
	crashCount = "SWITCHYARD_TEST_CRASHES"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashFolder); dir != "" {
		if err := crashing(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func openBoth(dir string) (*sqlite.Store, *Ledger, error) {
	st, err := sqlite.Open(context.Background(), filepath.Join(dir, "s.db"))
	if err != nil {
		return nil, nil, err
	}
	// Tiny segments and batches, so that every moment of their lives is met.
	l, err := Open(filepath.Join(dir, "journal"), st, Options{
		Gather: time.Microsecond, BatchBytes: 2000, Journal: journal.Options{SegmentBytes: 3000, SyncInterval: 10 * time.Millisecond},
	})
	return st, l, err
}

// costOf is what an entry of the crash test costs: known from its ID.
func costOf(id store.EntryID) store.Money {
	return store.Money(1 + binary.LittleEndian.Uint32(id[12:])%1000)
}

// crashing records entries for ever, and tells its parent the ID of each whose Record returned.
func crashing(dir string) error {
	run, err := strconv.Atoi(os.Getenv(crashRun))
	if err != nil {
		return err
	}
	_, l, err := openBoth(dir)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for worker := range 4 {
		go func() {
			for i := 0; ; i++ {
				id := store.FirstEntryID(time.Now())
				id[6] = byte(worker)
				binary.LittleEndian.PutUint32(id[8:], uint32(run))
				binary.LittleEndian.PutUint32(id[12:], uint32(i))
				e := store.Entry{ID: id, Tenant: "acme", Key: fmt.Sprint(worker), Model: "m", Status: 200, Priced: true, Cost: costOf(id)}
				switch err := l.Record(&e); {
				case errors.Is(err, journal.ErrHeld): // a slow disk: nothing is promised
					continue
				case err != nil:
					failed <- err
				}
				if _, err := os.Stdout.Write(id[:]); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// A process under load is killed at random moments, again and again. Every entry whose Record had
// returned is in the ledger, none is there twice, and the sums are those of the entries.
func TestKilledAtAnyMoment(t *testing.T) {
	crashes := defaultCrashes
	if s := os.Getenv(crashCount); s != "" {
		var err error
		if crashes, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	acked := map[store.EntryID]bool{}
	for run := range crashes {
		for _, id := range runAndKill(t, dir, run) {
			acked[id] = true
		}
		if t.Failed() {
			return
		}
	}
	st, l, err := openBoth(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Close(context.Background()), st.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Unread+s.Journal.Lost > 0 {
		t.Errorf("stats: %+v", s)
	}
	entries := 0
	var cost store.Money
	for before := (store.EntryID{}); ; {
		page, err := st.Entries(t.Context(), &store.EntryQuery{Tenant: "acme", Before: before, Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			entries++
			cost += costOf(page[i].ID)
			delete(acked, page[i].ID)
			if page[i].Cost != costOf(page[i].ID) {
				t.Errorf("entry %x costs %d", page[i].ID, page[i].Cost)
			}
		}
		before = page[len(page)-1].ID
	}
	if len(acked) > 0 {
		t.Errorf("%d entries are missing whose Record had returned", len(acked))
	}
	sums, err := st.Usage(t.Context(), &store.UsageQuery{To: 1 << 20})
	if err != nil || sums[0].Requests != int64(entries) || sums[0].Cost != cost {
		t.Errorf("%d entries that cost %d, and the sums %+v, %v", entries, cost, sums, err)
	}
	if entries < crashes*10 {
		t.Errorf("only %d entries in %d runs: there was no load", entries, crashes)
	}
	t.Logf("%d kills, %d entries", crashes, entries)
}

// runAndKill starts the process, kills it after a random time or a random number of entries, and
// returns what it had told.
func runAndKill(t *testing.T, dir string, run int) (told []store.EntryID) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashFolder+"="+dir, crashRun+"="+strconv.Itoa(run))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var killed sync.Once
	kill := func() { killed.Do(func() { _ = cmd.Process.Kill() }) }
	most := 1 + rand.IntN(600)
	if run%4 == 0 { // early: while it opens, or takes over what the last one has left
		time.AfterFunc(rand.N(30*time.Millisecond), kill)
	}
	var id store.EntryID
	for {
		if _, err := io.ReadFull(out, id[:]); err != nil {
			break
		}
		if told = append(told, id); len(told) == most {
			kill()
		}
	}
	_ = cmd.Wait() // it was killed
	if stderr.Len() > 0 {
		t.Errorf("run %d: %s", run, stderr.String())
	}
	return told
}
