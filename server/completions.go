package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// openai serves the routes whose requests and answers are those of the OpenAI dialect.
func (s *Server) openai(endpoint abi.Endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := c.(*exchange)
		snap, key, err := x.enterCompletion()
		if err != nil {
			return err
		}
		defer snap.Release()
		body, err := x.body()
		if err != nil {
			return err
		}
		req, e := gateway.Inspect(endpoint, body)
		if e != nil {
			return e
		}
		if req.Stream && endpoint == abi.EndpointEmbeddings {
			return gateway.InvalidRequest("invalid_value", "stream", "Embeddings can't be streamed.")
		}
		if err := x.identify(req, snap, key, x.Request().Header.Get(headerTenant)); err != nil {
			return err
		}
		result, err := x.ask(snap, req)
		switch {
		case err != nil:
			return err
		case result.Stream != nil:
			x.relay(result.Stream, &sse{})
			return nil
		default:
			return x.send(http.StatusOK, result.Body)
		}
	}
}

// ask has the gateway serve a request for which everything but the headers has been set.
func (x *exchange) ask(snap *gateway.Snapshot, req *gateway.Request) (*gateway.Result, error) {
	x.request = req
	req.ID = x.id
	r := x.Request()
	if err := readHeaders(req, r.Header); err != nil {
		return nil, err
	}
	result, e := x.s.gateway.Do(r.Context(), snap, req)
	x.report = result.Report
	describe(x.w.Header(), result.Report)
	if e != nil {
		return nil, e
	}
	return result, nil
}

// framing is how a stream's chunks are put on the wire.
type framing interface {
	contentType() string
	// chunk appends one chunk of the OpenAI dialect.
	chunk(dst, data []byte, kind abi.ChunkKind) []byte
	// finish appends what ends a whole answer, fail what ends one that broke off.
	finish(dst []byte, p *gateway.Report) []byte
	fail(dst []byte, e *gateway.Error) []byte
}

// relay sends a stream to its end.
func (x *exchange) relay(stream *gateway.Stream, f framing) {
	defer stream.Close()
	h := x.w.Header()
	h["Content-Type"] = []string{f.contentType()}
	h["Cache-Control"] = []string{"no-cache"}
	h["X-Accel-Buffering"] = []string{"no"}
	x.status = http.StatusOK
	x.w.WriteHeader(http.StatusOK)

	out := newOutlet(x.w, x.control, f)
	e := stream.Run(out)
	switch {
	case e == nil:
		out.buf = f.finish(out.buf, x.report)
	case e.Canceled():
		x.status, x.code = statusGone, e.Code
		return
	default:
		x.code = e.Code
		out.buf = f.fail(out.buf, e)
	}
	if out.end() != nil {
		x.status = statusGone
	}
}
