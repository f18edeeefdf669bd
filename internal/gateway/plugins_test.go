package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// provider is an adapter. With passthrough it speaks the client's dialect; otherwise each stream
// event is a JSON array of kind and text, and a whole body goes back as it is.
type provider struct {
	passthrough bool
	dropped     []string
	edits       abi.Edits
	requestErr  error
	streamErr   error
}

func (p *provider) Describe() *abi.Description {
	d := &abi.Description{Kind: abi.KindProvider, Name: "fake"}
	if p.passthrough {
		d.Passthrough = []string{"openai"}
	}
	return d
}

func (p *provider) Request(_ context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	if p.requestErr != nil {
		return buf, p.requestErr
	}
	*out = abi.RequestOutput{Path: []byte("/" + string(in.Model)), Body: in.Body, Edits: p.edits, RequestMode: abi.ModeTranslate, State: []byte("0")}
	if p.passthrough {
		out.RequestMode, out.ResponseMode = abi.ModePassthrough, abi.ModePassthrough
		out.Edits = p.edits.Append(abi.EditSet, "model", strconv.Quote(string(in.Model)))
		if in.Flags&abi.FlagStream != 0 {
			out.Edits = out.Edits.Append(abi.EditSet, "stream", "true")
		}
	}
	if in.Flags&abi.FlagStream != 0 {
		out.Framing = abi.FramingSSE
	}
	for _, name := range p.dropped {
		out.Dropped = out.Dropped.Append(name)
	}
	return buf, nil
}

// Response classifies by status and code as the real adapters do.
func (p *provider) Response(_ context.Context, in *abi.ResponseInput, out *abi.ResponseOutput, buf []byte) ([]byte, error) {
	var doc struct{ Error *struct{ Code any } }
	if err := json.Unmarshal(in.Body, &doc); err != nil && in.Status == 200 {
		return buf, &abi.Refusal{Status: 502, Class: abi.ClassRetry, Kind: abi.ErrorBadResponse, Code: "bad_upstream_response", Message: "not JSON"}
	}
	if in.Status < 300 && doc.Error == nil {
		out.AsIs = true
		return buf, nil
	}
	code := ""
	if doc.Error != nil {
		code, _ = doc.Error.Code.(string)
	}
	return buf, refusal(in.Status, code)
}

func refusal(status int, code string) *abi.Refusal {
	r := &abi.Refusal{Status: status, Class: abi.ClassRetry, Type: "server_error", Code: code, Message: fmt.Sprintf("vendor said %d", status)}
	kind := func(k abi.ErrorKind, c abi.Class, name string) {
		r.Kind, r.Class = k, c
		if r.Code == "" {
			r.Code = name
		}
	}
	switch {
	case code == "context_length_exceeded":
		kind(abi.ErrorContextWindow, abi.ClassFinal, code)
	case code == "content_filter":
		kind(abi.ErrorContentPolicy, abi.ClassFinal, code)
	case status == 400, status == 422:
		kind(abi.ErrorInvalidRequest, abi.ClassFinal, "invalid_value")
	case status == 401, status == 403:
		kind(abi.ErrorAuth, abi.ClassOther, "upstream_auth")
		r.Status = 502
	case status == 404:
		kind(abi.ErrorNotFound, abi.ClassOther, "model_not_found")
	case status == 408:
		kind(abi.ErrorTimeout, abi.ClassRetry, "upstream_timeout")
	case status == 429:
		kind(abi.ErrorRateLimit, abi.ClassRetry, "rate_limit_exceeded")
	case status == 503, status == 529:
		kind(abi.ErrorOverloaded, abi.ClassRetry, "overloaded")
	default:
		kind(abi.ErrorGeneral, abi.ClassRetry, "upstream_error")
	}
	return r
}

// Stream turns ["content","x"] into a chunk of that kind, and counts events in its state.
func (p *provider) Stream(_ context.Context, in *abi.StreamInput, out *abi.StreamOutput, buf []byte) ([]byte, error) {
	*out = abi.StreamOutput{}
	for i := range buf[:cap(buf)] {
		buf[:cap(buf)][i] = 0xff // whatever the last call left there is over
	}
	if p.streamErr != nil {
		return buf, p.streamErr
	}
	n, err := strconv.Atoi(string(in.State))
	if err != nil {
		return buf, err
	}
	for _, data := range in.Events.All {
		n++
		var ev [2]string
		if err := json.Unmarshal(data, &ev); err != nil {
			return buf, err
		}
		text := []byte(fmt.Sprintf(`{"n":%d,"text":%q}`, n, ev[1]))
		switch ev[0] {
		case "meta":
			out.Chunks = out.Chunks.Append(abi.ChunkMeta, text)
		case "content":
			out.Chunks = out.Chunks.Append(abi.ChunkContent, text)
		case "finish":
			out.Chunks = out.Chunks.Append(abi.ChunkFinish, text)
		case "usage":
			out.Usage = abi.Usage{Present: true, Prompt: 3, Completion: 4}
			out.Chunks = out.Chunks.Append(abi.ChunkUsage, text)
		case "error":
			out.Chunks = out.Chunks.AppendRefusal(refusal(503, ""))
		case "done":
			out.Done = true
		}
	}
	out.State = append(buf, strconv.Itoa(n)...)
	return out.State, nil
}

// strategy scores by the order of the candidates unless it is told otherwise.
type strategy struct {
	name     string
	mode     string
	hash     string
	fuel     uint64
	score    func(h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error
	listens  bool
	mu       sync.Mutex
	seen     [][]abi.Candidate
	headers  []abi.Header
	feedback []abi.Feedback
}

func (s *strategy) Describe() *abi.Description {
	return &abi.Description{Kind: abi.KindStrategy, Name: s.name, Mode: s.mode}
}

func (s *strategy) Score(_ context.Context, h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	s.mu.Lock()
	s.seen = append(s.seen, slices.Clone(cands))
	s.headers = append(s.headers, *h)
	s.mu.Unlock()
	*out = abi.ScoreOutput{Scores: out.Scores[:0]}
	for i := range cands {
		out.Scores = append(out.Scores, float64(i))
	}
	if s.score != nil {
		return s.fuel, s.score(h, cands, out)
	}
	return s.fuel, nil
}

func (s *strategy) Hash() string { return s.hash }

func (s *strategy) HasFeedback() bool { return s.listens }

func (s *strategy) Feedback(_ context.Context, f *abi.Feedback) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := *f
	c.ID, c.Group = slices.Clone(f.ID), slices.Clone(f.Group)
	s.feedback = append(s.feedback, c)
	return nil
}

// scoring is a strategy with fixed scores by deployment name (the part of the ID after the slash).
func scoring(name, mode string, scores map[string]float64) *strategy {
	return &strategy{name: name, mode: mode, score: func(_ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) error {
		for i := range cands {
			_, short, _ := strings.Cut(cands[i].ID, "/")
			out.Scores[i] = scores[short]
		}
		return nil
	}}
}
