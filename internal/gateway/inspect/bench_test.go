package inspect

import (
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkDecode is what a byte of a client's request costs before it is sent on.
func BenchmarkDecode(b *testing.B) {
	const sentence = `Plain prose is most of what is sent: \"quoted\" words, a line\nbreak now and then. `
	for _, size := range []int{500, 10_000, 200_000} {
		for name, turn := range map[string]int{"turns": 20, "one": size} {
			text := strings.Repeat(sentence, max(1, min(turn, size/len(sentence))))
			message := `{"role":"user","content":"` + text + `"}`
			body := []byte(`{"model":"m","messages":[` + strings.Repeat(message+",", max(0, size/len(message)-1)) + message + `]}`)
			b.Run(name+"/"+strconv.Itoa(size), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					var r Facts
					if m := r.Decode(abi.EndpointChat, body); m != nil {
						b.Fatal(m)
					}
				}
			})
		}
	}
}
