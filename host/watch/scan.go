package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// snapshot is how the watched files look.
type snapshot map[string]os.FileInfo

// scanner looks at files, and keeps notifications on the folders that lead to them.
type scanner struct {
	options Options
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
