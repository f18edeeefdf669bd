package config

import "time"

// Store is what the router remembers, and for how long.
type Store struct {
	Dir           string // absolute
	DecisionsAge  time.Duration
	DecisionsSize int64         // bytes of one tenant's decisions
	EntriesAge    time.Duration // of single requests in the ledger; sums stay
	Policies      int64         // bytes of memory for tenants' policies that are loaded
}

var storeKind = object(nil,
	restart("dir", "data", text, func(s *Store) *string { return &s.Dir },
		"Folder of the database and the ledger's journal, private to the user. Relative to the folder of this file. One process uses it at a time."),
	restart("decisions_age", "720h", durationWithin(time.Hour, 100_000*time.Hour), func(s *Store) *time.Duration { return &s.DecisionsAge },
		"How long routing decisions are kept."),
	restart("decisions_size", "64MiB", sizeWithin("1MiB", "64GiB"), func(s *Store) *int64 { return &s.DecisionsSize },
		"Most that one tenant's decisions may take; the oldest go first."),
	restart("entries_age", "2160h", durationWithin(24*time.Hour, 100_000*time.Hour), func(s *Store) *time.Duration { return &s.EntriesAge },
		"How long single requests stay in the usage ledger. Its sums stay for good."),
	restart("policies_memory", "1GiB", sizeWithin("64MiB", "1024GiB"), func(s *Store) *int64 { return &s.Policies },
		"Memory for the tenants' policies that are loaded; what was not used for longest is unloaded first, and comes back when it is needed."),
)
