package host_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

const hostile = "testdata/hostile/"

// entry is a line of the corpus's table: what must become of a module.
type entry struct {
	name string
	who  string // policy or provider
	what string // refused, harmless, or the export where each fault must happen
	text string // of the error
}

func (e *entry) kind() string {
	if e.who == abi.KindProvider {
		return abi.KindProvider
	}
	return abi.KindStrategy
}

func corpus(t testing.TB) []entry {
	t.Helper()
	table, err := os.ReadFile(hostile + "expect.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []entry
	for line := range strings.Lines(string(table)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) < 3 {
			t.Fatalf("expect.txt: %q is no expectation", line)
		}
		list = append(list, entry{words[0], words[1], words[2], strings.Join(words[3:], " ")})
	}
	return list
}

// TestHostile tries the modules of the corpus one after the other, twice each, on a host that serves a good plugin
// throughout.
func TestHostile(t *testing.T) {
	list := corpus(t)
	if len(list) < 40 {
		t.Fatalf("the corpus has %d modules, there must be 40", len(list))
	}
	a := newArena(t)
	for _, e := range list {
		module, err := os.ReadFile(hostile + e.name + ".wasm")
		if err != nil {
			t.Fatal(err)
		}
		a.write(e.name, module)
		for _, round := range []string{"first", "second"} {
			if !t.Run(e.name+"/"+round, func(t *testing.T) { a.try(t, &e) }) {
				break
			}
		}
	}
	a.end()
}

// try has a module admitted and called, and compares what becomes of it with what must.
func (a *arena) try(t *testing.T, e *entry) {
	defer a.alive(t) // after the set is released
	set, err := a.admit(e.name, e.kind())
	if err == nil {
		defer a.leave(set)
	}
	switch {
	case err != nil && e.what != "refused":
		t.Fatalf("refused: %v", err)
	case err == nil && e.what == "refused":
		t.Fatal("it was admitted")
	case err != nil:
		checkRefusal(t, err, e)
	case e.kind() == abi.KindStrategy:
		c := calls{t: t, e: e}
		c.strategy(set.Strategy("hostile"))
		c.end()
	default:
		c := calls{t: t, e: e}
		c.provider(set.Provider("hostile"))
		c.end()
	}
}

// checkRefusal holds a refusal to its form: one line that names the file and says what the table asks for.
func checkRefusal(t *testing.T, err error, e *entry) {
	t.Helper()
	list, ok := errors.AsType[host.LoadErrors](err)
	switch {
	case !ok || len(list) != 1 || list[0].Plugin != e.name:
		t.Fatalf("%v is not one refusal of this module", err)
	case !strings.Contains(err.Error(), e.text):
		t.Errorf("the refusal %q does not say %q", err, e.text)
	case strings.ContainsFunc(err.Error(), unicode.IsControl):
		t.Errorf("the refusal %q has control characters", err)
	case len(err.Error()) > 2<<10:
		t.Errorf("the refusal has %d bytes: %.200q…", len(err.Error()), err)
	}
}

// calls are those that a module gets, and what came of them.
type calls struct {
	t      *testing.T
	e      *entry
	faults int // of the plugin's making
	open   int // calls that its breaker kept from it
}

// breakerFaults is how many faults open the breaker of a strategy's pool, if they come within seconds.
const breakerFaults = 5

func (c *calls) strategy(s *host.Strategy) {
	for _, count := range []int{4, 300} { // the second needs a larger input buffer
		list := candidates(count)
		for range 2 * breakerFaults {
			var out abi.ScoreOutput
			_, err := s.Score(c.t.Context(), &abi.Header{Tenant: "mallory", Group: "g"}, list, &out)
			if c.judge(abi.ExportScore, err) && err == nil {
				c.scored(&out, count)
			}
		}
	}
	if s.HasFeedback() {
		for range 2 * breakerFaults {
			c.judge(abi.ExportFeedback, s.Feedback(c.t.Context(), &abi.Feedback{ID: []byte("d0"), OK: true}))
		}
	}
	if c.faults > 0 && c.open == 0 && c.e.what != abi.ExportFeedback { // which is then left out without a word
		c.t.Errorf("after %d faults its breaker is closed", c.faults)
	}
}

func (c *calls) provider(p *host.Provider) {
	for _, size := range []int{2, 200 << 10} { // the second needs a larger input buffer
		body := bytes.Repeat([]byte("7"), size)
		for range 3 {
			var out abi.RequestOutput
			_, err := p.Request(c.t.Context(), &abi.RequestInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectAnthropic, Body: body}, &out, nil)
			c.judge(abi.ExportRequest, err)
			if err != nil {
				out.State = nil
			}
			var response abi.ResponseOutput
			_, err = p.Response(c.t.Context(), &abi.ResponseInput{Endpoint: abi.EndpointChat, Status: 200, Body: body, State: out.State}, &response, nil)
			c.judge(abi.ExportResponse, err)
			var stream abi.StreamOutput
			in := abi.StreamInput{Endpoint: abi.EndpointChat, State: out.State, Count: 1, Events: abi.Events(nil).Append(nil, body)}
			_, err = p.Stream(c.t.Context(), &in, &stream, nil)
			c.judge(abi.ExportStream, err)
		}
	}
}

// judge notes how a call ended and reports whether the module may do so. A refusal is an answer too.
func (c *calls) judge(export string, err error) bool {
	c.t.Helper()
	fault, ok := errors.AsType[*host.Fault](err)
	if !ok {
		if _, refused := errors.AsType[*abi.Refusal](err); err != nil && !refused {
			c.t.Errorf("%s: %v is neither a refusal nor a fault", export, err)
			return false
		}
		return true
	}
	switch {
	case fault.Open && c.faults > 0:
		c.open++
		return true
	case fault.Starved || fault.Open:
		c.t.Errorf("%s: %v", export, err)
		return false
	}
	c.faults++
	switch {
	case export != c.e.what || fault.Export != export:
		c.t.Errorf("%s: the module is %s, but: %v", export, c.e.what, err)
	case !strings.Contains(fault.Cause, c.e.text):
		c.t.Errorf("%s: the fault %q does not say %q", export, fault.Cause, c.e.text)
	case strings.ContainsFunc(fault.Cause, unicode.IsControl) || len(fault.Cause) > 2<<10:
		c.t.Errorf("%s: the fault has control characters or is too long: %.3000q", export, fault.Cause)
	case c.e.who != abi.KindProvider && c.faults > breakerFaults:
		c.t.Errorf("%s: it was called after %d faults", export, breakerFaults)
	default:
		return true
	}
	return false
}

// scored checks an answer that came without an error.
func (c *calls) scored(out *abi.ScoreOutput, count int) {
	if len(out.Scores) != count {
		c.t.Errorf("%d scores for %d candidates", len(out.Scores), count)
	}
	for _, text := range []string{out.Reason, out.RejectCode} {
		if len(text) > 4*abi.MaxReason || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			c.t.Errorf("the text %q can't stand in a header", text)
		}
	}
	if c.e.name == "score-not-numbers" {
		s := out.Scores[:4]
		if !math.IsNaN(s[0]) || !math.IsNaN(s[1]) || !math.IsNaN(s[2]) || !math.IsInf(s[3], 1) {
			c.t.Errorf("the scores became %v", s)
		}
	}
}

func (c *calls) end() {
	if c.e.what != "harmless" && c.faults == 0 {
		c.t.Errorf("it never faulted in %s", c.e.what)
	}
}

// TestHostileSources: each module has its source, its expectation and a comment that says what it does, is small, and is
// what the assembler makes of its source, where there is one.
func TestHostileSources(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, e := range corpus(t) {
		if listed[e.name] {
			t.Errorf("%s is listed twice", e.name)
		}
		listed[e.name] = true
		if e.who != "policy" && e.who != abi.KindProvider {
			t.Errorf("%s is brought by %q", e.name, e.who)
		}
		exports := []string{"refused", "harmless", abi.ExportScore, abi.ExportFeedback, abi.ExportRequest, abi.ExportResponse, abi.ExportStream}
		if !slices.Contains(exports, e.what) {
			t.Errorf("%s is to be %q", e.name, e.what)
		}
	}
	files, err := filepath.Glob(hostile + "*.w*")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2*len(listed) {
		t.Errorf("%d files for %d expectations", len(files), len(listed))
	}
	for _, path := range files {
		name, ext := filepath.Base(path), filepath.Ext(path)
		name = strings.TrimSuffix(name, ext)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !listed[name]:
			t.Errorf("%s has no expectation", path)
		case ext == ".wat":
			if err := commented(content); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if _, err := os.Stat(hostile + name + ".wasm"); err != nil {
				t.Error(err)
			}
		case len(content) >= 4<<10:
			t.Errorf("%s has %d bytes", path, len(content))
		}
	}
	if _, err := exec.LookPath("wat2wasm"); err == nil {
		assembled(t, listed)
	}
}

// commented checks that a source says what the module does and what must become of it.
func commented(source []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(source))
	for _, want := range []string{";; Attack: ", ";; Must: "} {
		for lines.Scan() && !strings.HasPrefix(lines.Text(), want) {
			if !strings.HasPrefix(lines.Text(), ";; ") {
				return fmt.Errorf("its head has no line %q", want)
			}
		}
	}
	return lines.Err()
}

func assembled(t *testing.T, names map[string]bool) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), hostile+"build", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name := range names {
		fresh, err := os.ReadFile(filepath.Join(dir, name+".wasm"))
		if err != nil {
			t.Error(err)
			continue
		}
		if kept, err := os.ReadFile(hostile + name + ".wasm"); err != nil || !bytes.Equal(kept, fresh) {
			t.Errorf("%s.wasm is not what its source gives: run %sbuild (%v)", name, hostile, err)
		}
	}
}

func candidates(count int) []abi.Candidate {
	list := make([]abi.Candidate, count)
	for n := range list {
		list[n] = abi.Candidate{ID: fmt.Sprintf("p/m%d", n), Provider: "p", Model: fmt.Sprintf("m%d", n), Total: float64(n)}
	}
	return list
}
