package yamltree

import "strings"

// References to the environment are expanded in scalar values after the file has been parsed, so a
// value cannot change the structure of the file:
//
//	${NAME}           the value of NAME; a problem when it is not set
//	${NAME:-default}  the default when NAME is not set or empty; on one line, it may hold references itself
//	$$                a plain $

// A Use is one look-up of a variable.
type Use struct {
	Name string
	Set  bool
}

// A reference is a parsed ${NAME} or ${NAME:-default}.
type reference struct {
	name       string
	fallback   string
	optional   bool // has a default, be it empty
	length     int  // in bytes, from the dollar to the closing brace
	wellFormed bool
}

const maxNestedReferences = 4

// parseReference reads the reference that text begins with.
func parseReference(text string) reference {
	body, ok := strings.CutPrefix(text, "${")
	if !ok {
		return reference{}
	}
	n := nameLength(body)
	if n == 0 {
		return reference{}
	}
	ref := reference{name: body[:n], wellFormed: true}
	rest := body[n:]
	if strings.HasPrefix(rest, "}") {
		ref.length = len("${") + n + len("}")
		return ref
	}
	if rest, ok = strings.CutPrefix(rest, ":-"); !ok {
		return reference{}
	}
	depth := 1
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == '}':
			depth--
		case strings.HasPrefix(rest[i:], "$$"):
			i++
		case strings.HasPrefix(rest[i:], "${"):
			depth++
		}
		if depth > maxNestedReferences || rest[i] == '\n' {
			break // bounds the work on a text full of opening braces
		}
		if depth == 0 {
			ref.fallback, ref.optional = rest[:i], true
			ref.length = len("${") + n + len(":-") + i + len("}")
			return ref
		}
	}
	return reference{}
}

// nameLength returns the length of the variable name that text begins with.
func nameLength(text string) int {
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(text)
}

// An expansion is the result of expanding one scalar. The complaints name variables, never values:
// the text around a reference may be a secret.
type expansion struct {
	text       strings.Builder
	uses       []Use
	complaints []string
}

func (e *expansion) expand(text string, getenv func(string) (string, bool)) {
	for {
		before, after, found := strings.Cut(text, "$")
		e.text.WriteString(before)
		if !found {
			return
		}
		switch {
		case strings.HasPrefix(after, "$"):
			e.text.WriteByte('$')
			text = after[1:]
		case strings.HasPrefix(after, "{"):
			ref := parseReference(text[len(before):])
			if !ref.wellFormed {
				e.complaints = append(e.complaints, `"${" begins no valid reference: write ${NAME} or ${NAME:-default}, or $$ for a plain $`)
				return
			}
			e.lookUp(ref, getenv)
			text = text[len(before)+ref.length:]
		case nameLength(after) > 0:
			e.complaints = append(e.complaints, `"$" stands before a name: write ${NAME} for an environment variable, or $$ for a plain $`)
			return
		default:
			e.text.WriteByte('$')
			text = after
		}
	}
}

func (e *expansion) lookUp(ref reference, getenv func(string) (string, bool)) {
	value, set := getenv(ref.name)
	e.uses = append(e.uses, Use{ref.name, set})
	switch {
	case value != "":
		e.text.WriteString(value)
	case ref.optional:
		e.expand(ref.fallback, getenv)
	case !set:
		e.complaints = append(e.complaints, "environment variable "+ref.name+" is not set (${"+ref.name+":-} allows that)")
	}
}

// A YAML reader ends a plain scalar inside {…} and […] at the first brace or comma, so that
// `{api_key: ${KEY:-}}` would be refused. shelter replaces these characters inside references by stand-ins
// which YAML takes for letters; unshelter puts them back once the file is parsed. References with quotes in
// them are left alone: there YAML's own quoting counts.
func shelter(text string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		text = text[i:]
		ref := parseReference(text)
		n := max(ref.length, len("${"))
		if !ref.wellFormed || strings.ContainsAny(text[:n], `"'`) {
			b.WriteString(text[:n])
		} else {
			b.WriteString(sheltering.Replace(text[:n]))
		}
		text = text[n:]
	}
}

func unshelter(text string) string { return unsheltering.Replace(text) }

// The stand-ins come from a private-use plane; files that hold them are refused before.
const firstStandIn, lastStandIn = '\U0010FF00', '\U0010FF04'

var (
	sheltering   = strings.NewReplacer("{", "\U0010FF00", "}", "\U0010FF01", "[", "\U0010FF02", "]", "\U0010FF03", ",", "\U0010FF04")
	unsheltering = strings.NewReplacer("\U0010FF00", "{", "\U0010FF01", "}", "\U0010FF02", "[", "\U0010FF03", "]", "\U0010FF04", ",")
)
