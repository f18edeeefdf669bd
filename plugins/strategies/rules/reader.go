package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// reader collects what is wrong.
type reader struct {
	problems []string
	dropped  int
	fuel     int // that the rule in hand may take when it fits
	asking   int // and for finding out whether it does
	uses     uses
}

func (r *reader) fail(path, problem string) {
	if path == "" {
		path = "config"
	}
	if len(r.problems) == maxProblems {
		r.dropped++
		return
	}
	r.problems = append(r.problems, path+": "+problem)
}

// count tells whether there was a problem in between.
func (r *reader) count() int { return len(r.problems) + r.dropped }

// err has one line for each problem.
func (r *reader) err() error {
	if r.problems == nil {
		return nil
	}
	if r.dropped > 0 {
		r.problems = append(r.problems, "config: "+strconv.Itoa(r.dropped)+" problems more")
	}
	return errors.New(strings.Join(r.problems, "\n"))
}

// wrong reports a value that is not what it should be, and shows the start of it.
func (r *reader) wrong(path string, v jsonraw.Value, want string) {
	const most = 40
	shown := string(v)
	if len(v) > most {
		shown = strings.ToValidUTF8(string(v[:most]), "") + "…"
	}
	r.fail(path, strings.ReplaceAll(shown, "\n", " ")+" is not "+want)
}

// key is one that an object may have.
type key struct {
	name string
	read func(path string, v jsonraw.Value)
}

// object reads the members of v.
func (r *reader) object(path string, v jsonraw.Value, keys []key) {
	if v.Kind() != jsonraw.Object {
		r.wrong(path, v, "an object")
		return
	}
	seen := make([]bool, len(keys))
	for m := v.Members(); m.Next(); {
		name := string(m.Name())
		i := 0
		for i < len(keys) && keys[i].name != name {
			i++
		}
		switch at := join(path, name); {
		case i == len(keys):
			r.fail(at, unknown(name, keys))
		case seen[i]:
			r.fail(at, "stands here twice")
		default:
			seen[i] = true
			keys[i].read(at, m.Value)
		}
	}
}

// list calls read for each element of v, of which there must be one to most.
func (r *reader) list(path string, v jsonraw.Value, most int, read func(path string, v jsonraw.Value)) {
	n := 0
	for e := v.Elements(); e.Next(); n++ {
		if n < most {
			read(path+"["+strconv.Itoa(n)+"]", e.Value)
		}
	}
	if n == 0 || n > most {
		r.fail(path, "has "+strconv.Itoa(n)+" entries: there must be 1 to "+strconv.Itoa(most))
	}
}

// join gives the path of a key, of which it shows no more than what looks like one.
func join(path, name string) string {
	for i := range len(name) {
		if c := name[i]; i == maxText || c <= ' ' || c == ':' || c > '~' {
			name = name[:i] + "?"
			break
		}
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func unknown(name string, keys []key) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return "unknown key" + meant(name, names)
}

// meant suggests which of the words one is that is none of them.
func meant(word string, words []string) string {
	const near = 2
	best, distance := "", near+1
	for _, w := range words {
		if d := edits(word, w); d < distance && d < len(w) {
			best, distance = w, d
		}
	}
	if best != "" {
		return ": did you mean " + best + "?"
	}
	return "; known here: " + strings.Join(words, ", ")
}

// edits counts the insertions, removals and replacements of bytes that make b of a; long words are far from each other.
func edits(a, b string) int {
	const longest = 32
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var row [longest + 1]int
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := corner
			if a[i] != b[j] {
				replaced++
			}
			corner = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// number reads a number from low to high that is a multiple of step, or any if that is 0.
func (r *reader) number(path string, v jsonraw.Value, low, high, step float64) float64 {
	f, ok := v.Float()
	if ok && f >= low && f <= high && (step == 0 || f == math.Trunc(f/step)*step) {
		return f
	}
	want := "a number from " + decimal(low) + " to " + decimal(high)
	if step == 1 {
		want = "a whole" + strings.TrimPrefix(want, "a")
	} else if step > 0 {
		want += " in steps of " + decimal(step)
	}
	r.wrong(path, v, want)
	return low
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (r *reader) bool(path string, v jsonraw.Value) bool {
	on, ok := v.Bool()
	if !ok {
		r.wrong(path, v, "true or false")
	}
	return on
}

// text reads a text of one line.
func (r *reader) text(path string, v jsonraw.Value, most int) string {
	s := v.Text()
	if v.Kind() != jsonraw.String || s == "" || len(s) > most || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.wrong(path, v, "a text of one line with 1 to "+strconv.Itoa(most)+" bytes")
	}
	return s
}

// texts reads a text, or a list of them.
func (r *reader) texts(path string, v jsonraw.Value) (list []string) {
	one := func(path string, v jsonraw.Value) {
		list = append(list, r.text(path, v, maxText))
	}
	if v.Kind() == jsonraw.Array {
		r.list(path, v, maxEntries, one)
	} else {
		one(path, v)
	}
	return list
}
