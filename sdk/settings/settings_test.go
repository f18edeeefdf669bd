package settings_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/settings"
)

type config struct {
	share  float64
	mode   string
	strict bool
	tag    string
	table  map[string]string
}

func (c *config) fields() []settings.Field {
	return []settings.Field{
		settings.Number("share", &c.share, 0, 0.5, "a share"),
		settings.Choice("mode", &c.mode, "a mode", "one", "two"),
		settings.Switch("strict", &c.strict, "a switch"),
		settings.Name("tag", &c.tag, "a tag"),
		settings.Table("table", &c.table, "a table"),
	}
}

func defaults() config { return config{share: 0.1, mode: "one", tag: "default"} }

func TestApply(t *testing.T) {
	t.Parallel()
	got := defaults()
	text := `{"share": 5e-1, "mode":"t\u0077o", "strict":true, "tag":"é\n", "table":{"a\"b":"c", "d":"e"}}`
	if err := settings.Apply([]byte(text), got.fields()...); err != nil {
		t.Fatal(err)
	}
	want := config{0.5, "two", true, "é\n", map[string]string{`a"b`: "c", "d": "e"}}
	if got.share != want.share || got.mode != want.mode || !got.strict || got.tag != want.tag || !maps.Equal(got.table, want.table) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = defaults()
	if err := settings.Apply([]byte(` {} `), got.fields()...); err != nil {
		t.Fatal(err)
	}
	if got.share != 0.1 || got.mode != "one" || got.strict || got.tag != "default" || got.table != nil {
		t.Errorf("{} changed the defaults: %+v", got)
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		``:                         "unexpected end",
		`{"share":0.1`:             "unexpected end",
		`[]`:                       "config is of kind array, not object",
		`null`:                     "config is of kind null, not object",
		`{"no_such_key":1}`:        `unknown key "no_such_key"; known: share, mode, strict, tag, table`,
		`{"share":"0.1"}`:          `share: "0.1" is not a number from 0 to 0.5`,
		`{"share":null}`:           `share: null is not a number from 0 to 0.5`,
		`{"share":0.51}`:           `share: 0.51 is not a number from 0 to 0.5`,
		`{"share":-1}`:             `share: -1 is not a number from 0 to 0.5`,
		`{"share":1e999}`:          `share: 1e999 is not a number from 0 to 0.5`,
		`{"mode":"three"}`:         `mode: "three" is not one of one, two`,
		`{"mode":1}`:               `mode: 1 is not one of one, two`,
		`{"strict":1}`:             `strict: 1 is not true or false`,
		`{"tag":""}`:               `tag: "" is not a text that is not empty`,
		`{"tag":["x"]}`:            `tag: ["x"] is not a text`,
		`{"table":[]}`:             `table: [] is not an object`,
		`{"table":{"a":1}}`:        `table: {"a":1} is not an object whose values are texts`,
		`{"x":1,"mode":2,"y":3}`:   "unknown key \"x\"; known: share, mode, strict, tag, table\nmode: 2 is not one of one, two\nunknown key \"y\"",
		`{"tag":["` + long + `"]}`: `…`,
	} {
		c := defaults()
		err := settings.Apply([]byte(config), c.fields()...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Apply(%s) = %v, want %q", config, err, want)
		}
	}
	if err := settings.Apply([]byte(`{"a":1}`)); err == nil || err.Error() != `unknown key "a"; this plugin takes no config` {
		t.Errorf("without fields: %v", err)
	}
}

const long = "0123456789012345678901234567890123456789012345678901234567890123456789"

func TestSchema(t *testing.T) {
	t.Parallel()
	c := defaults()
	var schema struct {
		Type                 string
		AdditionalProperties bool
		Properties           map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(settings.Schema(c.fields()...)), &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Type != "object" || schema.AdditionalProperties || len(schema.Properties) != 5 {
		t.Errorf("schema: %+v", schema)
	}
	for key, want := range map[string]any{"share": 0.1, "mode": "one", "strict": false, "tag": "default", "table": nil} {
		p := schema.Properties[key]
		if p["default"] != want || p["description"] == "" {
			t.Errorf("%s: %v, want default %v and a description", key, p, want)
		}
	}
	if s := settings.Schema(); s != "" {
		t.Errorf("schema without fields: %s", s)
	}
}
