package simulator_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
)

var update = flag.Bool("update", false, "write the responses into testdata")

// TestGolden plays each case as the first request to a fresh simulator with seed 1, twice: every byte is decided by the seed.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("cases: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, 1, string(archive.Files[0].Data))
			if again := play(t, 1, string(archive.Files[0].Data)); got != again {
				t.Errorf("two simulators with one seed differ:\n%s\n%s", got, again)
			}
			if *update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(archive.Files[1].Data); got != want {
				t.Errorf("response\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// play sends a case's request and renders the answer. Of the headers that hold a time of the clock only the name is kept.
func play(t *testing.T, seed uint64, text string) string {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	r := httptest.NewRequest(method, path, strings.NewReader(strings.TrimSpace(body)))
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	simulator.New(simulator.Options{Seed: seed}).ServeHTTP(w, r)
	var out bytes.Buffer
	fmt.Fprintln(&out, w.Code)
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		if strings.HasPrefix(name, "Anthropic-Ratelimit") && strings.HasSuffix(name, "-Reset") {
			fmt.Fprintf(&out, "%s\n", name)
			continue
		}
		fmt.Fprintf(&out, "%s: %s\n", name, w.Header().Get(name))
	}
	out.WriteByte('\n')
	out.Write(w.Body.Bytes())
	if !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	return out.String()
}

// TestSeedsDiffer guards the golden cases: another seed gives other texts and ids.
func TestSeedsDiffer(t *testing.T) {
	t.Parallel()
	const request = "POST /openai@fast/v1/chat/completions\nAuthorization: Bearer k\n\n" +
		`{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`
	if a, b := play(t, 1, request), play(t, 2, request); a == b {
		t.Errorf("seeds 1 and 2 give the same answer: %s", a)
	}
}

// TestSecondRequestDiffers: ids belong to one request, the text to the prompt.
func TestSecondRequestDiffers(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{Seed: 1})
	ask := func() (id, text string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/openai@fast/v1/chat/completions",
			strings.NewReader(`{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`))
		r.Header.Set("Authorization", "Bearer k")
		sim.ServeHTTP(w, r)
		return field(w.Body.String(), "id"), field(w.Body.String(), "choices.0.message.content")
	}
	id1, text1 := ask()
	id2, text2 := ask()
	if id1 == id2 || text1 != text2 || text1 == "" {
		t.Errorf("ids %q and %q, texts %q and %q", id1, id2, text1, text2)
	}
}
