package jsonraw_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// find looks a key up in every way, and returns what all say.
func find(t *testing.T, set *jsonraw.Keys, raw, pad string) int {
	t.Helper()
	text := []byte(`{` + raw + `:1}` + pad)
	m := jsonraw.Value(text).Members()
	if !m.Next() {
		t.Fatalf("%s has no member", text)
	}
	var doc jsonraw.Outline
	if err := doc.Read(text); err != nil {
		t.Fatal(err)
	}
	key, _ := doc.Members(jsonraw.Root)
	byMember, byNode, byName := m.Find(set), doc.Find(key, set), set.Find(m.Name())
	if byMember != byNode || byNode != byName {
		t.Fatalf("%s is %d of the members, %d of the outline, %d by its name", raw, byMember, byNode, byName)
	}
	return byNode
}

func TestKeySets(t *testing.T) {
	names := []string{
		"", "a", "b", "ab", "role", "content", "contents", "reasoning_content", "reasoning-content", "exclusiveMinimum",
		"exclusiveMaximum", "a name of more than twenty-four bytes", "a name of more than twenty-five bytes", "a\x00", "é", "a\"",
	}
	for i := range 40 {
		names = append(names, strings.Repeat("x", i+2))
	}
	set := jsonraw.NewKeys(names...)
	for i, name := range names {
		plain := string(jsonraw.AppendString(nil, name))
		for _, pad := range []string{"", "         "} {
			if n := find(t, &set, plain, pad); n != i+1 {
				t.Errorf("%s is key %d, not %d", plain, n, i+1)
			}
		}
		if name == "" {
			continue
		}
		escaped := `"\u00` + string("0123456789abcdef"[name[0]>>4]) + string("0123456789abcdef"[name[0]&15]) + plain[2:]
		if n := find(t, &set, escaped, ""); name[0] < 0x80 && n != i+1 {
			t.Errorf("%s is key %d, not %d", escaped, n, i+1)
		}
		for at := range name {
			changed := name[:at] + "~" + name[at+1:]
			if n := find(t, &set, string(jsonraw.AppendString(nil, changed)), " "); n != 0 && !slices.Contains(names, changed) {
				t.Errorf("%q is key %d", changed, n)
			}
		}
	}
	for _, raw := range []string{`"~"`, `"roles"`, `"\n"`, `"` + strings.Repeat(`\u0078`, 50) + `"`, `"` + strings.Repeat(`\\`, 500) + `"`, `"` + strings.Repeat("x", 50) + `"`} {
		if n := find(t, &set, raw, ""); n != 0 {
			t.Errorf("%s is key %d", raw, n)
		}
	}
}

func TestNewKeysPanics(t *testing.T) {
	for _, names := range [][]string{{"a", "b", "a"}, make([]string, 65)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d keys: no panic", len(names))
				}
			}()
			jsonraw.NewKeys(names...)
		}()
	}
}

// TestSimilarKeys looks names up that differ from a known one in a byte, and one that has the same digest.
func TestSimilarKeys(t *testing.T) {
	t.Parallel()
	const known, factor = "known name of 24 letters", 0xff51afd7ed558ccd
	set := jsonraw.NewKeys("other", known)
	if set.Find([]byte(known)) != 2 {
		t.Fatal("the known name is not found")
	}
	for i := range len(known) {
		name := []byte(known)
		name[i] ^= 1
		if n := set.Find(name); n != 0 {
			t.Errorf("%q is found, as %d", name, n)
		}
	}
	name := []byte(known)
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(name[i:]) }
	was := word(0) * factor
	name[0] ^= 1
	binary.LittleEndian.PutUint64(name[8:], word(8)^was^word(0)*factor)
	if n := set.Find(name); n != 0 {
		t.Errorf("%q is found, as %d", name, n)
	}
}
