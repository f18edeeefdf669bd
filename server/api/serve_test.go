package api

import (
	"fmt"
	"net/http"
	"os"
	"testing"
)

func TestServeForever(t *testing.T) {
	addr := os.Getenv("API_ADDR")
	if addr == "" {
		return
	}
	f := newFixture(t)
	f.api.opts.Log = nil
	_, a := f.tenant("acme")
	f.upload("cheap", a, module)
	f.upload("cheap", a, module)
	f.decide("acme", f.now())
	fmt.Println("KEY", a)
	os.WriteFile("/tmp/api/key", []byte(a), 0o600)
	http.ListenAndServe(addr, f.echo)
}
