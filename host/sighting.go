package host

import (
	"crypto/sha256"
	"encoding/hex"
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

// read reads the file that the folder has now, of at most limit bytes. Until it changes, the next builds need not read and
// hash it: those of all plugins together would keep the processors busy for tens of milliseconds.
func (r *record) read(dir pluginfile.Folder, limit int64) ([]byte, *sighting, error) {
	data, file, err := dir.Read(r.plugin, limit)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(data)
	s := &sighting{hex.EncodeToString(sum[:]), file}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen = nil; time.Since(pluginfile.Changed(file)) > settled {
		r.seen = s
	}
	return data, s, nil
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
