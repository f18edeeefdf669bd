package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/internal/simulator/profile"
)

// Stats counts requests to vendors since the start. Received = InFlight + the others.
type Stats struct {
	InFlight  int64             `json:"in_flight"`
	Received  uint64            `json:"received"`
	Completed uint64            `json:"completed"` // answered in full, also when a fault made it slow or empty
	Refused   uint64            `json:"refused"`   // the request was wrong and got the vendor's error
	Faulted   uint64            `json:"faulted"`   // answered or broken by a fault
	Cancelled uint64            `json:"cancelled"` // the client left before the end
	Profiles  map[string]uint64 `json:"profiles"`  // requests seen by each profile since it was set; unused ones are left out
}

// Request is one request to a vendor as it arrived. Credentials are not in it: such a header reads "(present)".
type Request struct {
	Method    string            `json:"method"`
	Path      string            `json:"path"` // with the query, its keys hidden
	Profile   string            `json:"profile"`
	Header    map[string]string `json:"header"` // names in lower case, values joined with ", "
	Body      string            `json:"body"`
	Truncated bool              `json:"truncated,omitempty"` // Body holds the first 64 KiB only
}

type counters struct {
	inFlight                                         atomic.Int64
	received, completed, refused, faulted, cancelled atomic.Uint64
}

func (c *counters) count(err error) {
	switch {
	case err == nil:
		c.completed.Add(1)
	case errors.Is(err, errGone):
		c.cancelled.Add(1)
	case errors.Is(err, errRefused):
		c.refused.Add(1)
	default:
		c.faulted.Add(1)
	}
}

// journal keeps the last requests. Writers take no lock.
type journal struct {
	next  atomic.Uint64
	slots [journalSize]atomic.Pointer[entry]
}

const (
	journalSize = 256
	journalBody = 64 << 10
)

type entry struct {
	number    uint64
	method    string
	url       *url.URL
	header    http.Header // net/http hands it over for good: nobody writes to it any more
	profile   string
	body      string
	truncated bool
}

func (j *journal) add(r *http.Request, profile, body string) {
	e := &entry{number: j.next.Add(1), method: r.Method, url: r.URL, header: r.Header, profile: profile, body: body}
	if len(body) > journalBody {
		e.body, e.truncated = strings.Clone(body[:journalBody]), true
	}
	j.slots[e.number%journalSize].Store(e)
}

func (j *journal) clear() {
	for i := range j.slots {
		j.slots[i].Store(nil)
	}
}

// list returns the last limit requests, oldest first.
func (j *journal) list(limit int) []Request {
	out := []Request{}
	newest := j.next.Load()
	for n := newest - min(newest, uint64(min(max(limit, 0), journalSize))) + 1; n <= newest; n++ {
		if e := j.slots[n%journalSize].Load(); e != nil && e.number == n {
			out = append(out, e.request())
		}
	}
	return out
}

func (e *entry) request() Request {
	h := make(map[string]string, len(e.header))
	for name, values := range e.header {
		name = strings.ToLower(name)
		h[name] = strings.Join(values, ", ")
		switch name {
		case "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token", "cookie":
			h[name] = "(present)"
		}
	}
	path, query := e.url.EscapedPath(), e.url.Query()
	for _, name := range []string{"key", "api_key", "api-key"} {
		if query.Has(name) {
			query.Set(name, "(present)")
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return Request{
		Method: e.method, Path: path, Profile: e.profile,
		Header: h, Body: e.body, Truncated: e.truncated,
	}
}

// Requests returns the last limit requests to vendors (at most 256), oldest first.
func (s *Simulator) Requests(limit int) []Request { return s.journal.list(limit) }

// ForgetRequests empties the list of requests. The counters stay.
func (s *Simulator) ForgetRequests() { s.journal.clear() }

// Stats returns the counters. They are read one after the other: under load they need not add up.
func (s *Simulator) Stats() Stats {
	c := &s.counters
	out := Stats{
		InFlight: c.inFlight.Load(), Received: c.received.Load(), Completed: c.completed.Load(),
		Refused: c.refused.Load(), Faulted: c.faulted.Load(), Cancelled: c.cancelled.Load(), Profiles: map[string]uint64{},
	}
	for name, a := range *s.accounts.Load() {
		if n := a.seen.Load(); n > 0 {
			out.Profiles[name] = n
		}
	}
	return out
}

// control serves /_sim/….
func (s *Simulator) control(w http.ResponseWriter, r *http.Request, path string) {
	name, isProfile := strings.CutPrefix(path, "profiles/")
	switch {
	case isProfile && r.Method == http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			plainError(w, http.StatusBadRequest, "simulator: reading the profile: "+err.Error())
			return
		}
		p, err := profile.Decode(body)
		if err == nil {
			err = s.SetProfile(name, p)
		}
		if err != nil {
			plainError(w, http.StatusBadRequest, "simulator: "+err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case path == "requests" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, s.Requests(journalSize))
	case path == "requests" && r.Method == http.MethodDelete:
		s.ForgetRequests()
		w.WriteHeader(http.StatusNoContent)
	case path == "stats" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, s.Stats())
	default:
		plainError(w, http.StatusNotFound, "simulator: no such control: "+r.Method+" "+r.URL.Path+
			"; there are POST /_sim/profiles/NAME, GET and DELETE /_sim/requests, GET /_sim/stats")
	}
}

func plainError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that left needs no answer
}
