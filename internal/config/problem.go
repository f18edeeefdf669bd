package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Problem is one thing wrong with a configuration file. Line is 0 when no line is to blame,
// Path is empty when the file as a whole is. It never holds the value of a secret.
type Problem struct {
	File    string
	Line    int
	Path    string
	Message string
}

// String gives `plugins.yaml:41: models.quality.fallbacks[0]: no model group "fsat"`.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(p.Line))
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is everything wrong with a file, sorted by line. As an error it is never empty.
type Problems []Problem

// Error gives one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders by line, keeping the order of discovery within one, and drops repetitions, which
// an alias used twice produces.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	seen := make(map[Problem]bool, len(ps))
	return slices.DeleteFunc(ps, func(p Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}
