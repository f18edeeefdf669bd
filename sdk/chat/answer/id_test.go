package answer

import (
	"encoding/json"
	"testing"
)

func TestCallIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, request := range []string{"", "r1", "r2", "a \"quoted\" one"} {
		for choice := range 2 {
			for call := range 3 {
				id := AppendCallID(nil, request, choice, call)
				if string(AppendCallID(nil, []byte(request), choice, call)) != string(id) {
					t.Errorf("the id of call %d differs from one time to the next", call)
				}
				if seen[string(id)] || !json.Valid(id) || len(id) > 42 {
					t.Errorf("%s is not a new id", id)
				}
				seen[string(id)] = true
			}
		}
	}
}
