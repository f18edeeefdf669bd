package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// config is what the operator may set, made ready for use.
type config struct {
	vendor     *vendor
	apiVersion string // Azure's classic URL when it is not empty
	prefix     string

	headers abi.Pairs
	edits   abi.Edits // the same for every request; model and stream_options come on top
	drops   abi.Names // what edits delete
	usage   bool      // ask for usage in streams
}

// settings is the config as it was written.
type settings struct {
	vendor, apiVersion, organization, project, referer, title, maxTokens string

	prefix    string
	prefixSet bool
	drop      []string
	rename    [][2]string
}

func configSchema() string {
	names := strings.ReplaceAll(vendorNames(), ", ", `","`)
	return `{"type":"object","additionalProperties":false,"properties":{` +
		`"vendor":{"enum":["` + names + `"],"default":"openai","description":"whose peculiarities to expect; generic repairs whatever deviates"},` +
		`"api_version":{"type":"string","description":"azure: use the classic URL with this api-version; without it the v1 surface"},` +
		`"path_prefix":{"type":"string","description":"goes between base_url and /chat/completions; default by vendor, mostly /v1"},` +
		`"organization":{"type":"string","description":"header OpenAI-Organization"},` +
		`"project":{"type":"string","description":"header OpenAI-Project"},` +
		`"referer":{"type":"string","description":"openrouter: header HTTP-Referer"},` +
		`"title":{"type":"string","description":"openrouter: header X-Title"},` +
		`"max_tokens_field":{"enum":["max_tokens","max_completion_tokens"],"description":"the only name of the limit that the vendor knows"},` +
		`"drop":{"type":"array","items":{"type":"string"},"description":"request members to remove, such as logit_bias or stream_options.include_usage"},` +
		`"rename":{"type":"object","additionalProperties":{"type":"string"},"description":"request members to rename, old name to new"}}}`
}

// Configure reads the operator's settings. Every error names the member.
func (p *plugin) Configure(text []byte) error {
	doc, err := jsonraw.Parse(text)
	if err != nil {
		return err
	}
	if doc.Kind() != jsonraw.Object {
		return errors.New("the config must be an object, not " + doc.Kind().String())
	}
	var s settings
	for m := doc.Members(); m.Next(); {
		if err := s.member(string(m.Name()), m.Value); err != nil {
			return err
		}
	}
	c, err := s.compile()
	if err != nil {
		return err
	}
	p.config = c
	return nil
}

func (s *settings) member(name string, v jsonraw.Value) (err error) {
	switch name {
	case "vendor":
		s.vendor, err = text(name, v)
	case "api_version":
		s.apiVersion, err = text(name, v)
	case "path_prefix":
		s.prefixSet = true
		s.prefix, err = text(name, v)
	case "organization":
		s.organization, err = headerText(name, v)
	case "project":
		s.project, err = headerText(name, v)
	case "referer":
		s.referer, err = headerText(name, v)
	case "title":
		s.title, err = headerText(name, v)
	case "max_tokens_field":
		s.maxTokens, err = text(name, v)
		if err == nil && s.maxTokens != "max_tokens" && s.maxTokens != "max_completion_tokens" {
			err = errors.New(`max_tokens_field must be "max_tokens" or "max_completion_tokens"`)
		}
	case "drop":
		err = s.readDrop(v)
	case "rename":
		err = s.readRename(v)
	default:
		err = errors.New(`unknown setting "` + name + `"; known are vendor, api_version, path_prefix, organization, project, referer, title, max_tokens_field, drop, rename`)
	}
	return err
}

func text(name string, v jsonraw.Value) (string, error) {
	if v.Kind() != jsonraw.String {
		return "", errors.New(name + " must be a string, not " + v.Kind().String())
	}
	return v.Text(), nil
}

// headerText is text for a setting that becomes a header's value, which the router sends only if it is visible ASCII.
func headerText(name string, v jsonraw.Value) (string, error) {
	s, err := text(name, v)
	if err != nil {
		return "", err
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return "", errors.New(name + " " + strconv.Quote(s) + " is sent as a header, which may hold visible ASCII characters and spaces only")
		}
	}
	if strings.TrimSpace(s) != s {
		return "", errors.New(name + " " + strconv.Quote(s) + " is sent as a header, which may not begin or end with a space")
	}
	return s, nil
}

func (s *settings) readDrop(v jsonraw.Value) error {
	if v.Kind() != jsonraw.Array {
		return errors.New("drop must be an array of strings, not " + v.Kind().String())
	}
	for e := v.Elements(); e.Next(); {
		name, err := text("each element of drop", e.Value)
		if err != nil {
			return err
		}
		if err := editable("drop", name); err != nil {
			return err
		}
		s.drop = append(s.drop, name)
	}
	return nil
}

func (s *settings) readRename(v jsonraw.Value) error {
	if v.Kind() != jsonraw.Object {
		return errors.New("rename must be an object of strings, not " + v.Kind().String())
	}
	for m := v.Members(); m.Next(); {
		from := string(m.Name())
		to, err := text("rename."+from, m.Value)
		if err != nil {
			return err
		}
		if strings.Contains(from, ".") {
			return errors.New(`rename: "` + from + `" is nested; only members of the request itself can be renamed`)
		}
		for _, name := range []string{from, to} {
			if err := editable("rename", name); err != nil {
				return err
			}
		}
		s.rename = append(s.rename, [2]string{from, to})
	}
	return nil
}

// editable refuses what the router itself sets or depends on.
func editable(setting, name string) error {
	switch {
	case name == "" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Count(name, ".") > 1:
		return errors.New(setting + `: "` + name + `" is not a member name, nor two joined by a dot`)
	case name == "model" || name == "messages" || name == "input" || name == "stream":
		return errors.New(setting + `: "` + name + `" is needed by the router`)
	}
	return nil
}

// compile joins the settings with the vendor's row.
func (s *settings) compile() (config, error) {
	c := config{vendor: &vendors[0], apiVersion: s.apiVersion}
	if s.vendor != "" {
		if c.vendor = vendorNamed(s.vendor); c.vendor == nil {
			return c, errors.New(`vendor "` + s.vendor + `" is unknown; known are ` + vendorNames())
		}
	}
	name := c.vendor.name
	if s.apiVersion != "" && name != "azure" {
		return c, errors.New("api_version is for vendor azure, not " + name)
	}
	if (s.referer != "" || s.title != "") && name != "openrouter" {
		return c, errors.New("referer and title are for vendor openrouter, not " + name)
	}
	if err := c.setPrefix(s); err != nil {
		return c, err
	}
	for _, h := range [...][2]string{
		{"OpenAI-Organization", s.organization}, {"OpenAI-Project", s.project},
		{"HTTP-Referer", s.referer}, {"X-Title", s.title},
	} {
		if h[1] != "" {
			c.headers = c.headers.Append(h[0], h[1])
		}
	}
	return c, c.setEdits(s)
}

func (c *config) setPrefix(s *settings) error {
	c.prefix = c.vendor.prefix
	if c.vendor.name == "azure" && s.apiVersion == "" {
		c.prefix = "/openai/v1"
	}
	if s.prefixSet {
		c.prefix = s.prefix
	}
	if c.prefix != "" && (c.prefix[0] != '/' || c.prefix[len(c.prefix)-1] == '/') {
		return errors.New(`path_prefix "` + c.prefix + `" must be empty, or begin and not end with a slash`)
	}
	return nil
}

// setEdits encodes the edits that every request gets. The operator's own settings win over the vendor's row.
func (c *config) setEdits(s *settings) error {
	drop, rename := s.drop, s.rename
	taken := func(name string) bool {
		if slices.Contains(s.drop, name) {
			return true
		}
		for _, r := range s.rename {
			if r[0] == name || r[1] == name {
				return true
			}
		}
		return false
	}
	for _, name := range c.vendor.drop {
		if !taken(name) {
			drop = append(drop, name)
		}
	}
	wanted := c.vendor.rename
	limit := c.vendor.maxTokens
	if s.maxTokens != "" {
		limit = s.maxTokens
	}
	switch limit {
	case "max_tokens":
		wanted = append(wanted[:len(wanted):len(wanted)], [2]string{"max_completion_tokens", limit})
	case "max_completion_tokens":
		wanted = append(wanted[:len(wanted):len(wanted)], [2]string{"max_tokens", limit})
	}
	for _, r := range wanted {
		if !taken(r[0]) && !taken(r[1]) {
			rename = append(rename, r)
		}
	}
	c.usage = !c.vendor.noStreamOptions && !taken("stream_options") && !taken("stream_options.include_usage")
	if c.vendor.noStreamOptions && !taken("stream_options") && !taken("stream_options.include_usage") {
		c.edits = c.edits.Append(abi.EditDelete, "stream_options", "")
	}
	for _, name := range drop {
		c.edits = c.edits.Append(abi.EditDelete, name, "")
		c.drops = c.drops.Append(name)
	}
	for _, r := range rename {
		c.edits = c.edits.Append(abi.EditRename, r[0], r[1])
	}
	return c.tryEdits()
}

// tryEdits lets the splicer say whether the edits contradict one another, with those of a streaming request on top.
func (c *config) tryEdits() error {
	list := []jsonraw.Edit{{Op: jsonraw.Set, Path: []byte("model"), Value: []byte(`""`)}}
	if c.usage {
		list = append(list, jsonraw.Edit{Op: jsonraw.Set, Path: []byte(includeUsage), Value: []byte("true")})
	}
	for ed := range c.edits.All {
		list = append(list, jsonraw.Edit{Op: jsonraw.Op(ed.Op), Path: ed.Path, Value: ed.Value})
	}
	_, err := jsonraw.Splice(nil, []byte("{}"), list)
	return err
}
