package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/load"
	"github.com/switchyard-gateway/switchyard/bench/mock"
)

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-sections", "closed,opened"}, {"-contenders", "echo,apache"}, {"more"}, {"-unknown"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestWanted(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"", []string{"1x0.5KB", "32x0.5KB", "256x0.5KB", "32x10KB", "1x200KB", "32x200KB"}},
		{"-quick", []string{"1x0.5KB", "32x0.5KB", "256x0.5KB", "32x10KB"}},
		{"-quick -shapes 200KB,256", []string{"256x0.5KB", "1x200KB", "32x200KB"}},
	} {
		b, err := parse(strings.Fields(c.args), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range shapes {
			if b.wanted(s) {
				got = append(got, s.String())
			}
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: %v, want %v", c.args, got, c.want)
		}
	}
}

func TestEachRoundBeginsWithAnother(t *testing.T) {
	b := &bench{running: []*contender.Running{{Address: "a"}, {Address: "b"}, {Address: "c"}}}
	var first []string
	for range 3 {
		first = append(first, b.turn(func(*contender.Running) bool { return true })[0].Address)
	}
	if got := strings.Join(first, ""); got != "bca" {
		t.Errorf("%s begin, want bca", got)
	}
	if got := b.turn(func(r *contender.Running) bool { return r.Address == "b" }); len(got) != 1 || got[0].Address != "b" {
		t.Errorf("%v", got)
	}
}

// TestGenerate runs the load generator as the benchmark does: options in, result out.
func TestGenerate(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = new(mock.Server).Serve(t.Context(), ln) }()
	defer ln.Close()
	in, err := json.Marshal(load.Options{
		Address: ln.Addr().String(), Path: contender.Path, Body: "{}", Connections: 1, Window: 20 * time.Millisecond, Grace: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"load"}, bytes.NewReader(in), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var res load.Result
	if err := json.Unmarshal(out.Bytes(), &res); err != nil || res.Answers == 0 || res.Broken != 0 {
		t.Errorf("%v: %s", err, &out)
	}
}
