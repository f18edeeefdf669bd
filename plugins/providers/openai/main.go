// Command openai is the provider plugin for OpenAI and for every vendor whose API is compatible with it: one row of a
// table (internal/settings) says in what each of them differs.
//
// Requests are passed through: the plugin names a path and a few edits, and never sees a prompt. So are the answers
// of vendors that keep to the format; those of the others are repaired.
package main

import (
	"github.com/switchyard-gateway/switchyard/plugins/providers/openai/internal/settings"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

func init() { provider.Register(newPlugin()) }

func main() {}

const version = "1.0.0"

// plugin holds what Configure read, and buffers that are empty between calls.
type plugin struct {
	settings.Config

	doc                jsonraw.Outline // of the answer or event
	buf                []byte          // one piece of JSON on its way to the output
	content, reasoning texts           // of one message
	head               head
	choice             choice
	speech             speech
	called             int // tool calls in the answer
	stream             streamState
	spot               spot
}

// newPlugin returns a plugin that takes the vendor for OpenAI until it is configured.
func newPlugin() *plugin {
	return &plugin{
		Config: settings.Default(),
		doc:    jsonraw.Outline{Limit: answer.MaxNodes},
	}
}

func (p *plugin) Describe() abi.Description {
	return abi.Description{
		Name: "openai", Version: version,
		About:        "OpenAI and compatible vendors, passed through; set vendor for the ones with peculiarities",
		Dialect:      abi.DialectOpenAI.String(),
		Endpoints:    []string{abi.EndpointChat.String(), abi.EndpointEmbeddings.String(), abi.EndpointCompletions.String()},
		Passthrough:  []string{abi.DialectOpenAI.String()},
		ConfigSchema: abi.RawJSON(settings.Schema()),
	}
}

// Configure reads the operator's settings. Every error names the member.
func (p *plugin) Configure(text []byte) error {
	c, err := settings.Read(text)
	if err == nil {
		p.Config = c
	}
	return err
}
