package main

import (
	"github.com/switchyard-gateway/switchyard/plugins/providers/openai/internal/settings"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// Request answers with edits; the body itself stays with the host.
func (p *plugin) Request(in *abi.RequestInput, out *abi.RequestOutput) error {
	if in.Dialect != abi.DialectOpenAI {
		return refusal.UnsupportedDialect("vendor "+p.Vendor.Name, in.Dialect)
	}
	if !p.Vendor.Has(in.Endpoint) {
		return refusal.UnsupportedEndpoint("vendor "+p.Vendor.Name, in.Endpoint)
	}
	out.RequestMode, out.ResponseMode = abi.ModePassthrough, abi.ModePassthrough
	if p.Vendor.Repair && in.Endpoint == abi.EndpointChat {
		out.ResponseMode = abi.ModeTranslate
	}
	out.Auth = abi.AuthBearer
	if p.Vendor.Name == "azure" {
		out.Auth = abi.AuthAzure
	}
	p.target(in, out)
	out.Headers = append(out.Headers, p.Headers...)

	p.buf = jsonraw.AppendString(p.buf[:0], in.Model)
	out.Edits = out.Edits.Append(abi.EditSet, "model", string(p.buf))
	if in.Flags&abi.FlagStream != 0 && in.Endpoint != abi.EndpointEmbeddings {
		out.Framing = abi.FramingSSE
		if p.Usage {
			out.Edits = out.Edits.Append(abi.EditSet, settings.IncludeUsage, "true")
		}
	}
	out.Edits = append(out.Edits, p.Edits...)
	p.dropped(in, out)
	return nil
}

// target writes the path and the query.
func (p *plugin) target(in *abi.RequestInput, out *abi.RequestOutput) {
	out.Path = append(out.Path, p.Prefix...)
	if p.APIVersion != "" {
		out.Path = append(out.Path, "/deployments/"...)
		out.Path = appendEscaped(out.Path, string(in.Model))
		out.Query = append(out.Query, "api-version="...)
		out.Query = appendEscaped(out.Query, p.APIVersion)
	}
	switch in.Endpoint {
	case abi.EndpointEmbeddings:
		out.Path = append(out.Path, "/embeddings"...)
	case abi.EndpointCompletions:
		out.Path = append(out.Path, "/completions"...)
	default:
		out.Path = append(out.Path, "/chat/completions"...)
	}
}

// dropped lists the parameters that the edits delete: those that the body has, or all if the body was withheld, in
// which case the host knows which of them are there.
func (p *plugin) dropped(in *abi.RequestInput, out *abi.RequestOutput) {
	if in.Flags&abi.FlagBodyWithheld != 0 {
		out.Dropped = append(out.Dropped, p.Drops...)
		return
	}
	if len(p.Drops) == 0 {
		return
	}
	body, err := jsonraw.Parse(in.Body)
	if err != nil {
		return // the host refuses the body when it splices
	}
	for name := range p.Drops.All {
		if outer, inner, nested := cutDot(string(name)); len(body.Get(outer)) > 0 && (!nested || len(body.Get(outer, inner)) > 0) {
			out.Dropped = out.Dropped.Append(string(name))
		}
	}
}

func cutDot(path string) (outer, inner string, nested bool) {
	for i := range len(path) {
		if path[i] == '.' {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}

// appendEscaped appends s as one path segment or query value.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
