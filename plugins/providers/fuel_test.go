package providers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestLab(t *testing.T) {
	h := hosttest.New(t)
	for _, name := range strings.Fields(os.Getenv("LAB")) {
		path := hosttest.Build(t, name)
		for _, size := range []int{10_000, 100_000, 1_000_000} {
			set, err := h.Build(t.Context(), filepath.Dir(path), []host.Spec{{Key: "p", Plugin: name, Kind: abi.KindProvider, Config: []byte("{}")}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			b.WriteString(`{"model":"m","messages":[{"role":"user","content":"x"}`)
			for b.Len() < size {
				b.WriteString(`,{"role":"user","content":"hi"}`)
			}
			b.WriteString("]}")
			in := abi.RequestInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Model: []byte("claude-sonnet-4-5"), RequestID: []byte("r"), Body: []byte(b.String())}
			var out abi.RequestOutput
			last := uint64(0)
			for range 4 {
				_, err = set.Provider("p").Request(t.Context(), &in, &out, nil)
				f := h.Plugins()[0].Fuel
				fmt.Printf("%s %d: %d (max %d) %.1f/byte mem %d %v\n", name, size, f.Total-last, f.Max, float64(f.Total-last)/float64(b.Len()), h.Plugins()[0].Instances.Memory, err)
				last = f.Total
			}
			set.Release()
		}
	}
}
