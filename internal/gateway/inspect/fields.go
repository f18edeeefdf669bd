package inspect

import (
	"bytes"
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// prefixBytes is how much of the messages makes up the prefix hash: enough to tell system
// prompts apart, short enough to be shared by a conversation's requests.
const prefixBytes = 1 << 10

// Timeout reads a timeout as clients give it in a header: seconds, or a Go duration. name
// is for the error.
func Timeout(name, value string) (time.Duration, *Mistake) {
	v := jsonraw.Value(value)
	if _, ok := v.Float(); !ok {
		v = jsonraw.AppendString(nil, value)
	}
	return seconds(name, v)
}

// seconds reads a time limit. One below a millisecond is taken as that: 0 would mean none.
func seconds(name string, v jsonraw.Value) (time.Duration, *Mistake) {
	if s, ok := v.Float(); ok && s > 0 && s <= math.MaxInt32 {
		return max(time.Duration(s*float64(time.Second)), time.Millisecond), nil
	}
	if d, err := time.ParseDuration(v.Text()); err == nil && d > 0 && d <= math.MaxInt32*time.Second {
		return max(d, time.Millisecond), nil
	}
	return 0, wrongType(name, "seconds above 0, or a duration such as \"30s\"", v)
}

// groupNames reads a client's fallback list: names, or LiteLLM's objects with a model member.
func groupNames(param string, v jsonraw.Value) ([]string, *Mistake) {
	if v.Kind() != jsonraw.Array {
		return nil, wrongType(param, "an array of model group names", v)
	}
	names := []string{}
	for el := v.Elements(); el.Next(); {
		name := el.Value
		if name.Kind() == jsonraw.Object {
			name = name.Get("model")
		}
		if name.Kind() != jsonraw.String {
			return nil, wrongType(param, "an array of model group names", el.Value)
		}
		names = append(names, name.Text())
	}
	return names, nil
}

// Bounds of tags, which go into the input of every decision and into its record.
const (
	maxTags = 64
	maxTag  = 128 // bytes
)

func (r *Facts) addTags(param string, v jsonraw.Value) *Mistake {
	if v.Kind() != jsonraw.Array {
		return wrongType(param, "an array of strings", v)
	}
	for el := v.Elements(); el.Next(); {
		if el.Value.Kind() != jsonraw.String {
			return wrongType(param, "an array of strings", el.Value)
		}
		tag := el.Value.Text()
		r.Tags = append(r.Tags, tag)
		if m := Tags(param, r.Tags); m != nil {
			return m
		}
	}
	return nil
}

// Tags looks at a list whose last tag is new.
func Tags(param string, tags []string) *Mistake {
	if n := len(tags); n > maxTags || len(tags[n-1]) > maxTag {
		return mistake("invalid_value", param, "Invalid value for %q: a request may have %d tags of at most %d bytes.", param, maxTags, maxTag)
	}
	return nil
}

func boolean(name string, v jsonraw.Value) (bool, *Mistake) {
	b, ok := v.Bool()
	if !ok {
		return false, wrongType(name, "a boolean", v)
	}
	return b, nil
}

// readMessages counts the messages and looks for parts that are not text.
func (r *Facts) readMessages(doc *jsonraw.Outline, messages jsonraw.Node) *Mistake {
	v := doc.Value(messages)
	if v.Kind() != jsonraw.Array {
		return wrongType(fieldNames[fieldMessages], "an array of messages", v)
	}
	size := len(v)
	for e, end := doc.Elements(messages); e < end; e = doc.After(e) {
		if doc.Kind(e) != jsonraw.Object {
			return wrongType(fieldNames[fieldMessages], "an array of objects", doc.Value(e))
		}
		r.Messages++
		if content := member(doc, e, "content"); content != jsonraw.Root {
			size += r.readParts(doc, content)
		}
	}
	r.measure(v, size, doc.Wide())
	return nil
}

// member finds an object's member, the last of that name. It is Root if there is none.
func member(doc *jsonraw.Outline, object jsonraw.Node, name string) (found jsonraw.Node) {
	for key, end := doc.Members(object); key < end; key = doc.After(key + 1) {
		if string(doc.Name(key)) == name {
			found = key + 1
		}
	}
	return found
}

// partBytes stands for the data of one image, recording or file: about a thousand tokens.
const partBytes = 4000

// readParts notes the kinds of a message's parts. The result corrects the size for data, such as
// base64, that is not read as text.
func (r *Facts) readParts(doc *jsonraw.Outline, content jsonraw.Node) (correction int) {
	for part, end := doc.Elements(content); part < end; part = doc.After(part) {
		kind := member(doc, part, "type")
		if kind == jsonraw.Root {
			continue
		}
		switch t := doc.Value(kind); {
		case t.TextIs("image_url"):
			r.Features |= abi.FeatureImages
		case t.TextIs("input_audio"):
			r.Features |= abi.FeatureAudio
		case t.TextIs("file"):
			r.Features |= abi.FeatureFiles
		default:
			continue
		}
		correction += partBytes - len(doc.Value(part))
	}
	return correction
}

// measure estimates the tokens of a prompt that counts as size bytes, by the usual rough figure of four
// bytes a token. A character that is escaped as \u1234 counts as two bytes; wide says that there may be one.
func (r *Facts) measure(v jsonraw.Value, size int, wide bool) {
	if wide {
		size -= 4 * bytes.Count(v, []byte(`\u`))
	}
	r.PromptTokens = uint32(min(max(size, 0)/4+1, math.MaxInt32))
	r.PrefixHash = abi.Hash(v[:min(len(v), prefixBytes)])
}

func tokens(v jsonraw.Value) uint32 {
	n, ok := v.Int()
	if !ok || n < 0 {
		return 0
	}
	return uint32(min(n, math.MaxInt32))
}

func wrongType(param, want string, got jsonraw.Value) *Mistake {
	return mistake("invalid_type", param, "Invalid type for %q: expected %s, but got %s.", param, want, describe(got))
}

func describe(v jsonraw.Value) string {
	if k := v.Kind(); (k == jsonraw.Number || k == jsonraw.Bool || k == jsonraw.String) && len(v) <= 40 {
		return k.String() + " " + string(v)
	}
	return v.Kind().String()
}
