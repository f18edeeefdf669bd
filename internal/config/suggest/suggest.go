// Package suggest finds what somebody may have meant: import it to end the message about an unknown name.
package suggest

import "fmt"

// DidYouMean returns ` (did you mean "fast"?)` when one of known is a likely spelling of name,
// and "" otherwise: it is meant to be appended to a message.
func DidYouMean(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// Nearest returns the first of the known names with the smallest edit distance to name, or "" when
// more than a third of the letters differ.
func Nearest(name string, known []string) string {
	const longest = 128 // beyond this a spelling mistake is not what happened
	if len(name) > longest {
		return ""
	}
	best, found := max(1, len(name)/3)+1, ""
	for _, k := range known {
		if k == "" || len(k) > longest {
			continue
		}
		if d := editDistance(name, k); d < best && d < max(len(name), len(k)) {
			best, found = d, k
		}
	}
	return found
}

// editDistance counts insertions, deletions, substitutions and swaps of neighbours.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
