// Package watch tells when files changed for good: import it to reload what lies in folders that people, package
// managers and Kubernetes write to.
package watch

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/switchyard-gateway/switchyard/host/internal/pluginfile"
)

// Defaults of [Options], in force where a field is zero.
const (
	DefaultDebounce = 200 * time.Millisecond
	DefaultRescan   = 30 * time.Second
)

// Options say what a Watcher watches.
type Options struct {
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

// New starts watching. Files and folders need not exist yet. What changes after it returned is told.
func New(o Options) (*Watcher, error) {
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
		w.loop(first, s.scan, hints, o.Debounce, o.Rescan, pluginfile.Same)
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
