package pluginfile

import (
	"io/fs"
	"syscall"
	"time"
)

// Changed returns when a file was last changed, which nobody can set, or its own time if that is later or all that is
// known.
func Changed(file fs.FileInfo) time.Time {
	if s, ok := file.Sys().(*syscall.Stat_t); ok {
		if at := time.Unix(s.Ctim.Unix()); at.After(file.ModTime()) {
			return at
		}
	}
	return file.ModTime()
}
