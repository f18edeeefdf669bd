package contender

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBody(t *testing.T) {
	c := &Contender{Model: "m"}
	for _, size := range []int{500, 10_000, 200_000} {
		for _, stream := range []bool{false, true} {
			body := c.Body(size, stream)
			var got struct {
				Model    string
				Stream   bool
				Messages []struct{ Role, Content string }
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || got.Model != "m" || got.Stream != stream {
				t.Errorf("%d: %v, %+v", size, err, got)
			}
			if d := len(body) - size; d < -size/5 || d > size/5 {
				t.Errorf("a body of %d bytes, want about %d", len(body), size)
			}
			if n := len(got.Messages); got.Messages[n-1].Role != "user" {
				t.Errorf("%d: the last turn is the %s's", size, got.Messages[n-1].Role)
			}
		}
	}
}

func TestConfigNamesEveryPlugin(t *testing.T) {
	r := Router{Name: "x", Provider: "openai", Policy: "roomy", Modules: []string{"anthropic", "cost"}}
	text := r.config("/plugins", "/cache", "127.0.0.1:1")
	for _, want := range []string{"plugin: openai", "plugin: anthropic", "strategy: [latency]", "strategy: [cost]", "policy: roomy", `dir: "/plugins"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, clientKey) {
		t.Error("the client's key is in the configuration, not only its hash")
	}
}

func TestProcess(t *testing.T) {
	dir := t.TempDir()
	p, err := Start(dir, "shell", []string{"WORD=hello"}, "/bin/sh", "-c", `echo "$WORD $LEAK"; sleep 1000 & wait`)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEAK", "x")
	line, err := p.Line(t.Context(), "hello")
	if err != nil || line != "hello " {
		t.Errorf("%q, %v", line, err)
	}
	pids := p.PIDs()
	for len(pids) < 2 { // until the shell has started its child
		pids = p.PIDs()
	}
	if p.Memory() <= 0 {
		t.Error("no memory")
	}
	if err := p.Forget(); err != nil {
		t.Error(err)
	}
	p.Stop()
	if _, err := p.Line(t.Context(), "more"); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("after the end: %v", err)
	}
	if said, err := os.ReadFile(filepath.Join(dir, "logs", "shell.log")); err != nil || len(said) != 0 {
		t.Errorf("the log after Forget: %q, %v", said, err)
	}
}

func TestLineEndsWithContext(t *testing.T) {
	p, err := Start(t.TempDir(), "shell", nil, "/bin/sh", "-c", "exec sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Line(ctx, "never"); err == nil {
		t.Error("no error")
	}
}

func TestMissing(t *testing.T) {
	s := &Setup{Work: t.TempDir(), Peers: t.TempDir()}
	for _, c := range []*Contender{portkey(), litellm()} {
		if _, err := c.Start(t.Context(), s); err == nil || !strings.Contains(err.Error(), ErrMissing.Error()) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func TestPlace(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(from, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Place(to, from); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	names := slices.Collect(func(yield func(string) bool) {
		for _, e := range left {
			if !yield(e.Name()) {
				return
			}
		}
	})
	if text, _ := os.ReadFile(to); err != nil || string(text) != "new" || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("%q, %v, %v", text, names, err)
	}
}
