package chat

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

func TestParseDataURL(t *testing.T) {
	for _, tc := range []struct {
		url, media, data string
		ok               bool
	}{
		{`"data:image/png;base64,AAA="`, "image/png", "AAA=", true},
		{`"DATA:Image/PNG;charset=utf-8;BASE64,AAA="`, "image/png", "AAA=", true},
		{`"data:image\/png;base64,A\/A\nB"`, "image/png", "A/AB", true},
		{`"data:image/png;base64,AA%3D%3d"`, "image/png", "AA==", true},
		{`"data:,a%20b%zz"`, "text/plain", "YSBiJXp6", true},
		{`"data:text/html,hi"`, "text/html", "aGk=", true},
		{`"data:image/png;base64"`, "", "", false},
		{`"https://x/,"`, "", "", false},
		{`""`, "", "", false},
		{`7`, "", "", false},
	} {
		d, ok := ParseDataURL(jsonraw.Value(tc.url))
		if ok != tc.ok || d.MediaType != tc.media || string(d.Base64) != tc.data {
			t.Errorf("ParseDataURL(%s) = %q, %q, %v", tc.url, d.MediaType, d.Base64, ok)
		}
	}
}
