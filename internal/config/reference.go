package config

import (
	"fmt"
	"strings"
)

// A row is one key in the reference.
type row struct {
	path, kind, def, doc string
	required, live       bool
}

const referenceIntro = `Unknown keys, duplicate keys and wrong types are refused, all of them at once, each with its line and path. A key
without a value counts as absent.

* **Environment.** ` + "`${NAME}`" + ` in a value stands for a variable that must be set, ` + "`${NAME:-default}`" + ` for one that may be unset or
  empty, ` + "`$$`" + ` for a plain dollar sign. Keys and comments are not expanded. What a variable holds is always one value: it
  cannot add keys. An empty one counts as absent, except for texts that may be empty and secrets.
* **Durations** are written ` + "`600s`, `1.5m` or `2h`" + `; a plain number is seconds. **Sizes** are bytes, or ` + "`64KiB`, `4MiB`, `1GiB`" + ` (` + "`KB`" + `, ` + "`MB`" + ` and ` + "`GB`" + ` are powers of ten).
* **Aliases** (` + "`&name`, `*name`" + `) and merge keys (` + "`<<`" + `) work as in YAML; tags (` + "`!name`" + `) are refused.
* **(restart)** marks what cannot change while the process runs: a reload that changes it is refused.
`

// Reference returns the description of every key as Markdown. It is made from the grammar that parses the file.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceIntro)
	for _, r := range file.rows("") {
		if !strings.ContainsAny(r.path, ".[") {
			fmt.Fprintf(&b, "\n## %s\n\n%s%s\n\n| key | type | default | meaning |\n|---|---|---|---|\n", r.path, r.doc, mark(r.required, " Required."))
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s%s |\n", r.path, r.kind, r.defaultText(), cell(r.doc), mark(!r.live, " (restart)"))
	}
	return b.String()
}

func (r row) defaultText() string {
	switch {
	case r.required:
		return "required"
	case r.def == "":
		return "–"
	}
	return "`" + cell(r.def) + "`"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func mark(on bool, text string) string {
	if on {
		return text
	}
	return ""
}
