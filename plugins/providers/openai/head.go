package main

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// member is a member of an object that is copied as it is.
type member struct{ key, value jsonraw.Value }

// maxMembers is how many members of one object are copied: several times as many as any vendor has of its own.
const maxMembers = 256

func appendMember(members []member, key, value jsonraw.Value) []member {
	if len(members) == maxMembers {
		return members
	}
	return append(members, member{key, value})
}

func writeMembers(w *jsonraw.Writer, members []member) {
	for i := range members {
		w.RawKey(members[i].key)
		w.Raw(members[i].value)
	}
}

// head is the top level of an answer or of a stream's chunk.
type head struct {
	id, model jsonraw.Value // strings
	created   int64
	choices   jsonraw.Value
	usage     jsonraw.Value // an object
	failed    bool          // it is an error: some vendors find out only after status 200
	extra     []member
}

// maxName is how long an id or a model's name may be; longer ones are treated as absent, because a stream's state
// has to hold them.
const maxName = 512

func (h *head) read(v jsonraw.Value) {
	*h = head{extra: h.extra[:0]}
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "id":
			h.id = shortString(m.Value)
		case "model":
			h.model = shortString(m.Value)
		case "created":
			if n, ok := m.Value.Int(); ok && n > 0 {
				h.created = n
			}
		case "choices":
			h.choices = m.Value
		case "usage":
			h.usage = nil
			if m.Value.Kind() == jsonraw.Object {
				h.usage = m.Value
			}
		case "error":
			h.failed = h.failed || isFault(m.Value)
		case "object":
			h.failed = h.failed || m.Value.TextIs("error")
		case "obfuscation":
		default:
			h.extra = appendMember(h.extra, m.Key, m.Value)
		}
	}
}

func shortString(v jsonraw.Value) jsonraw.Value {
	if n := len(v.Inner()); n > 0 && n <= maxName {
		return v
	}
	return nil
}

// complete fills in what the vendor left out.
func (h *head) complete(requestID, model []byte, now uint64) {
	if h.id == nil {
		h.id = chat.AppendID(nil, requestID[:min(len(requestID), maxName/8)])
	}
	if h.model == nil {
		h.model = jsonraw.AppendString(nil, model[:min(len(model), maxName/8)])
	}
	if h.created == 0 {
		h.created = int64(now)
	}
}

// write begins an object and writes what stands before its choices: the known members, then the vendor's own. object
// is the kind, as a raw string.
func (h *head) write(w *jsonraw.Writer, object string) {
	w.Object()
	w.Buf = append(append(w.Buf, `"id":`...), h.id...)
	w.Buf = append(append(w.Buf, `,"object":`...), object...)
	w.Buf = strconv.AppendInt(append(w.Buf, `,"created":`...), h.created, 10)
	w.Buf = append(w.Buf, ',')
	w.RawKey(jsonraw.Value(`"model"`)) // the writer knows from here on that there are members
	w.Raw(h.model)
	writeMembers(w, h.extra)
}
