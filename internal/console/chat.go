package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	openai "github.com/sashabaranov/go-openai"
	"github.com/spf13/cobra"
)

// chatOptions are the flags of switchyard chat.
type chatOptions struct {
	url, model, key string
	noStream        bool
}

// Say sends one prompt to a router that needs no key, and prints to out the answer and who gave it.
func Say(ctx context.Context, url, model, prompt string, stream bool, out io.Writer) error {
	return newConversation(chatOptions{url: url, model: model, noStream: !stream}, out, out).say(ctx, prompt)
}

// NewChat is the command chat.
func NewChat(getenv Lookup) *cobra.Command {
	var o chatOptions
	cmd := &cobra.Command{
		Use:   "chat [PROMPT...]",
		Short: "Send a prompt to a router and print the answer as it comes",
		Long: `Send a prompt to a router and print the answer as it comes. Without a prompt, each line of standard input
is one, and the conversation goes on. The key comes from SWITCHYARD_API_KEY.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key, _ = getenv(keyVariable)
			o.url = located(cmd, getenv, o.url)
			c := newConversation(o, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if len(args) > 0 {
				return c.say(cmd.Context(), strings.Join(args, " "))
			}
			return c.loop(cmd.Context(), cmd.InOrStdin())
		},
	}
	locate(cmd, &o.url)
	cmd.Flags().StringVar(&o.model, "model", "quality", "model `GROUP` to ask for")
	cmd.Flags().BoolVar(&o.noStream, "no-stream", false, "ask for the whole answer at once")
	return cmd
}

// conversation is a chat with its history.
type conversation struct {
	o        chatOptions
	client   *openai.Client
	messages []openai.ChatCompletionMessage
	out, err io.Writer
}

func newConversation(o chatOptions, out, err io.Writer) *conversation {
	cfg := openai.DefaultConfig(o.key)
	cfg.BaseURL = strings.TrimSuffix(o.url, "/") + "/v1"
	return &conversation{o: o, client: openai.NewClientWithConfig(cfg), out: out, err: err}
}

func (c *conversation) loop(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for {
		fmt.Fprint(c.err, "> ")
		if !lines.Scan() {
			return lines.Err()
		}
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		if err := c.say(ctx, line); err != nil {
			if ctx.Err() != nil {
				return err
			}
			fmt.Fprintln(c.err, err)
		}
	}
}

// say sends one message and prints the answer, then who gave it. On an error the message is
// taken back, so that the next one starts from what was answered.
func (c *conversation) say(ctx context.Context, text string) error {
	messages := append(c.messages, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleUser, Content: text})
	req := openai.ChatCompletionRequest{Model: c.o.model, Messages: messages}
	ask := c.stream
	if c.o.noStream {
		ask = c.whole
	}
	answer, header, err := ask(ctx, req)
	if err != nil {
		return said(err)
	}
	c.messages = append(messages, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleAssistant, Content: answer})
	fmt.Fprintln(c.out)
	fmt.Fprintln(c.err, provenance(header))
	return nil
}

func (c *conversation) whole(ctx context.Context, req openai.ChatCompletionRequest) (string, http.Header, error) {
	resp, err := c.client.CreateChatCompletion(ctx, req)
	if err != nil {
		return "", nil, err
	}
	if len(resp.Choices) == 0 {
		return "", nil, errors.New("the answer has no choices")
	}
	text := resp.Choices[0].Message.Content
	_, err = io.WriteString(c.out, text)
	return text, resp.Header(), err
}

func (c *conversation) stream(ctx context.Context, req openai.ChatCompletionRequest) (string, http.Header, error) {
	s, err := c.client.CreateChatCompletionStream(ctx, req)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = s.Close() }()
	var all strings.Builder
	for {
		chunk, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return all.String(), s.Header(), nil
		}
		if err != nil {
			return "", nil, err
		}
		if len(chunk.Choices) == 0 {
			continue
		}
		text := chunk.Choices[0].Delta.Content
		all.WriteString(text)
		if _, err := io.WriteString(c.out, text); err != nil {
			return "", nil, err
		}
	}
}

// provenance says in one line which deployment answered and what it took.
func provenance(h http.Header) string {
	line := fmt.Sprintf("[%s via %s, strategy %s, attempts %s (%s)", h.Get("X-Switchyard-Deployment"), h.Get("X-Switchyard-Provider"),
		h.Get("X-Switchyard-Strategy"), h.Get("X-Switchyard-Attempts"), h.Get("X-Switchyard-Attempt-List"))
	if n := h.Get("X-Switchyard-Fallbacks"); n != "" && n != "0" {
		line += ", fallbacks " + n
	}
	if us := h.Get("X-Switchyard-Overhead-Us"); us != "" {
		line += ", router " + us + " µs"
	}
	return line + "]"
}

// said puts what the router said before what the client library adds.
func said(err error) error {
	if api, ok := errors.AsType[*openai.APIError](err); ok {
		return fmt.Errorf("%d %v: %s", api.HTTPStatusCode, api.Code, api.Message)
	}
	return err
}
