package main

import (
	"errors"
	"strconv"

	"github.com/switchyard-gateway/switchyard/plugins/providers/anthropic/internal/models"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

const (
	vendor  = "Anthropic"
	path    = "/v1/messages"
	keyName = "x-api-key"
)

// plugin is the adapter. Behind what is the same in all calls comes scratch memory: no call reads what another left there.
type plugin struct {
	config   config
	authName []byte
	path     []byte
	headers  abi.Pairs
	model    model // that was asked for last

	req        chat.Request
	doc        jsonraw.Outline // the event at hand
	completion answer.Completion
	stream     answer.Stream
	state      state
	scratch    []byte
	head       []byte
}

// model is a model and what follows from its name.
type model struct {
	name   string
	quoted []byte // the name as a JSON string
	can    models.Ability
}

// recall makes the model the one that is asked for.
func (m *model) recall(name []byte) {
	if m.name != string(name) || m.quoted == nil {
		m.name, m.quoted, m.can = string(name), jsonraw.AppendString(nil, name), models.AbilityOf(name)
	}
}

// config is the operator's.
type config struct {
	version   string // header anthropic-version
	beta      string // header anthropic-beta, joined
	maxTokens int64  // max_tokens when the client gives no limit
}

const configSchema = `{"type":"object","additionalProperties":false,"properties":{` +
	`"version":{"type":"string","default":"2023-06-01","description":"value of the anthropic-version header"},` +
	`"beta":{"type":"array","items":{"type":"string"},"description":"values of the anthropic-beta header"},` +
	`"max_tokens_default":{"type":"integer","minimum":1,"default":4096,"description":"max_tokens for requests without a limit of their own"}}}`

// Describe implements provider.Plugin.
func (p *plugin) Describe() abi.Description {
	return abi.Description{
		Name: "anthropic", Version: "1.0.0", About: "Anthropic Messages API",
		Dialect:      abi.DialectAnthropic.String(),
		Endpoints:    []string{abi.EndpointChat.String()},
		Passthrough:  []string{abi.DialectAnthropic.String()},
		ConfigSchema: configSchema,
	}
}

// Configure implements provider.Plugin.
func (p *plugin) Configure(text []byte) error {
	p.config = config{version: "2023-06-01", maxTokens: 4096}
	root, err := jsonraw.Parse(text)
	if err != nil {
		return err
	}
	if root.Kind() != jsonraw.Object {
		return errors.New("the config must be an object, not " + root.Kind().String())
	}
	for m := root.Members(); m.Next(); {
		switch name := string(m.Name()); name {
		case "version":
			if p.config.version = m.Value.Text(); p.config.version == "" {
				return errors.New("version must be a non-empty string")
			}
		case "beta":
			if m.Value.Kind() != jsonraw.Array {
				return errors.New("beta must be an array of strings")
			}
			p.config.beta = ""
			for e := m.Value.Elements(); e.Next(); {
				text := e.Value.Text()
				if text == "" {
					return errors.New("beta must hold non-empty strings")
				}
				if p.config.beta != "" {
					p.config.beta += ","
				}
				p.config.beta += text
			}
		case "max_tokens_default":
			n, ok := m.Value.Int()
			if !ok || n < 1 {
				return errors.New("max_tokens_default must be an integer of at least 1")
			}
			p.config.maxTokens = n
		default:
			return errors.New("unknown key " + strconv.Quote(name))
		}
	}
	p.authName, p.path = []byte(keyName), []byte(path)
	p.headers = abi.Pairs(nil).Append("anthropic-version", p.config.version)
	if p.config.beta != "" {
		p.headers = p.headers.Append("anthropic-beta", p.config.beta)
	}
	return nil
}

// Request implements provider.Plugin.
func (p *plugin) Request(in *abi.RequestInput, out *abi.RequestOutput) error {
	if in.Endpoint != abi.EndpointChat {
		return refusal.UnsupportedEndpoint(vendor, in.Endpoint)
	}
	out.Auth, out.AuthName, out.Path, out.Headers = abi.AuthHeader, p.authName, p.path, p.headers
	if in.Flags&abi.FlagStream != 0 {
		out.Framing = abi.FramingSSE
	}
	switch in.Dialect {
	case abi.DialectOpenAI:
		return p.translate(in, out)
	case abi.DialectAnthropic:
		out.RequestMode, out.ResponseMode = abi.ModePassthrough, abi.ModePassthrough
		p.model.recall(in.Model)
		out.Edits = out.Edits.Append(abi.EditSet, "model", string(p.model.quoted))
		return nil
	default:
		return refusal.UnsupportedDialect(vendor, in.Dialect)
	}
}
