package codecache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock waits for the folder's lock and shares it, with other goroutines too. A process that dies gives it back.
func (f *Folder) lock() (unlock func(), err error) { return f.flock(syscall.LOCK_SH) }

// tryLock takes the folder's lock exclusively if nobody has it; unlock is nil when somebody does.
func (f *Folder) tryLock() (unlock func(), err error) {
	unlock, err = f.flock(syscall.LOCK_EX | syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return unlock, err
}

func (f *Folder) flock(how int) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(f.dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the compilation cache: %w", err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("locking the compilation cache: %w", err)
	}
	return func() { file.Close() }, nil
}
