// Package answer invents what a simulated model says: texts, thoughts, tool calls and JSON that fits a schema, all from a seed.
package answer

import (
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/simulator/prompt"
	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

// Answer is what the model says, in no vendor's terms.
type Answer struct {
	Text   Tokens
	Think  Tokens
	Calls  []Call
	Finish string // stop, length, tool_calls or stop_sequence
	Stop   string // the stop sequence that was met
	Digest string // eight hexadecimal digits that tell prompts apart
}

// Call is one tool call.
type Call struct {
	Name string
	Args []byte // a JSON object
}

// Tokens is a text with the places where its tokens end.
type Tokens struct {
	Bytes []byte
	ends  []int
}

func (t *Tokens) add(parts ...string) {
	for _, s := range parts {
		t.Bytes = append(t.Bytes, s...)
	}
	t.ends = append(t.ends, len(t.Bytes))
}

// Len is the number of tokens.
func (t *Tokens) Len() int { return len(t.ends) }

// At returns token i. It shares memory with Bytes.
func (t *Tokens) At(i int) []byte {
	if i == 0 {
		return t.Bytes[:t.ends[0]]
	}
	return t.Bytes[t.ends[i-1]:t.ends[i]]
}

// truncate keeps the first n bytes.
func (t *Tokens) truncate(n int) {
	t.Bytes = t.Bytes[:n]
	for i, end := range t.ends {
		if end >= n {
			t.ends = t.ends[:i+1]
			t.ends[i] = n
			break
		}
	}
	if n == 0 {
		t.ends = nil
	}
}

// ArgSize is the length of the pieces in which the arguments of a tool call are streamed.
const ArgSize = 12

// OutputTokens is what the vendor counts: what was streamed piece by piece.
func (a *Answer) OutputTokens() int {
	n := a.Text.Len() + a.Think.Len()
	for _, c := range a.Calls {
		n += 1 + (len(c.Args)+ArgSize-1)/ArgSize
	}
	return n
}

// words make up the filler text. Their number is a power of two.
var words = [...]string{
	" amber", " anchor", " arch", " basin", " beacon", " birch", " bridge", " canal", " cedar", " circuit", " cloud", " cobalt",
	" copper", " delta", " depot", " drift", " ember", " fern", " field", " freight", " gauge", " glacier", " grain", " harbor",
	" hollow", " island", " junction", " kettle", " ladder", " lantern", " lever", " linden", " maple", " meadow", " mirror", " north",
	" orbit", " pebble", " pine", " platform", " prism", " quarry", " rail", " ridge", " river", " sable", " signal", " slate",
	" spruce", " station", " stone", " summit", " switch", " tender", " thicket", " timber", " track", " tunnel", " valley", " vector",
	" violet", " wagon", " willow", " yard",
}

// Compose answers a prompt. It depends on the seed, the model, the last user message, the tool results and the index of the
// choice, and on nothing else.
func Compose(source uint64, model string, natural int, p *prompt.Prompt, choice int) Answer {
	r := seed.New(source, model+"\x00"+p.LastUser+"\x00"+p.ToolResults, uint64(choice))
	a := Answer{Finish: "stop", Digest: r.Hex(8)}
	marker := p.Directive("marker")
	if p.Thinking {
		a.Think.words(marker, "Considering prompt "+a.Digest, 8, &r)
	}
	for _, t := range p.Called() {
		a.Calls = append(a.Calls, Call{Name: t.Name, Args: AppendInstance(nil, t.Schema, marker)})
		a.Finish = "tool_calls"
	}
	if len(a.Calls) > 0 {
		return a
	}
	a.Text.ends = make([]int, 0, p.Length(natural)+8)
	if p.JSON {
		for piece := range Fragments(AppendInstance(nil, p.Schema, marker), ArgSize) {
			a.Text.add(string(piece))
		}
	} else {
		a.Text.words(marker, opening(p, a.Digest), p.Length(natural), &r)
	}
	a.limit(p)
	return a
}

func opening(p *prompt.Prompt, digest string) string {
	var b strings.Builder
	b.WriteString("Reply " + digest)
	switch {
	case p.Images == 1:
		b.WriteString(" sees 1 image")
	case p.Images > 1:
		b.WriteString(" sees " + strconv.Itoa(p.Images) + " images")
	}
	if p.Ended {
		quote := p.ToolResults
		if len(quote) > 400 {
			quote = strings.ToValidUTF8(quote[:400], "") + "…"
		}
		b.WriteString(" quotes the tool: " + quote + " and")
	}
	return b.String() + ":"
}

// words adds the words of opening, then filler until there are n tokens. With a marker every token begins with it.
func (t *Tokens) words(marker, opening string, n int, r *seed.Random) {
	put := func(word string) {
		if marker != "" {
			t.add(marker, ".", strings.TrimPrefix(word, " "), " ")
		} else {
			t.add(word)
		}
	}
	for opening != "" {
		end := len(opening)
		if i := strings.IndexByte(opening[1:], ' '); i >= 0 {
			end = i + 1
		}
		put(opening[:end])
		opening = opening[end:]
	}
	for t.Len() < n {
		put(words[r.Next()%uint64(len(words))])
	}
}

// limit cuts the text at the first stop sequence, then at the token limit.
func (a *Answer) limit(p *prompt.Prompt) {
	first := -1
	for _, stop := range p.Stop {
		if i := strings.Index(string(a.Text.Bytes), stop); stop != "" && i >= 0 && (first < 0 || i < first) {
			first, a.Finish, a.Stop = i, "stop_sequence", stop
		}
	}
	if first >= 0 {
		a.Text.truncate(first)
	}
	if room := p.MaxTokens - a.Think.Len(); p.MaxTokens > 0 && a.Text.Len() > room {
		a.Finish, a.Stop = "length", ""
		if room <= 0 {
			a.Text = Tokens{}
			a.Think.truncate(a.Think.ends[min(p.MaxTokens, a.Think.Len())-1])
		} else {
			a.Text.truncate(a.Text.ends[room-1])
		}
	}
}
