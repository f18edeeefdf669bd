package yamltree

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// AppendJSON appends n as JSON. Numbers keep their digits; one that JSON cannot hold is reported. path is where n
// stands.
func (n *Node) AppendJSON(b []byte, path string, report Report) []byte {
	switch n.Kind {
	case List:
		b = append(b, '[')
		for i, item := range n.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.AppendJSON(b, Index(path, i), report)
		}
		return append(b, ']')
	case Table:
		b = append(b, '{')
		for i, p := range n.Pairs {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, p.Key), ':')
			b = p.Value.AppendJSON(b, Join(path, p.Key), report)
		}
		return append(b, '}')
	case Scalar:
		return n.appendScalar(b, path, report)
	}
	return append(b, "null"...)
}

// appendScalar types a plain scalar as YAML does. It does so again for what came from the environment, where
// "" stays a string.
func (n *Node) appendScalar(b []byte, path string, report Report) []byte {
	if !n.Plain || n.Text == "" {
		return appendString(b, n.Text)
	}
	if strings.Trim(n.Text, "+-0123456789_.eE") == "" && json.Valid([]byte(n.Text)) {
		return append(b, n.Text...) // also where YAML's number is too small for it
	}
	switch (&yaml.Node{Kind: yaml.ScalarNode, Value: n.Text}).ShortTag() {
	case "!!null":
		return append(b, "null"...)
	case "!!bool":
		return append(b, strings.ToLower(n.Text)...)
	case "!!int", "!!float":
		literal, complaint := jsonNumber(n.Text)
		if complaint != "" {
			report(n.Line, path, "the number is "+complaint)
			return append(b, "null"...)
		}
		return append(b, literal...)
	}
	return appendString(b, n.Text)
}

// jsonNumber rewrites a YAML number whose form JSON does not have.
func jsonNumber(s string) (string, string) {
	digits := strings.ReplaceAll(s, "_", "")
	unsigned := strings.TrimLeft(digits, "+-")
	if len(unsigned) > 1 && unsigned[0] == '0' && '0' <= unsigned[1] && unsigned[1] <= '9' && !strings.ContainsAny(unsigned, ".eE") {
		return "", "ambiguous: without the leading zero it is decimal, with 0o octal, in quotes a string"
	}
	if n, ok := new(big.Int).SetString(digits, 0); ok {
		return n.String(), ""
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", "not one that JSON can hold"
	}
	return strconv.FormatFloat(f, 'g', -1, 64), ""
}

func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return append(b, `""`...)
	}
	return append(b, quoted...)
}
