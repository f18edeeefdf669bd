package threads

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// Each calls do for every thread of this process, until a whole round has found no new one: a thread that was not listed yet
// was made by one that was, and has what do gave that. It ends at the first error but ESRCH: a thread may end at any time.
func Each(do func(thread int) error) error {
	for seen := map[int]bool{}; ; {
		before := len(seen)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil || seen[id] {
				continue
			}
			if err := do(id); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
			seen[id] = true
		}
		if len(seen) == before {
			return nil
		}
	}
}
