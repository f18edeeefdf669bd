package upstream

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestSecretsOfATarget(t *testing.T) {
	target, err := NewTarget("https://h", []Field{{"X-Account", "operators-secret"}, {"X-Title", "a public title"}, {"X-Short", "abc"}})
	if err != nil {
		t.Fatal(err)
	}
	key := &Credential{Key: "key-number-one"}
	aws := &Credential{AccessKeyID: "AKIDEXAMPLE", SecretKey: "secret-of-aws", SessionToken: "token-of-aws"}
	for range 2 {
		for _, tc := range []struct {
			cred *Credential
			want string
		}{
			{key, "key-number-one operators-secret"},
			{aws, "AKIDEXAMPLE secret-of-aws token-of-aws operators-secret"},
			{&Credential{}, "operators-secret"},
		} {
			for secret := range strings.FieldsSeq("key-number-one AKIDEXAMPLE secret-of-aws token-of-aws operators-secret abc title") {
				hidden := target.Secrets(tc.cred).In([]byte("a public title, abc: " + secret))
				if wanted := strings.Contains(tc.want, secret); hidden != wanted {
					t.Errorf("of %s, %s is secret: %v", tc.want, secret, hidden)
				}
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { target.Secrets(key) }); n != 0 {
		t.Errorf("the secrets of one credential are made anew: %v allocations", n)
	}
}

// TestOperatorsCredential holds that a credential among the operator's headers goes before the one that the plugin's
// scheme would add: there are never two.
func TestOperatorsCredential(t *testing.T) { both(t, testOperatorsCredential) }

func testOperatorsCredential(t *testing.T, newClient maker) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	_, s := vendor(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	c := newClient(t, Options{})
	for _, cred := range []Credential{
		{Scheme: Bearer, Key: "k"}, {Scheme: HeaderKey, Name: "authorization", Key: "k"}, {Scheme: AzureKey, Key: "k"}, {Scheme: HeaderKey, Name: "API_Key", Key: "k"},
		{Scheme: SigV4, AccessKeyID: "a", SecretKey: "s", Region: "r"},
	} {
		target := targetOf(t, s.URL, Field{"Authorization", "Operator 1"}, Field{"Api-Key", "operator-2"})
		r, err := c.Do(t.Context(), &Request{Target: target, Path: "/x", Auth: &cred})
		if err != nil {
			t.Errorf("%s: %v", cred.Scheme, err)
			continue
		}
		_ = r.Close()
		h := <-seen
		if a, k := h["Authorization"], h["Api-Key"]; len(a) != 1 || a[0] != "Operator 1" || len(k) != 1 || k[0] != "operator-2" || h["X-Amz-Date"] != nil {
			t.Errorf("%s: sent %v", cred.Scheme, h)
		}
	}
}

// TestErrorsHaveNothingOfTheVendor has a vendor put what it was sent where an error might quote it.
func TestErrorsHaveNothingOfTheVendor(t *testing.T) { both(t, testErrorsHaveNothingOfTheVendor) }

func testErrorsHaveNothingOfTheVendor(t *testing.T, newClient maker) {
	t.Parallel()
	const key = "the-key-of-the-vendor"
	c := newClient(t, Options{})
	for name, tc := range map[string]struct {
		answer string
		kind   Kind
	}{
		"content-encoding":     {"HTTP/1.1 200 OK\r\nContent-Encoding: " + key + "\r\nContent-Length: 2\r\n\r\n{}", Malformed},
		"redirect":             {"HTTP/1.1 307 " + key + "\r\nLocation: http://evil.example/" + key + "\r\nContent-Length: 0\r\n\r\n", Redirected},
		"redirect to a scheme": {"HTTP/1.1 302 Found\r\nLocation: " + key + "://x\r\nContent-Length: 0\r\n\r\n", Redirected},
		"switching protocols":  {"HTTP/1.1 101 " + key + "\r\nUpgrade: " + key + "\r\nConnection: upgrade\r\n\r\n", Malformed},
		"status line":          {"HTTP/1.1 " + key + "\r\n\r\n", Malformed},
		"header line":          {"HTTP/1.1 200 OK\r\n" + key + "\r\n\r\n", Malformed},
		"length":               {"HTTP/1.1 200 OK\r\nContent-Length: " + key + "\r\n\r\n", Malformed},
		"transfer-encoding":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + key + "\r\n\r\n", Malformed},
		"chunk":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + key + "\r\n", Malformed},
		"not HTTP":             {key + "\r\n\r\n", Malformed},
	} {
		_, s := vendor(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, tc.answer)
			_ = buf.Flush()
			_ = conn.Close()
		})
		r, err := c.Do(t.Context(), &Request{Target: targetOf(t, s.URL), Path: "/x", Auth: &Credential{Scheme: Bearer, Key: key}})
		if err == nil {
			_, err = r.ReadAll(1 << 20)
		}
		if err == nil || KindOf(err) != tc.kind || strings.Contains(err.Error(), "the-key") {
			t.Errorf("%s: %s, %v", name, KindOf(err), err)
		}
	}
}
