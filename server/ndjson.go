package server

import (
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// ndjson frames a stream as lines of JSON:
//
//	{"type":"chunk","text":"…"}
//	{"type":"done","model":"…","usage":{…}|null,"finish_reason":"…"|null}
//	{"type":"error","error":{"message":"…","type":"…","param":null,"code":"…"}}
//
// The last line is a done or an error. Only text of the first choice is carried: that an answer
// calls tools shows in its finish reason.
type ndjson struct {
	model  []byte // raw JSON, nil until a chunk had it
	reason []byte
}

func (*ndjson) contentType() string { return "application/x-ndjson" }

func (n *ndjson) chunk(dst, data []byte, kind abi.ChunkKind) []byte {
	for m := jsonraw.Value(data).Members(); m.Next(); {
		switch string(m.Name()) {
		case "model":
			if n.model == nil && m.Value.Kind() == jsonraw.String {
				n.model = append(n.model, m.Value...)
			}
		case "choices":
			if kind != abi.ChunkContent && kind != abi.ChunkFinish {
				continue
			}
			for e := m.Value.Elements(); e.Next(); {
				dst = n.choice(dst, e.Value)
			}
		}
	}
	return dst
}

func (n *ndjson) choice(dst []byte, choice jsonraw.Value) []byte {
	if index, ok := choice.Get("index").Int(); ok && index != 0 {
		return dst
	}
	if reason := choice.Get("finish_reason"); reason.Kind() == jsonraw.String {
		n.reason = append(n.reason[:0], reason...)
	}
	text := choice.Get("delta", "content")
	if text.Kind() != jsonraw.String || len(text) <= len(`""`) {
		return dst
	}
	dst = append(dst, `{"type":"chunk","text":`...)
	dst = append(dst, text...)
	return append(dst, '}', '\n')
}

func (n *ndjson) finish(dst []byte, p *gateway.Report) []byte {
	dst = append(dst, `{"type":"done","model":`...)
	if n.model != nil {
		dst = append(dst, n.model...)
	} else {
		dst = jsonraw.AppendString(dst, p.Model)
	}
	dst = append(dst, `,"usage":`...)
	dst = appendUsage(dst, &p.Usage)
	dst = append(dst, `,"finish_reason":`...)
	if n.reason != nil {
		dst = append(dst, n.reason...)
	} else {
		dst = append(dst, "null"...)
	}
	return append(dst, '}', '\n')
}

func (n *ndjson) fail(dst []byte, e *gateway.Error) []byte {
	dst = append(dst, `{"type":"error",`...)
	// The object's own braces are those of the line.
	dst = append(dst, appendError(nil, e)[1:]...)
	return append(dst, '\n')
}
