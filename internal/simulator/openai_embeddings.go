package simulator

import (
	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/internal/simulator/answer"
	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

// embed answers an embeddings request with unit vectors that depend on the seed, the model and the input.
func (d openai) embed(x *exchange, root gjson.Result) error {
	inputs := []gjson.Result{root.Get("input")}
	switch v := inputs[0]; {
	case !v.Exists() || v.Type == gjson.Null:
		return x.refuse(invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter"))
	case v.IsArray() && v.Get("0").Type != gjson.Number:
		inputs = v.Array() // strings, or arrays of tokens; one array of tokens is one input
	}
	if len(inputs) == 0 || len(inputs) > 2048 {
		return x.refuse(invalid("'$.input' is invalid. Expected between 1 and 2048 inputs.", "", ""))
	}
	dimensions := int64(1536)
	if v := root.Get("dimensions"); v.Exists() && v.Type != gjson.Null {
		if dimensions = v.Int(); dimensions < 1 {
			return x.refuse(invalid(v.Raw+" is less than the minimum of 1 - 'dimensions'", "", ""))
		} else if dimensions > 3072 {
			return x.refuse(invalid(v.Raw+" is greater than the maximum of 3072 - 'dimensions'", "", ""))
		}
	}
	format := root.Get("encoding_format").Str
	if format != "" && format != "float" && format != "base64" {
		return x.refuse(invalid("'"+format+"' is not one of ['float', 'base64'] - 'encoding_format'", "", ""))
	}
	used := 0
	vector := make([]float32, dimensions)
	x.buf = append(x.buf, `{"object":"list","data":[`...)
	for i, in := range inputs {
		if in.Type == gjson.String && in.Str == "" {
			return x.refuse(invalid("input cannot be an empty string", "input", ""))
		}
		if in.IsArray() {
			used += len(in.Array())
		} else {
			used += len(in.Str)/4 + 1
		}
		answer.UnitVector(vector, seed.New(x.sim.seed, x.model+"\x00"+in.Raw, 0))
		if i > 0 {
			x.buf = append(x.buf, ',')
		}
		x.buf = answer.AppendInt(append(x.buf, `{"object":"embedding","index":`...), i)
		x.buf = append(x.buf, `,"embedding":`...)
		x.buf = append(answer.AppendVector(x.buf, vector, format), '}')
	}
	x.buf = answer.AppendQuoted(append(x.buf, `],"model":`...), x.model)
	x.buf = answer.AppendInt(append(x.buf, `,"usage":{"prompt_tokens":`...), used)
	x.buf = answer.AppendInt(append(x.buf, `,"total_tokens":`...), used)
	x.buf = append(x.buf, "}}"...)
	return x.reply(0)
}
