package codecache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func key(n byte) Key { return Key{n} }

func open(t testing.TB, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func has(f *Folder, n byte) bool {
	_, err := os.Lstat(f.entry(key(n)))
	return err == nil
}

// work makes a work folder as a compilation of module leaves it. The code is of the name and text of the module.
func work(t testing.TB, f *Folder, module string) string {
	t.Helper()
	dir, err := f.Work()
	if err != nil {
		t.Fatal(err)
	}
	code := filepath.Join(dir, "wazero-v1", module)
	if err = os.Mkdir(filepath.Dir(code), 0o700); err == nil {
		err = os.WriteFile(code, []byte("code of "+module), 0o600)
	}
	if err == nil {
		err = Finish(dir, []byte(module))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func keep(t testing.TB, f *Folder, n byte, module string) {
	t.Helper()
	dir := work(t, f, module)
	var kept string
	if err := f.Keep(key(n), dir, func(b []byte) error { kept = string(b); return nil }); err != nil || kept != module {
		t.Fatalf("%q was kept, %v", kept, err)
	}
	f.Discard(dir)
}

// load returns the module of an entry, "" when there is none.
func load(f *Folder, n byte) (module string, err error) {
	found, err := f.Load(key(n), func(b []byte) error {
		module = string(b)
		return nil
	})
	if found != (module != "") {
		return module, fmt.Errorf("found %v, module %q, %w", found, module, err)
	}
	return module, err
}

func age(t testing.TB, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func TestKeepAndLoad(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	if m, err := load(f, 1); m != "" || err != nil || has(f, 1) {
		t.Fatalf("an empty folder has %q, %v", m, err)
	}
	keep(t, f, 1, "one")
	keep(t, f, 2, "two")
	for n, want := range map[byte]string{1: "one", 2: "two", 3: ""} {
		if m, err := load(f, n); m != want || err != nil || has(f, n) != (want != "") {
			t.Errorf("entry %d is %q, %v; want %q", n, m, err, want)
		}
	}
	if m, err := load(open(t, f.Dir()), 2); m != "two" || err != nil {
		t.Errorf("another folder has %q, %v", m, err)
	}
	used := errors.New("can't be used")
	if found, err := f.Load(key(1), func([]byte) error { return used }); !found || !errors.Is(err, used) {
		t.Errorf("found %v, %v", found, err)
	}
	if left, err := filepath.Glob(filepath.Join(f.Dir(), workPrefix+"*")); err != nil || len(left) != 0 {
		t.Errorf("work folders %q are left, %v", left, err)
	}
}

func TestKeysDiffer(t *testing.T) {
	t.Parallel()
	keys := map[Key]bool{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"ab", ""}} {
		var list [][]byte
		for _, p := range parts {
			list = append(list, []byte(p))
		}
		if k := KeyOf(list...); keys[k] {
			t.Errorf("%q has the key of another", parts)
		} else {
			keys[k] = true
		}
	}
}

// TestDamage changes every byte of an entry and of its code, cuts both at every length, and removes the code: none of it
// is loaded, and the entry is gone, so that it can be made anew.
func TestDamage(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	keep(t, f, 1, "one")
	entry, code := f.entry(key(1)), filepath.Join(f.Dir(), "wazero-v1", "one")
	for _, path := range []string{entry, code} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var damaged [][]byte
		for i := range whole {
			changed := slices.Clone(whole)
			changed[i] ^= 0x20
			damaged = append(damaged, whole[:i], changed)
		}
		damaged = append(damaged, append(slices.Clone(whole), 0))
		for _, bytes := range damaged {
			keep(t, f, 1, "one")
			if err := os.WriteFile(path, bytes, 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := load(f, 1)
			if _, ok := errors.AsType[*DamageError](err); m != "" || !ok || has(f, 1) {
				t.Errorf("%s as %q: %q, %v", filepath.Base(path), bytes, m, err)
			}
		}
	}
	keep(t, f, 1, "one")
	if err := os.Remove(code); err != nil {
		t.Fatal(err)
	}
	if _, err := load(f, 1); err == nil {
		t.Error("an entry without its code was loaded")
	}
}

// TestNoEscape has an entry that names code outside the folder.
func TestNoEscape(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../code", "/etc/hostname", "wazero-v1/../../code"} {
		h := header{code: name}
		if _, _, err := parseHeader([]byte(h.String())); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestFinishNeedsOneCode(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	dir, err := f.Work()
	if err != nil {
		t.Fatal(err)
	}
	if err := Finish(dir, []byte("m")); err == nil || !strings.Contains(err.Error(), "0 files") {
		t.Errorf("without code: %v", err)
	}
	two := work(t, f, "one")
	if err := os.WriteFile(filepath.Join(two, "wazero-v1", "more"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	use := func([]byte) error {
		t.Error("it was used")
		return nil
	}
	if err := f.Keep(key(1), two, use); err == nil || !strings.Contains(err.Error(), "2 files") {
		t.Errorf("with two: %v", err)
	}
	if err := f.Keep(key(1), dir, use); err == nil {
		t.Error("an empty work folder was kept")
	}
	other := work(t, f, "one")
	if err := os.Rename(filepath.Join(other, "wazero-v1", "one"), filepath.Join(other, "wazero-v1", "two")); err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(key(1), other, use); err == nil || !strings.Contains(err.Error(), "the code is not wazero-v1/one") {
		t.Errorf("with another code: %v", err)
	}
	used := errors.New("can't be used")
	if err := f.Keep(key(1), work(t, f, "one"), func([]byte) error { return used }); !errors.Is(err, used) {
		t.Errorf("what use said became %v", err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	for n, module := range []string{"zero", "one!", "two!", "thre", "four"} {
		keep(t, f, byte(n), module)
		age(t, f.entry(key(byte(n))), time.Duration(10-n)*time.Minute)
	}
	keep(t, f, 9, "zero") // shares its code with the oldest
	size := entrySize(t, f, 0)
	none := func(Key) bool { return false }
	left := func() (list []int) {
		for n := range 10 {
			if m, err := load(f, byte(n)); err != nil {
				t.Errorf("entry %d: %v", n, err)
			} else if m != "" {
				list = append(list, n)
			}
		}
		return list
	}
	prune := func(max int64, inUse func(Key) bool) {
		t.Helper()
		if err := f.Prune(max, inUse); err != nil {
			t.Fatal(err)
		}
	}
	times := func() { // loading has touched them
		for n := range 10 {
			if has(f, byte(n)) {
				age(t, f.entry(key(byte(n))), time.Duration(10-n)*time.Minute)
			}
		}
	}
	prune(1<<20, none)
	if got := left(); !slices.Equal(got, []int{0, 1, 2, 3, 4, 9}) {
		t.Fatalf("with room for all, %v are left", got)
	}
	times()
	whole := diskUse(t, f)
	prune(whole-1, none)
	if got := left(); !slices.Equal(got, []int{1, 2, 3, 4, 9}) {
		t.Fatalf("with room for all but one, %v are left", got)
	}
	times()
	prune(diskUse(t, f)-1, func(k Key) bool { return k == key(1) || k == key(3) })
	if got := left(); !slices.Equal(got, []int{1, 3, 4, 9}) {
		t.Fatalf("with the oldest in use, %v are left", got)
	}
	times()
	prune(0, func(Key) bool { return true })
	if got := left(); !slices.Equal(got, []int{1, 3, 4, 9}) {
		t.Fatalf("with all in use, %v are left", got)
	}
	times()
	if _, err := load(f, 1); err != nil { // now it is the youngest
		t.Fatal(err)
	}
	prune(2*size, none)
	if got := left(); !slices.Equal(got, []int{1, 9}) {
		t.Fatalf("with room for two, %v are left", got)
	}
	prune(0, none)
	if got := left(); got != nil || diskUse(t, f) != 0 {
		t.Errorf("without room, %v are left in %d bytes", got, diskUse(t, f))
	}
}

// entrySize is what an entry and its code take.
func entrySize(t *testing.T, f *Folder, n byte) int64 {
	t.Helper()
	info, err := os.Stat(f.entry(key(n)))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() + int64(len("code of zero"))
}

// diskUse is what pruning counts.
func diskUse(t *testing.T, f *Folder) (sum int64) {
	t.Helper()
	for _, pattern := range []string{"modules/*", "wazero-*/*"} {
		paths, err := filepath.Glob(filepath.Join(f.Dir(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			sum += info.Size()
		}
	}
	return sum
}

// TestPruneRemainders has what killed processes leave: it goes when it is old, and only then.
func TestPruneRemainders(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	keep(t, f, 1, "one")
	put := func(name string, by time.Duration) string {
		path := filepath.Join(f.Dir(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		age(t, path, by)
		return path
	}
	fresh := []string{put("wazero-v1/fresh", time.Minute), work(t, f, "fresh"), put("notes/of somebody", 3*time.Hour)}
	old := []string{put("wazero-v0/old", 2*time.Hour), work(t, f, "old"), put("modules/unreadable", 0)}
	age(t, fresh[1], time.Minute)
	age(t, old[1], 2*time.Hour)
	if err := f.Prune(1<<20, func(Key) bool { return false }); err != nil {
		t.Fatal(err)
	}
	for _, path := range fresh {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	for _, path := range old {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	if m, err := load(f, 1); m != "one" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
}

// TestPruneWaitsForNobody prunes while an entry is loaded: nothing happens to it.
func TestPruneWaitsForNobody(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	keep(t, f, 1, "one")
	other := open(t, f.Dir())
	found, err := f.Load(key(1), func([]byte) error { return other.Prune(0, func(Key) bool { return false }) })
	if !found || err != nil || !has(f, 1) {
		t.Errorf("found %v, %v, still there: %v", found, err, has(f, 1))
	}
}

// TestSharing has several open folders keep, load and prune the same entries at once: what is found is whole.
func TestSharing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var pruner sync.WaitGroup
	pruner.Go(func() {
		f := open(t, dir)
		for ctx.Err() == nil {
			if err := f.Prune(100, func(Key) bool { return false }); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 4 {
		wg.Go(func() {
			f := open(t, dir)
			for n := range 200 {
				k := byte(n % 3)
				module := fmt.Sprintf("module-%d", k)
				if n%2 == 0 {
					keep(t, f, k, module)
				}
				if m, err := load(f, k); m != "" && m != module || err != nil {
					t.Errorf("entry %d is %q, %v", k, m, err)
					return
				}
			}
		})
	}
	wg.Wait()
	cancel()
	pruner.Wait()
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte((&header{code: "wazero-v1/abc", codeSize: 1, codeSum: 2, moduleSize: 3, moduleSum: 4}).String() + "module"))
	f.Add([]byte("switchyard code 1 a -1 0 99999999999999999999 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, rest, err := parseHeader(data)
		if err != nil {
			return
		}
		if !filepath.IsLocal(h.code) {
			t.Errorf("code at %q", h.code)
		}
		if h.String()+string(rest) != string(data) {
			t.Errorf("%q was read from %q", h.String(), data)
		}
	})
}
