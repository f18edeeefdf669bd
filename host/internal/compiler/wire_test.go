package compiler

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host/meter"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	want := order{
		Job:    Job{Module: []byte("module"), Limits: meter.Limits{Memory: 7, Locals: 9}, Work: "/a/b c"},
		Bounds: Bounds{Memory: 1 << 40, CPU: time.Second, Timeout: time.Hour}, Urgent: true,
	}
	b, err := encodeOrder(&want)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, want.Module...)
	r := bytes.NewReader(append(b, 'x'))
	got, size, err := readHead(r)
	if err != nil {
		t.Fatal(err)
	}
	module, err := readModule(r, size)
	if err != nil || string(module) != "module" || r.Len() != 1 {
		t.Errorf("module %q, %v, %d bytes are left", module, err, r.Len())
	}
	if got.Limits != want.Limits || got.Work != want.Work || got.Bounds != want.Bounds || !got.Urgent {
		t.Errorf("%+v became %+v", want, got)
	}
	for n := range b {
		r := bytes.NewReader(b[:n])
		_, size, err := readHead(r)
		if err == nil {
			_, err = readModule(r, size)
		}
		if err == nil {
			t.Errorf("the first %d of %d bytes are an order", n, len(b))
		}
	}
	if err := Main(strings.NewReader("#!/bin/sh and so on, and on"), io.Discard); err == nil || !strings.Contains(err.Error(), "router's own use") {
		t.Errorf("something else: %v", err)
	}
}

func FuzzOrder(f *testing.F) {
	b, err := encodeOrder(&order{Job: Job{Module: []byte("module"), Work: "/a"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(b, "module"...))
	f.Add([]byte(magic + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		_, size, err := readHead(r)
		if err != nil {
			return
		}
		if module, err := readModule(r, size); err == nil && uint64(len(module)) != size {
			t.Errorf("%d bytes instead of %d", len(module), size)
		}
	})
}
