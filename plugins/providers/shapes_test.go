package providers_test

import "strings"

// shape is a message made of as many small things of one kind as fit into a number of bytes, which is what costs an adapter
// most.
type shape struct {
	name  string
	build func(size int) string
}

// many repeats item, with commas between.
func many(name, head, item, tail string) shape { return run(name, head+item, ","+item, tail) }

// run repeats item.
func run(name, head, item, tail string) shape {
	return shape{name, func(size int) string { return head + strings.Repeat(item, size/len(item)) + tail }}
}

// both repeats one item and then another.
func both(name, head, one, between, other, tail string) shape {
	return shape{name, func(size int) string {
		n := size / (len(one) + len(other))
		return head + strings.Repeat(one, n) + between + strings.Repeat(other, n) + tail
	}}
}

// counted is both with a # in each item replaced by its number, which in the second run goes down.
func counted(name, head, one, between, other, tail string) shape {
	return shape{name, func(size int) string {
		const digits = 6
		n := size / (len(one) + len(other) + 2*digits)
		b := []byte(head)
		add := func(item string, number int) {
			before, after, _ := strings.Cut(item, "#")
			b = append(b, before...)
			for unit := 100_000; unit > 0; unit /= 10 {
				b = append(b, byte('0'+number/unit%10))
			}
			b = append(b, after...)
		}
		for i := range n {
			add(one, i)
		}
		b = append(b, between...)
		for i := range n {
			add(other, n-1-i)
		}
		return string(append(b, tail...))
	}}
}

// deep repeats item inside containers that are nested as deep as can be.
func deep(name, head, open, first, item, last, end, tail string) shape {
	depth := 480 / (strings.Count(open, "{") + strings.Count(open, "["))
	return run(name, head+strings.Repeat(open, depth)+first, item, last+strings.Repeat(end, depth)+tail)
}

const (
	hello    = `{"role":"user","content":"hi"}`
	messages = `"messages":[` + hello + `]}`
	called   = `{"messages":[` + hello + `,{"role":"assistant","tool_calls":[`
	argument = called + `{"id":"a","function":{"name":"f","arguments":`
	schema   = `{"tools":[{"function":{"name":"f","strict":true,"parameters":{"type":"object","additionalProperties":false,`
	format   = `{"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":`
)

// requests are what clients may send. They are valid, so that an adapter goes through all of each; the last ones are not.
var requests = []shape{
	run("text", `{"messages":[{"role":"user","content":"`, "plain words, ", `"}]}`),
	many("tiny messages", `{"messages":[`, hello, `]}`),
	many("alternating messages", `{"messages":[`, hello+`,{"role":"assistant","content":"ok"}`, `]}`),
	many("system messages", `{"messages":[`+hello+`,`, `{"role":"system","content":"x"}`, `]}`),
	many("system messages alone", `{"messages":[`, `{"role":"system","content":"x"}`, `]}`),
	many("blank messages", `{"messages":[`+hello+`,`, `{"role":"user","content":""}`, `]}`),
	many("rare members", `{"messages":[`,
		`{"reasoning_content":"","cache_control":{},"thinking_blocks":[1],"refusal":"a","role":"assistant"}`, `]}`),
	many("unknown members", `{"messages":[{"role":"user",`, `"a":1`, `,"content":"x"}]}`),
	many("escaped keys", `{"messages":[{"role":"user",`, `"\n":1`, `,"content":"x"}]}`),
	many("long escaped keys", `{"messages":[{"role":"user",`, `"`+strings.Repeat(`\u0061`, 16)+`":1`, `,"content":"x"}]}`),
	many("repeated members", `{"messages":[{"role":"user",`, `"content":""`, `,"content":"x"}]}`),
	many("strings for parts", `{"messages":[{"role":"user","content":[`, `"a"`, `]}]}`),
	many("blank parts", `{"messages":[{"role":"user","content":["x",`, `""`, `]}]}`),
	many("blank system parts", `{"messages":[`+hello+`,{"role":"system","content":["x",`, `""`, `]}]}`),
	many("parts", `{"messages":[{"role":"user","content":[`, `{"type":"text","text":"a"}`, `]}]}`),
	many("parts of a cached message", `{"messages":[{"role":"user","cache_control":{},"content":[`, `{"type":"text","text":"a"}`, `]}]}`),
	many("cached parts", `{"messages":[{"role":"user","content":[`, `{"type":"text","text":"a","cache_control":{}}`, `]}]}`),
	many("images", `{"messages":[{"role":"user","content":[`, `{"type":"image_url","image_url":"data:image/png;base64,QQ=="}`, `]}]}`),
	run("an escaped image", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,`, `QQ\/%41`, `"}]}]}`),
	many("thinking parts", `{"messages":[`+hello+`,{"role":"assistant","content":["x",`, `{"type":"thinking","thinking":"a","signature":"b"}`, `]}]}`),
	many("thinking blocks", `{"messages":[`+hello+`,{"role":"assistant","content":"x","thinking_blocks":[`, `{"type":"thinking","thinking":"a"}`, `]}]}`),
	run("white space at the end", `{"messages":[`+hello+`,{"role":"assistant","content":"x`, `\n`, `"}]}`),
	run("white space", `{"messages":[`+hello+`,{"role":"user","content":"`, `\n`, `"}]}`),

	many("calls", called, `{"id":"a","function":{"name":"f","arguments":""}}`, `]}]}`),
	many("foreign ids", called, `{"id":"é","function":{"name":"f"}}`, `]}]}`),
	counted("results", called+`{"id":"z","function":{"name":"f"}}`, `,{"id":"#","function":{"name":"f"}}`, `]}`,
		`,{"role":"tool","tool_call_id":"#","content":"r"}`, `]}`),
	both("results of equal calls", called+`{"id":"z","function":{"name":"f"}}`, `,{"id":"a","function":{"name":"f"}}`, `]}`,
		`,{"role":"tool","tool_call_id":"a","content":"r"}`, `]}`),
	both("results without calls", called+`{"id":"z","function":{"name":"f"}}`, `,{"id":"a","function":{"name":"f"}}`, `]}`,
		`,{"role":"tool","tool_call_id":"b","content":"r"}`, `]}`),
	both("function messages", `{"messages":[`+hello, `,{"role":"assistant","function_call":{"name":"f"}}`, ``,
		`,{"role":"function","name":"f","content":"r"}`, `]}`),
	both("function messages without calls", `{"messages":[`+hello, `,{"role":"assistant","function_call":{"name":"f"}}`, ``,
		`,{"role":"function","name":"g","content":"r"}`, `]}`),

	run("arguments of backslashes", argument+`"{\"a\":\"`, `\\\\`, `\"}"}}]}]}`),
	run("arguments of line feeds", argument+`"{`, `\n`, `}"}}]}]}`),
	run("arguments of escapes", argument+`"{\"a\":\"`, `\u00e9`, `\"}"}}]}]}`),
	run("arguments of letters", argument+`"{\"a\":\"`, "é", `\"}"}}]}]}`),
	run("arguments of bad letters", argument+`"{\"a\":\"`, "\xff", `\"}"}}]}]}`),
	many("arguments of numbers", argument+`"{\"a\":[`, `1`, `]}"}}]}]}`),
	many("arguments of lists", argument+`"{\"a\":[`, `[]`, `]}"}}]}]}`),
	many("arguments of strings", argument+`"{\"a\":[`, `\"\"`, `]}"}}]}]}`),
	many("unquoted arguments", argument+`{"a":[`, ` 1 `, `]}}}]}]}`),

	many("tools", `{"tools":[`, `{"function":{"name":"f"}}`, `],`+messages),
	many("tools with everything", `{"tools":[`,
		`{"type":"function","function":{"name":"f","description":"d","parameters":{"a":1},"strict":true},"cache_control":{}}`, `],`+messages),
	both("allowed tools", `{"tools":[{"function":{"name":"z"}}`, `,{"function":{"name":"f"}}`,
		`],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"function":{"name":"z"}}`,
		`,{"function":{"name":"g"}}`, `]}},`+messages),
	many("a schema", schema, `"a":[{}]`, `}}}],`+messages),
	many("an untyped schema", `{"tools":[{"function":{"name":"f","parameters":{`, `"a":1`, `}}}],`+messages),
	many("a schema of types", schema+`"type":[`, `""`, `]}}}],`+messages),
	deep("a deep schema", schema+`"a":`, `{"properties":{"a":`, `{`, `"x":1,`, `"x":1}`, `}}`, `}}}],`+messages),
	deep("a deep schema of types", schema+`"a":`, `{"type":`, `[`, `"",`, `""]`, `}`, `}}}],`+messages),
	deep("a schema of deep lists", schema+`"a":`, `{"anyOf":[`, `{}`, `,{}`, ``, `]}`, `}}}],`+messages),
	many("a format", format+`{`, `"a":"\""`, `}}},"reasoning_effort":"high",`+messages),
	deep("a deep format", format, `{"type":"object","additionalProperties":false,"properties":{"a":`, `[`, `{},`, `{}]`, `}}`, `}},`+messages),

	many("numbers", `{"a":[`, `1`, `],`+messages),
	many("literals", `{"a":[`, `true`, `],`+messages),
	many("strings", `{"a":[`, `""`, `],`+messages),
	many("lists", `{"a":[`, `[]`, `],`+messages),
	many("objects", `{"a":[`, `{"":0}`, `],`+messages),
	many("deep lists", `{"a":[`, strings.Repeat("[", 500)+strings.Repeat("]", 500), `],`+messages),
	many("metadata", `{"metadata":{`, `"tags":1`, `},`+messages),
	many("a bias", `{"logit_bias":{`, `"1":1`, `},`+messages),
	many("stops", `{"stop":[`, `"a"`, `],`+messages),
	many("blank stops", `{"stop":[`, `""`, `],`+messages),
	many("tool choice", `{"tools":[{"function":{"name":"f"}}],"tool_choice":{`, `"a":1`, `,"type":"auto"},`+messages),
	run("blanks", `{"a":`, ` `, `1,`+messages),
	run("digits", `{"seed":`, `1`, `,`+messages),
	run("a fraction", `{"seed":0.`, `1`, `,`+messages),

	many("parameters", `{`, `"a":1`, `,`+messages),
	many("repeated messages", `{`, messages[:len(messages)-1], `}`),
	many("an open list", `{"messages":[`, hello, ``),
	many("a bad message at the end", `{"messages":[`, hello, `,{"role":"x"}]}`),
	run("control characters", `{"messages":[{"role":"user","content":"`, "\x01", `"}]}`),
	run("arguments that do not end", argument+`"{\"a\":`, `[`, `"}}]}]}`),
}
