package mock

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/mark"
)

// dialect is what a vendor writes, ready to be sent.
type dialect struct {
	plain []byte // a whole answer
	open  []byte // the head of a stream, and what precedes its first token
	event []byte // the part that carries a token
	mark  int    // where in it the mark stands
	close []byte // what follows the last token
}

const sentence = mark.Plain + " The quick brown fox jumps over the lazy dog while the gateway between them does as little as it can, " +
	"which is what it is measured for."

var openai = build(
	`{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench-model","choices":[{"index":0,"message":{"role":"assistant",`+
		`"content":"`+sentence+`","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150},`+
		`"service_tier":"default","system_fingerprint":"fp_bench"}`,
	[]string{`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench-model","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`},
	`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench-model","choices":[{"index":0,"delta":{"content":"%s"},"logprobs":null,"finish_reason":null}]}`,
	[]string{
		`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench-model","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}`,
		`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench-model","choices":[],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150}}`,
		`data: [DONE]`,
	})

var anthropic = build(
	`{"id":"msg_bench","type":"message","role":"assistant","model":"bench-model","content":[{"type":"text","text":"`+sentence+`"}],`+
		`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":120,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":30}}`,
	[]string{
		"event: message_start\n" + `data: {"type":"message_start","message":{"id":"msg_bench","type":"message","role":"assistant","model":"bench-model","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":120,"output_tokens":1}}}`,
		"event: content_block_start\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		"event: ping\n" + `data: {"type":"ping"}`,
	},
	"event: content_block_delta\n"+`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}`,
	[]string{
		"event: content_block_stop\n" + `data: {"type":"content_block_stop","index":0}`,
		"event: message_delta\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":30}}`,
		"event: message_stop\n" + `data: {"type":"message_stop"}`,
	})

func build(answer string, before []string, token string, after []string) dialect {
	open := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n" + parts(before)
	event := parts([]string{fmt.Sprintf(token, strings.Repeat("0", mark.Size))})
	return dialect{
		plain: plain("200 OK", answer),
		open:  []byte(open),
		event: []byte(event),
		mark:  strings.Index(event, strings.Repeat("0", mark.Size)),
		close: []byte(parts(after) + "0\r\n\r\n"),
	}
}

// parts makes each event one part of a chunked body, as vendors do.
func parts(events []string) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%x\r\n%s\n\n\r\n", len(e)+2, e)
	}
	return b.String()
}

func plain(status, body string) []byte {
	return []byte("HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// stream writes streams on one connection, one after the other.
type stream struct{ buf []byte }

// write sends a stream on an absolute schedule: a token that is late does not make the next ones late.
func (s *stream) write(conn net.Conn, d *dialect, p *Profile) error {
	begin := time.Now()
	for i := range p.Tokens {
		s.buf = s.buf[:0]
		if i == 0 {
			s.buf = append(s.buf, d.open...)
		}
		at := len(s.buf) + d.mark
		s.buf = append(s.buf, d.event...)
		if p.Interval > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * p.Interval))) //nolint:forbidigo // tokens come on a schedule
		}
		mark.Put(s.buf[at:], time.Now(), i)
		if _, err := conn.Write(s.buf); err != nil {
			return err
		}
	}
	_, err := conn.Write(d.close)
	return err
}
