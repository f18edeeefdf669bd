package settings

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Config is what the operator has set, made ready for use.
type Config struct {
	Vendor     *Vendor
	APIVersion string // Azure's classic URL when it is not empty
	Prefix     string // of all paths

	Headers abi.Pairs
	Edits   abi.Edits // the same for every request; model and stream_options come on top
	Drops   abi.Names // what Edits delete
	Usage   bool      // ask for usage in streams, by IncludeUsage
}

// IncludeUsage is the path of the member that asks for usage in a stream.
const IncludeUsage = "stream_options.include_usage"

// Default returns what holds where nothing was set.
func Default() Config {
	return Config{Vendor: &vendors[0], Prefix: vendors[0].prefix, Usage: true}
}

// written is the config as the operator wrote it.
type written struct {
	vendor, apiVersion, organization, project, referer, title, maxTokens string

	prefix    string
	prefixSet bool
	drop      []string
	rename    [][2]string
}

// Schema returns the JSON schema of what Read reads.
func Schema() string {
	vendors := strings.ReplaceAll(names(), ", ", `","`)
	return `{"type":"object","additionalProperties":false,"properties":{` +
		`"vendor":{"enum":["` + vendors + `"],"default":"openai","description":"whose peculiarities to expect; generic repairs whatever deviates"},` +
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

// Read reads the operator's settings. Every error names the member.
func Read(text []byte) (Config, error) {
	doc, err := jsonraw.Parse(text)
	if err != nil {
		return Config{}, err
	}
	if doc.Kind() != jsonraw.Object {
		return Config{}, errors.New("the config must be an object, not " + doc.Kind().String())
	}
	var w written
	for m := doc.Members(); m.Next(); {
		if err := w.member(string(m.Name()), m.Value); err != nil {
			return Config{}, err
		}
	}
	return w.compile()
}

func (w *written) member(name string, v jsonraw.Value) (err error) {
	switch name {
	case "vendor":
		w.vendor, err = text(name, v)
	case "api_version":
		w.apiVersion, err = text(name, v)
	case "path_prefix":
		w.prefixSet = true
		w.prefix, err = text(name, v)
	case "organization":
		w.organization, err = headerText(name, v)
	case "project":
		w.project, err = headerText(name, v)
	case "referer":
		w.referer, err = headerText(name, v)
	case "title":
		w.title, err = headerText(name, v)
	case "max_tokens_field":
		w.maxTokens, err = text(name, v)
		if err == nil && w.maxTokens != "max_tokens" && w.maxTokens != "max_completion_tokens" {
			err = errors.New(`max_tokens_field must be "max_tokens" or "max_completion_tokens"`)
		}
	case "drop":
		err = w.readDrop(v)
	case "rename":
		err = w.readRename(v)
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

func (w *written) readDrop(v jsonraw.Value) error {
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
		w.drop = append(w.drop, name)
	}
	return nil
}

func (w *written) readRename(v jsonraw.Value) error {
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
		w.rename = append(w.rename, [2]string{from, to})
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
func (w *written) compile() (Config, error) {
	c := Config{Vendor: &vendors[0], APIVersion: w.apiVersion}
	if w.vendor != "" {
		if c.Vendor = Named(w.vendor); c.Vendor == nil {
			return c, errors.New(`vendor "` + w.vendor + `" is unknown; known are ` + names())
		}
	}
	name := c.Vendor.Name
	if w.apiVersion != "" && name != "azure" {
		return c, errors.New("api_version is for vendor azure, not " + name)
	}
	if (w.referer != "" || w.title != "") && name != "openrouter" {
		return c, errors.New("referer and title are for vendor openrouter, not " + name)
	}
	if err := c.setPrefix(w); err != nil {
		return c, err
	}
	for _, h := range [...][2]string{
		{"OpenAI-Organization", w.organization}, {"OpenAI-Project", w.project},
		{"HTTP-Referer", w.referer}, {"X-Title", w.title},
	} {
		if h[1] != "" {
			c.Headers = c.Headers.Append(h[0], h[1])
		}
	}
	return c, c.setEdits(w)
}

func (c *Config) setPrefix(w *written) error {
	c.Prefix = c.Vendor.prefix
	if c.Vendor.Name == "azure" && w.apiVersion == "" {
		c.Prefix = "/openai/v1"
	}
	if w.prefixSet {
		c.Prefix = w.prefix
	}
	if c.Prefix != "" && (c.Prefix[0] != '/' || c.Prefix[len(c.Prefix)-1] == '/') {
		return errors.New(`path_prefix "` + c.Prefix + `" must be empty, or begin and not end with a slash`)
	}
	return nil
}

// setEdits encodes the edits that every request gets. The operator's own settings win over the vendor's row.
func (c *Config) setEdits(w *written) error {
	drop, rename := w.drop, w.rename
	taken := func(name string) bool {
		if slices.Contains(w.drop, name) {
			return true
		}
		for _, r := range w.rename {
			if r[0] == name || r[1] == name {
				return true
			}
		}
		return false
	}
	for _, name := range c.Vendor.drop {
		if !taken(name) {
			drop = append(drop, name)
		}
	}
	wanted := c.Vendor.rename
	limit := c.Vendor.maxTokens
	if w.maxTokens != "" {
		limit = w.maxTokens
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
	c.Usage = !c.Vendor.noStreamOptions && !taken("stream_options") && !taken(IncludeUsage)
	if c.Vendor.noStreamOptions && !taken("stream_options") && !taken(IncludeUsage) {
		c.Edits = c.Edits.Append(abi.EditDelete, "stream_options", "")
	}
	for _, name := range drop {
		c.Edits = c.Edits.Append(abi.EditDelete, name, "")
		c.Drops = c.Drops.Append(name)
	}
	for _, r := range rename {
		c.Edits = c.Edits.Append(abi.EditRename, r[0], r[1])
	}
	return c.tryEdits()
}

// tryEdits lets the splicer say whether the edits contradict one another, with those of a streaming request on top.
func (c *Config) tryEdits() error {
	list := []jsonraw.Edit{{Op: jsonraw.Set, Path: []byte("model"), Value: []byte(`""`)}}
	if c.Usage {
		list = append(list, jsonraw.Edit{Op: jsonraw.Set, Path: []byte(IncludeUsage), Value: []byte("true")})
	}
	for ed := range c.Edits.All {
		list = append(list, jsonraw.Edit{Op: jsonraw.Op(ed.Op), Path: ed.Path, Value: ed.Value})
	}
	_, err := jsonraw.Splice(nil, []byte("{}"), list)
	return err
}
