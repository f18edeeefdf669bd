package main

import (
	"errors"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// config is what the operator may set. The values are raw JSON, missing when not set.
type config struct {
	keepAlive jsonraw.Value
	numCtx    jsonraw.Value
	options   jsonraw.Value // an object; what a request says goes first
	truncate  jsonraw.Value
}

const configSchema abi.RawJSON = `{"type":"object","additionalProperties":false,"properties":{` +
	`"keep_alive":{"type":["string","integer"],"description":"how long the model stays loaded: \"5m\", seconds, -1 for ever, 0 not at all"},` +
	`"num_ctx":{"type":"integer","minimum":1,"description":"context length in tokens; longer prompts are cut without a word unless truncate is false"},` +
	`"truncate":{"type":"boolean","description":"false makes a prompt that does not fit an error"},` +
	`"options":{"type":"object","description":"model options for every request, such as top_k or num_gpu; parameters of the request win"}}}`

// Configure reads the operator's settings. Every error names the member.
func (p *plugin) Configure(text []byte) error {
	doc, err := jsonraw.Parse(append([]byte(nil), text...)) // kept, and the input is not ours
	if err != nil {
		return err
	}
	if doc.Kind() != jsonraw.Object {
		return errors.New("the config must be an object, not " + doc.Kind().String())
	}
	var c config
	for m := doc.Members(); m.Next(); {
		v := m.Value
		switch string(m.Name()) {
		case "keep_alive":
			if _, whole := v.Int(); !whole && v.Kind() != jsonraw.String {
				return errors.New(`keep_alive must be a duration such as "5m", or a whole number of seconds`)
			}
			c.keepAlive = v
		case "num_ctx":
			if n, ok := v.Int(); !ok || n < 1 {
				return errors.New("num_ctx must be a whole number of at least 1")
			}
			c.numCtx = v
		case "truncate":
			if v.Kind() != jsonraw.Bool {
				return errors.New("truncate must be true or false, not " + v.Kind().String())
			}
			c.truncate = v
		case "options":
			if v.Kind() != jsonraw.Object {
				return errors.New("options must be an object, not " + v.Kind().String())
			}
			c.options = v
		default:
			return errors.New(`unknown setting "` + string(m.Name()) + `"; known are keep_alive, num_ctx, options, truncate`)
		}
	}
	p.config = c
	return nil
}
