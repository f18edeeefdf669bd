//go:build !race

package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
)

// completionAllocations is how often a completion allocates in the server and the gateway, and in what stands for a vendor
// and its plugin here, which is about a fifth. Whoever raises it says why; whoever lowers it writes the new number here.
const completionAllocations = 48

// chunkAllocations is how often a chunk of a stream allocates, from the vendor's bytes to the client's.
const chunkAllocations = 0

// TestAllocations compares with what is written above. Counts are steady where times are not; the race detector makes
// pools forget, so this is not for it.
func TestAllocations(t *testing.T) {
	vendor := &drip{}
	f := newFixture(t, setting{vendor: func(ctx context.Context, r *upstream.Request) (*upstream.Response, error) {
		if vendor.left == 0 {
			return hello(ctx, r)
		}
		return &upstream.Response{Status: http.StatusOK, Header: http.Header{}, Body: vendor}, nil
	}})
	f.quiet()
	w, sent := nowhere{http.Header{}}, bytes.NewReader(nil)
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
	r.Body = io.NopCloser(sent)
	of := func(body string, chunks int) float64 {
		r.ContentLength = int64(len(body))
		return testing.AllocsPerRun(200, func() {
			vendor.left = chunks
			sent.Reset([]byte(body))
			f.Handler().ServeHTTP(w, r)
			<-f.records
		})
	}
	of(chatBody, 0)
	if n := of(chatBody, 0); n != completionAllocations {
		t.Errorf("%v allocations for a completion, %d are written down", n, completionAllocations)
	}
	const many = 100
	if n := (of(streamBody, 10+many) - of(streamBody, 10)) / many; n != chunkAllocations {
		t.Errorf("%v allocations for a chunk, %d are written down", n, chunkAllocations)
	}
}

// drip is the body of a vendor that sends chunk by chunk.
type drip struct{ left int }

func (d *drip) Read(p []byte) (int, error) {
	if d.left--; d.left <= 0 {
		d.left = 0
		return copy(p, "data: "+finishChunk+"\n\ndata: [DONE]\n\n"), io.EOF
	}
	return copy(p, "data: "+helChunk+"\n\n"), nil
}

func (*drip) Close() error { return nil }
