package server

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// complete serves the simple pair: POST /complete and POST /complete/stream. The request is
// {model, messages, tenant_id, tools?}; any other member of a chat request passes on to the
// vendor, except stream and stream_options, which the route decides.
//
// The unstreamed answer is {content, tool_calls, model, usage}. All four are always there:
// content is "" when there are tool calls, tool_calls is [] when there are none, model is the
// vendor's, and usage is {prompt_tokens, completion_tokens, total_tokens}, or null when the vendor
// did not tell.
func (s *Server) complete(stream bool) echo.HandlerFunc {
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
		req, tenant, err := simpleRequest(body, stream)
		if err != nil {
			return err
		}
		if tenant == "" {
			tenant = x.Request().Header.Get(headerTenant)
		}
		if err := x.identify(req, snap, key, tenant); err != nil {
			return err
		}
		result, err := x.ask(snap, req)
		switch {
		case err != nil:
			return err
		case result.Stream != nil:
			x.relay(result.Stream, &ndjson{})
			return nil
		}
		answer, ok := appendAnswer(make([]byte, 0, len(result.Body)), result.Body, result.Report)
		if !ok {
			return refusal(http.StatusBadGateway, typeServer, "bad_upstream_response", "The upstream's answer has no message.")
		}
		return x.send(http.StatusOK, answer)
	}
}

var (
	streamedEdits = []jsonraw.Edit{
		{Op: jsonraw.Set, Path: []byte("stream"), Value: []byte("true")},
		{Op: jsonraw.Set, Path: []byte("stream_options"), Value: []byte(`{"include_usage":true}`)},
	}
	wholeEdits = []jsonraw.Edit{
		{Op: jsonraw.Delete, Path: []byte("stream")},
		{Op: jsonraw.Delete, Path: []byte("stream_options")},
	}
)

// simpleRequest makes the chat request that a simple one stands for, by splicing, so that
// messages and numbers stay as they are. The second result is the tenant that the body names.
func simpleRequest(body []byte, stream bool) (*gateway.Request, string, error) {
	req, e := gateway.Inspect(abi.EndpointChat, body)
	if e != nil {
		return nil, "", e
	}
	if req.Messages == 0 {
		return nil, "", gateway.InvalidRequest("missing_required_parameter", "messages", "You must provide messages: an array with at least one message.")
	}
	tenant := jsonraw.Value(req.Body).Get("tenant_id")
	if !tenant.Absent() && tenant.Kind() != jsonraw.String {
		return nil, "", gateway.InvalidRequest("invalid_type", "tenant_id", "Invalid type for \"tenant_id\": expected a string, but got %s.", tenant.Kind())
	}
	edits := wholeEdits
	req.Features &^= abi.FeatureStream
	if stream {
		edits = streamedEdits
		req.Features |= abi.FeatureStream
	}
	req.Stream, req.IncludeUsage = stream, stream
	spliced, err := jsonraw.Splice(make([]byte, 0, len(req.Body)+64), req.Body, edits)
	if err != nil {
		return nil, "", gateway.InvalidRequest("invalid_json", "", "The request body can't be read: %v.", err)
	}
	req.Body = spliced
	return req, tenant.Text(), nil
}

// appendAnswer turns a chat completion into a simple answer; ok is false when it has no message.
func appendAnswer(dst []byte, completion jsonraw.Value, p *gateway.Report) (answer []byte, ok bool) {
	message := completion.Get("choices", "0", "message")
	if message.Kind() != jsonraw.Object {
		return dst, false
	}
	calls := message.Get("tool_calls")
	some := calls.Elements()
	called := some.Next()

	dst = append(dst, `{"content":`...)
	if called {
		dst = append(dst, `""`...)
	} else {
		dst = appendText(dst, message.Get("content"))
	}
	dst = append(dst, `,"tool_calls":`...)
	if called {
		dst = append(dst, calls...)
	} else {
		dst = append(dst, '[', ']')
	}
	dst = append(dst, `,"model":`...)
	if model := completion.Get("model"); model.Kind() == jsonraw.String {
		dst = append(dst, model...)
	} else {
		dst = jsonraw.AppendString(dst, p.Model)
	}
	dst = append(dst, `,"usage":`...)
	dst = appendUsage(dst, &p.Usage)
	return append(dst, '}'), true
}

// appendText appends a message's content as one string. Some vendors answer in parts, of which
// only the text is wanted here.
func appendText(dst []byte, content jsonraw.Value) []byte {
	switch content.Kind() {
	case jsonraw.String:
		return append(dst, content...)
	case jsonraw.Array:
		var parts []jsonraw.Value
		for e := content.Elements(); e.Next(); {
			if e.Value.Get("type").TextIs("text") {
				parts = append(parts, e.Value.Get("text"))
			}
		}
		return jsonraw.AppendJoined(dst, "", parts...)
	default:
		return append(dst, `""`...)
	}
}

func appendUsage(dst []byte, u *abi.Usage) []byte {
	if !u.Present {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendUint(dst, u.Prompt, 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendUint(dst, u.Completion, 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendUint(dst, u.Prompt+u.Completion, 10)
	return append(dst, '}')
}
