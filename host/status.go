package host

import (
	"cmp"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
)

// States of a plugin.
const (
	StateActive   = "active"   // the file's version serves
	StateReverted = "reverted" // the file's version failed its probation, the one before it serves
	StateFailed   = "failed"   // no version could be loaded
	StateGone     = "gone"     // the file was deleted, the loaded version serves
)

// Status is what an operator may know about one plugin.
type Status struct {
	Plugin       string     `json:"plugin"`
	Owner        string     `json:"owner,omitempty"` // the tenant on whose behalf it runs
	Path         string     `json:"path"`
	Kind         string     `json:"kind,omitempty"`
	Version      string     `json:"version,omitempty"`
	About        string     `json:"about,omitempty"`
	ABI          int        `json:"abi,omitempty"`
	Hash         string     `json:"hash,omitempty"`
	PreviousHash string     `json:"previous_hash,omitempty"`
	State        string     `json:"state"`
	Probation    bool       `json:"probation,omitempty"` // the version still has calls to prove itself in
	LoadedAt     *time.Time `json:"loaded_at,omitempty"`
	Keys         []string   `json:"keys"`
	Instances    Instances  `json:"instances"`
	Calls        uint64     `json:"calls"`
	Refusals     uint64     `json:"refusals"`
	Faults       uint64     `json:"faults"`
	Fuel         FuelUse    `json:"fuel"`
	Breakers     []Breaker  `json:"breakers,omitempty"` // of strategies, by key
	LastFault    *LastFault `json:"last_fault,omitempty"`
	Rejected     *Rejected  `json:"rejected,omitempty"`
}

// Instances counts the instances of a plugin over all its pools, previous versions included.
type Instances struct {
	Live int `json:"live"`
	Idle int `json:"idle"`
	Max  int `json:"max"`
	// Memory is what the guests' memories come to, in bytes.
	Memory int64 `json:"memory"`
}

// FuelUse is what the calls of a plugin have used, in WebAssembly instructions, over all its pools, previous versions
// included.
type FuelUse struct {
	Total uint64 `json:"total"`
	Max   uint64 `json:"max"` // of one call
}

// LastFault is a plugin's most recent fault.
type LastFault struct {
	At      time.Time `json:"at"`
	Export  string    `json:"export"`
	Message string    `json:"message"`
}

// Rejected is a version that was refused, at admission or by its probation.
type Rejected struct {
	Hash  string    `json:"hash,omitempty"` // empty when the file could not be read
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// Loaded counts the modules and the instances in memory: those of the sets alive, and what calls and starts still hold
// of others.
func (h *Host) Loaded() (modules, instances int) { return h.library.Loaded() }

// Plugins reports every plugin that the latest Build was about, once for each owner, sorted by name and owner.
func (h *Host) Plugins() []Status {
	h.mu.Lock()
	list := make([]Status, 0, len(h.records))
	pools := h.poolsByRecord()
	records := make([]*record, 0, len(h.records))
	for _, r := range h.records {
		if !r.unlisted {
			records = append(records, r)
		}
	}
	h.mu.Unlock()

	for _, r := range records {
		list = append(list, r.status(pools[r]))
	}
	slices.SortFunc(list, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Path, b.Path))
	})
	return list
}

// poolsByRecord returns every pool that still has instances. h.mu is held.
func (h *Host) poolsByRecord() map[*record][]*guests.Pool {
	pools := map[*record][]*guests.Pool{}
	for _, p := range h.pools {
		pools[p.record] = append(pools[p.record], p.guests)
	}
	for p := range h.ending {
		pools[p.record] = append(pools[p.record], p.guests)
	}
	return pools
}
