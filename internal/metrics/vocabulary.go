package metrics

import "sync"

const (
	// maxCodes is how many different error codes become label values. The gateway has a few
	// dozen; vendors may invent more.
	maxCodes = 100
	// maxCodeLength keeps texts that are no codes out.
	maxCodeLength = 64
	other         = "other"
)

// vocabulary admits the first few words that it meets as label values and calls the rest
// "other". It is safe for concurrent use.
type vocabulary struct {
	limit   int
	trusted bool // the operator chose the words: any will do

	mu    sync.RWMutex
	words map[string]struct{}
}

func (v *vocabulary) admit(word string) string {
	if word == "" {
		return ""
	}
	v.mu.RLock()
	_, known := v.words[word]
	full := len(v.words) >= v.limit
	v.mu.RUnlock()
	switch {
	case known:
		return word
	case full || !v.trusted && (len(word) > maxCodeLength || !plain(word)):
		return other
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.words[word]; known {
		return word
	}
	if len(v.words) >= v.limit {
		return other
	}
	if v.words == nil {
		v.words = make(map[string]struct{}, v.limit)
	}
	v.words[word] = struct{}{}
	return word
}

// plain reports whether a word is made of what codes are made of.
func plain(word string) bool {
	for i := range len(word) {
		switch c := word[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == ' ':
		default:
			return false
		}
	}
	return true
}
