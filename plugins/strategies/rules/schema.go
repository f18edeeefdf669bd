package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// schema is the JSON Schema of a config. Configure checks more: keys that need or exclude each other, and sums.
func schema() abi.RawJSON {
	w := &schemaWriter{}
	w.Object()
	w.pair("type", "object")
	w.closed()
	w.Key("properties")
	w.Object()
	w.list("rules", "the first rule that fits decides", maxRules, func() { w.ref("rule") })
	w.words("by", "what ranks deployments that no rule tells apart; weight draws", rankings())
	w.number("utc_offset", "hours that the clock of hours and days is ahead of UTC", -12, 14)
	w.End()
	w.Key("$defs")
	w.Object()
	w.rule()
	w.refusal()
	w.share()
	w.condition("request", "keys that all hold, or a list of alternatives", &requests)
	w.condition("deployment", "pattern of an id, keys that all hold, or a list of alternatives", &deployments)
	w.texts()
	w.between()
	w.End()
	w.End()
	return abi.RawJSON(w.Buf)
}

type schemaWriter struct{ jsonraw.Writer }

func (w *schemaWriter) pair(key, value string) {
	w.Key(key)
	w.String(value)
}

func (w *schemaWriter) integer(key string, value int) {
	w.Key(key)
	w.Int(int64(value))
}

func (w *schemaWriter) closed() {
	w.Key("additionalProperties")
	w.Bool(false)
}

// member writes one property, of which schema writes the rest.
func (w *schemaWriter) member(name, about string, schema func()) {
	w.Key(name)
	w.Object()
	if about != "" {
		w.pair("description", about)
	}
	schema()
	w.End()
}

func (w *schemaWriter) ref(name string) { w.pair("$ref", "#/$defs/"+name) }

func (w *schemaWriter) refer(name, about, to string) { w.member(name, about, func() { w.ref(to) }) }

func (w *schemaWriter) list(name, about string, most int, items func()) {
	w.member(name, about, func() { w.array(most, items) })
}

func (w *schemaWriter) array(most int, items func()) {
	w.pair("type", "array")
	w.integer("minItems", 1)
	w.integer("maxItems", most)
	w.member("items", "", items)
}

func (w *schemaWriter) words(name, about string, words []string) {
	w.member(name, about, func() {
		w.Key("enum")
		w.Array()
		for _, word := range words {
			w.String(word)
		}
		w.End()
	})
}

func (w *schemaWriter) text(name, about string, most int) {
	w.member(name, about, func() { w.textType(most) })
}

func (w *schemaWriter) textType(most int) {
	w.pair("type", "string")
	w.integer("minLength", 1)
	w.integer("maxLength", most)
}

func (w *schemaWriter) typed(name, about, kind string) {
	w.member(name, about, func() { w.pair("type", kind) })
}

func (w *schemaWriter) number(name, about string, low, high int) {
	w.bounded(name, about, "number", low, high)
}

func (w *schemaWriter) whole(name, about string, low, high int) {
	w.bounded(name, about, "integer", low, high)
}

func (w *schemaWriter) bounded(name, about, kind string, low, high int) {
	w.member(name, about, func() {
		w.pair("type", kind)
		w.integer("minimum", low)
		w.integer("maximum", high)
	})
}

// either writes alternatives.
func (w *schemaWriter) either(schemas ...func()) {
	w.Key("anyOf")
	w.Array()
	for _, s := range schemas {
		w.Object()
		s()
		w.End()
	}
	w.End()
}

// object writes an object's type and properties. The names are of those that it must have.
func (w *schemaWriter) object(properties func(), required ...string) {
	w.pair("type", "object")
	w.closed()
	w.integer("minProperties", 1)
	if required != nil {
		w.Key("required")
		w.Array()
		for _, name := range required {
			w.String(name)
		}
		w.End()
	}
	w.Key("properties")
	w.Object()
	properties()
	w.End()
}

func (w *schemaWriter) rule() {
	w.member("rule", "", func() {
		w.object(func() {
			w.text("name", "what reasons call the rule", maxText)
			w.refer("when", "requests that the rule fits; without it, all", "request")
			w.refer("only", "deployments that may serve", "deployment")
			w.refer("otherwise", "refuse the request when only leaves nothing on offer", "refusal")
			w.member("prefer", "deployments that come first, in the order of the list", func() { w.ref("deployment") })
			w.list("split", "deployments that come first, drawn by weight", maxEntries, func() { w.ref("share") })
			w.typed("sticky", "a session that the client names stays with its share of the split", "boolean")
			w.refer("avoid", "deployments that come last", "deployment")
			w.words("by", "what ranks deployments that the rules do not tell apart", rankings())
			w.refer("deny", "refuse the request", "refusal")
			w.whole("attempt_timeout_ms", "longest time of one attempt", 1, maxTimeout)
			w.whole("first_token_timeout_ms", "longest time to the first token of a stream", 1, maxTimeout)
			w.typed("continue", "later rules have a say, too", "boolean")
		})
	})
}

func (w *schemaWriter) refusal() {
	w.member("refusal", "message for the client", func() {
		w.either(
			func() { w.textType(maxMessage) },
			func() {
				w.object(func() {
					w.text("message", "", maxMessage)
					w.whole("status", "HTTP status", 400, 599)
					w.member("code", "for programs", func() { w.pair("pattern", "^[a-z0-9_]{1,64}$") })
				}, "message")
			},
		)
	})
}

func (w *schemaWriter) share() {
	w.member("share", "", func() {
		w.object(func() {
			w.refer("to", "", "deployment")
			w.typed("weight", "its part, relative to the others'", "number")
		}, "to", "weight")
	})
}

func (w *schemaWriter) condition(name, about string, of *scope) {
	w.member(name, about, func() {
		forms := []func(){
			func() { w.object(func() { w.fields(of) }) },
			func() { w.array(maxEntries, func() { w.ref(name) }) },
		}
		if of.bare != nil {
			forms = append(forms, func() { w.textType(maxText) })
		}
		w.either(forms...)
	})
}

func (w *schemaWriter) fields(of *scope) {
	for i := range of.fields {
		f := &of.fields[i]
		switch f.kind {
		case kindNumber:
			w.refer(f.name, f.about, "between")
		case kindFlag:
			w.typed(f.name, f.about, "boolean")
		case kindNot:
			w.refer(f.name, f.about, of.name)
		case kindOffered:
			w.refer(f.name, f.about, deployments.name)
		default:
			w.refer(f.name, f.about, "texts")
		}
	}
}

func (w *schemaWriter) texts() {
	w.member("texts", "a text, or a list of them; * stands for any characters", func() {
		w.either(
			func() { w.textType(maxText) },
			func() { w.array(maxEntries, func() { w.textType(maxText) }) },
		)
	})
}

func (w *schemaWriter) between() {
	w.member("between", "a number, or the least, the most or both", func() {
		w.either(
			func() { w.pair("type", "number") },
			func() { w.object(func() { w.typed("min", "", "number"); w.typed("max", "", "number") }) },
		)
	})
}
