package host

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Defaults of WatchOptions, in force where a field is zero.
const (
	DefaultDebounce = 200 * time.Millisecond
	DefaultRescan   = 30 * time.Second
)

// WatchOptions say what a Watcher watches.
type WatchOptions struct {
	Dirs     []string      // folders whose *.wasm files matter
	Files    []string      // single files; others in their folders do not matter
	Debounce time.Duration // files must look the same for this long before a change is told
	Rescan   time.Duration // how often to look without being notified
	Log      *slog.Logger  // gets notification trouble; nil discards
}

// Watcher tells when files changed for good. Notifications of the file system are only hints to look again: what counts
// is whether a file's identity, size or time, seen through all symbolic links, differ from what was told last, and have
// stopped changing. So it makes no difference how a file is replaced: by a rename, in place and bit by bit, through a
// link that flips (as Kubernetes does with ConfigMaps), or with its whole folder.
type Watcher struct {
	events chan struct{}
	done   chan struct{}
	once   sync.Once
	ended  chan struct{}
}

// NewWatcher starts watching. Files and folders need not exist yet. What changes after it returned is told.
func NewWatcher(o WatchOptions) (*Watcher, error) {
	if o.Debounce <= 0 {
		o.Debounce = DefaultDebounce
	}
	if o.Rescan <= 0 {
		o.Rescan = DefaultRescan
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, list := range []*[]string{&o.Dirs, &o.Files} {
		absolute := make([]string, len(*list))
		for i, path := range *list {
			var err error
			if absolute[i], err = filepath.Abs(path); err != nil {
				return nil, err
			}
		}
		*list = absolute
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	s := &scanner{options: o, notify: notify, watched: map[string]os.FileInfo{}, removed: map[string]bool{}}
	w := newWatcher()
	hints := make(chan struct{}, 1)
	first := s.scan()
	var listening sync.WaitGroup
	listening.Go(func() { s.listen(hints) })
	go func() {
		defer close(w.ended)
		w.loop(first, s.scan, hints, o.Debounce, o.Rescan, sameFile)
		if err := notify.Close(); err != nil {
			o.Log.Warn("watching files: ending notifications", "error", err)
		}
		listening.Wait()
	}()
	return w, nil
}

func newWatcher() *Watcher {
	return &Watcher{events: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{})}
}

// Events delivers one value after one or more changes. A value that nobody has taken yet stands for later changes too.
func (w *Watcher) Events() <-chan struct{} { return w.events }

// Close stops watching and waits until nothing of the Watcher runs any more. Events is not closed.
func (w *Watcher) Close() error {
	w.once.Do(func() { close(w.done) })
	<-w.ended
	return nil
}

// loop scans after each hint and each rescan interval, until two scans that lie a debounce apart agree, and then tells
// if they differ from what was told.
func (w *Watcher) loop(told snapshot, scan func() snapshot, hints <-chan struct{}, debounce, rescan time.Duration,
	same func(a, b os.FileInfo) bool) {
	timer := time.NewTimer(rescan)
	defer timer.Stop()
	seen, settling := told, false
	for {
		select {
		case <-w.done:
			return
		case <-hints:
			if !settling {
				settling = true
				timer.Reset(debounce)
			}
		case <-timer.C:
			now := scan()
			switch {
			case !maps.EqualFunc(now, seen, same):
				seen, settling = now, true
			default:
				settling = false
				if !maps.EqualFunc(now, told, same) {
					told = now
					select {
					case w.events <- struct{}{}:
					default:
					}
				}
			}
			if settling {
				timer.Reset(debounce)
			} else {
				timer.Reset(rescan)
			}
		}
	}
}

// snapshot is how the watched files look.
type snapshot map[string]os.FileInfo

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// scanner looks at files, and keeps notifications on the folders that lead to them.
type scanner struct {
	options WatchOptions
	notify  *fsnotify.Watcher
	watched map[string]os.FileInfo // folder → what it was when the notification was set

	mu      sync.Mutex
	removed map[string]bool // what was deleted or renamed since the last scan
}

// listen turns notifications into hints until notify is closed.
func (s *scanner) listen(hints chan<- struct{}) {
	for {
		select {
		case event, ok := <-s.notify.Events:
			if !ok {
				return
			}
			if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
				s.mu.Lock()
				s.removed[event.Name] = true
				s.mu.Unlock()
			}
		case err, ok := <-s.notify.Errors:
			if !ok {
				return
			}
			s.options.Log.Warn("watching files: notifications may have been lost, looking again", "error", err)
		}
		select {
		case hints <- struct{}{}:
		default:
		}
	}
}

// scan sets notifications first, so that what changes while it looks is hinted at.
func (s *scanner) scan() snapshot {
	s.follow()
	found := snapshot{}
	for _, dir := range s.options.Dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.options.Log.Warn("watching files: reading a folder", "folder", dir, "error", err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".wasm") {
				found.add(filepath.Join(dir, e.Name()))
			}
		}
	}
	for _, file := range s.options.Files {
		found.add(file)
	}
	return found
}

func (s snapshot) add(path string) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		s[path] = info
	}
}

// follow sets notifications on every folder that matters now, and removes those on folders that no longer do or that
// were replaced under their name.
func (s *scanner) follow() {
	want := map[string]os.FileInfo{}
	for _, dir := range s.options.Dirs {
		leadingTo(filepath.Join(dir, "*"), want, maxLinks)
	}
	for _, file := range s.options.Files {
		leadingTo(file, want, maxLinks)
	}
	// A folder that was deleted takes its notifications with it, even if a new one has its name and its inode number.
	s.mu.Lock()
	removed := s.removed
	s.removed = map[string]bool{}
	s.mu.Unlock()
	alive := s.notify.WatchList()
	for dir, info := range s.watched {
		if now, ok := want[dir]; !ok || !os.SameFile(info, now) || removed[dir] || !slices.Contains(alive, dir) {
			_ = s.notify.Remove(dir) // it may be gone already
			delete(s.watched, dir)
		}
	}
	for dir, info := range want {
		if _, ok := s.watched[dir]; ok {
			continue
		}
		if err := s.notify.Add(dir); err != nil {
			s.options.Log.Warn("watching files: no notifications for a folder, it is looked at from time to time",
				"folder", dir, "every", s.options.Rescan, "error", err)
			continue
		}
		s.watched[dir] = info
	}
}

const maxLinks = 16

// leadingTo adds the folders in which a change could alter what path leads to: its own, that folder's parent, the
// nearest that exists when it does not, and those of every symbolic link on the way.
func leadingTo(path string, folders map[string]os.FileInfo, links int) {
	if links == 0 {
		return
	}
	near := 2 // how many existing folders to take from here
	for child := path; ; {
		parent := filepath.Dir(child)
		if parent == child {
			return
		}
		target, err := os.Readlink(child)
		isLink := err == nil
		if info, err := os.Stat(parent); err == nil && info.IsDir() && (near > 0 || isLink) {
			near--
			folders[parent] = info
		}
		if isLink {
			if !filepath.IsAbs(target) {
				target = filepath.Join(parent, target)
			}
			leadingTo(target, folders, links-1)
		}
		child = parent
	}
}
