// Package main is the filter tags: it keeps the deployments whose tags suit the request's.
//
// A request asks with plain tags (any of them, or all with match: all), with &tag for a tag that must be
// there in either case, and with !tag for one that must not. A request that asks for none is untagged: it
// goes to the deployments with the default tag, or to all of them if none has it.
package main

import (
	"bytes"
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
)

const (
	matchAny = "any"
	matchAll = "all"
)

type config struct {
	match      string
	defaultTag string
}

func defaults() config { return config{match: matchAny, defaultTag: "default"} }

func (c *config) fields() []settings.Field {
	return []settings.Field{
		settings.Choice("match", &c.match, "whether a deployment must carry any or all of a request's tags", matchAny, matchAll),
		settings.Name("default_tag", &c.defaultTag, "tag of the deployments that serve untagged requests"),
	}
}

type plugin struct {
	matchAll   bool
	defaultTag []byte
	wanted     request
	line       note.Line
}

func newPlugin() *plugin {
	p := &plugin{}
	p.use(defaults())
	return p
}

func (p *plugin) use(c config) { p.matchAll, p.defaultTag = c.match == matchAll, []byte(c.defaultTag) }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	c := defaults()
	return abi.Description{
		Name: "tags", Version: "1.0.0", Mode: abi.ModeFilter,
		About:        "keeps the deployments whose tags suit the request's",
		ConfigSchema: settings.Schema(c.fields()...),
	}
}

// Configure takes the keys that Describe lists.
func (p *plugin) Configure(text []byte) error {
	c := defaults()
	if err := settings.Apply(text, c.fields()...); err != nil {
		return err
	}
	p.use(c)
	return nil
}

// request is what a request's tags ask for. The slices alias the score input.
type request struct {
	plain, required, excluded [][]byte
}

func (r *request) read(tags []byte) {
	r.plain, r.required, r.excluded = r.plain[:0], r.required[:0], r.excluded[:0]
	for len(tags) > 0 {
		var tag []byte
		tag, tags, _ = bytes.Cut(tags, newline)
		tag = bytes.TrimSpace(tag)
		if len(tag) == 0 {
			continue
		}
		list := &r.plain
		switch tag[0] {
		case '&':
			list, tag = &r.required, bytes.TrimSpace(tag[1:])
		case '!':
			list, tag = &r.excluded, bytes.TrimSpace(tag[1:])
		}
		if len(tag) > 0 {
			*list = append(*list, tag)
		}
	}
}

var newline = []byte{'\n'}

// has reports whether tag is one of the lines of tags.
func has(tags, tag []byte) bool {
	for len(tags) > 0 {
		var t []byte
		t, tags, _ = bytes.Cut(tags, newline)
		if bytes.Equal(bytes.TrimSpace(t), tag) {
			return true
		}
	}
	return false
}

func (r *request) untagged() bool { return len(r.plain) == 0 && len(r.required) == 0 }

// suits reports whether a deployment with these tags may serve the request, the default tag aside.
func (r *request) suits(tags []byte, all bool) bool {
	for _, tag := range r.excluded {
		if has(tags, tag) {
			return false
		}
	}
	for _, tag := range r.required {
		if !has(tags, tag) {
			return false
		}
	}
	found := len(r.plain) == 0
	for _, tag := range r.plain {
		if has(tags, tag) {
			found = true
			if !all {
				break
			}
		} else if all {
			return false
		}
	}
	return found
}

// Score removes what does not suit. When nothing is left it rejects the request.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	n := in.Len()
	if n == 0 {
		return nil
	}
	p.wanted.read(in.Tags())
	defaultsOnly := p.wanted.untagged() && p.anyDefault(in)
	kept := 0
	for i := range n {
		tags := in.Candidate(i).Tags()
		if !p.wanted.suits(tags, p.matchAll) || defaultsOnly && !has(tags, p.defaultTag) {
			out.Scores[i] = math.NaN()
			continue
		}
		kept++
	}
	l := p.line.New()
	switch {
	case kept == 0:
		out.Directives, out.RejectStatus, out.RejectCode = abi.DirectiveReject, 400, "no_matching_tags"
		p.list(l.Text("tags: none of ").Int(n).Text(" deployments matches "))
	case defaultsOnly:
		l.Text("untagged: ").Int(kept).Text(" of ").Int(n).Text(" tagged ").Name(p.defaultTag)
	case p.wanted.untagged() && len(p.wanted.excluded) == 0:
		l.Text("untagged: all ").Int(n)
	default:
		p.list(l.Int(kept).Text(" of ").Int(n).Text(" match "))
	}
	out.Reason = l.String()
	return nil
}

func (p *plugin) anyDefault(in abi.View) bool {
	for i := range in.Len() {
		if has(in.Candidate(i).Tags(), p.defaultTag) {
			return true
		}
	}
	return false
}

// list adds what the request asks for, as far as it fits.
func (p *plugin) list(l *note.Line) {
	switch {
	case len(p.wanted.plain) < 2:
	case p.matchAll:
		l.Text("all of ")
	default:
		l.Text("any of ")
	}
	separator := ""
	each := func(mark string, tags [][]byte) {
		for _, tag := range tags {
			l.Text(separator).Text(mark).Name(tag)
			separator = ", "
		}
	}
	each("", p.wanted.plain)
	each("&", p.wanted.required)
	each("!", p.wanted.excluded)
}
