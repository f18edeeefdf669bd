package host

import (
	"io/fs"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/pluginfile"
)

// sighting is a plugin's file as it was read.
type sighting struct {
	hash string
	file fs.FileInfo
}

// settled is how old a file must be for its time to tell whether it has changed since: clocks of file systems are coarse.
const settled = 2 * time.Second

// saw notes what a build has read. Until the file changes, the next builds need not read and hash it: those of all plugins
// together would keep the processors busy for tens of milliseconds.
func (r *record) saw(s *sighting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen = nil; time.Since(pluginfile.Changed(s.file)) > settled {
		r.seen = s
	}
}

// known returns what is known of the file that the folder has now, nil if it has to be read.
func (r *record) known(dir pluginfile.Folder) *sighting {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		return nil
	}
	file, err := dir.Look(r.plugin)
	if err != nil || !pluginfile.Same(r.seen.file, file) {
		return nil
	}
	return &sighting{r.seen.hash, file}
}

// isBad reports whether the file that a build found is the one whose version failed its probation. Anything else ends
// the verdict.
func (r *record) isBad(s *sighting) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.bad; b != nil && (b.hash != s.hash || !pluginfile.Same(b.file, s.file)) {
		r.bad = nil
	}
	return r.bad != nil
}

// pardon ends a verdict: the file is gone, so another one may come.
func (r *record) pardon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = nil
}
