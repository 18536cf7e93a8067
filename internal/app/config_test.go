package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

var whole = map[string]string{
	"LUVAT_BASE_URL": "https://luvat.example.fi", "LUVAT_DATABASE_URL": "postgres://hub@db/hub", "LUVAT_ATTACHMENTS": "/srv/luvat",
	"LUVAT_MAIL_FROM": "noreply@luvat.example.fi", "LUVAT_SMTP_HOST": "mail.example.fi",
}

func with(changes ...string) map[string]string {
	all := map[string]string{}
	for k, v := range whole {
		all[k] = v
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i]] = changes[i+1]
	}
	return all
}

func TestReadConfig(t *testing.T) {
	for _, tt := range []struct {
		name  string
		env   map[string]string
		wrong []string // what the error must name, all at once
	}{
		{"whole", whole, nil},
		{"nothing is set", nil, []string{"LUVAT_BASE_URL", "LUVAT_DATABASE_URL", "LUVAT_ATTACHMENTS", "LUVAT_MAIL_FROM", "LUVAT_SMTP_HOST"}},
		{"several mistakes", with("LUVAT_LISTEN", "8080", "LUVAT_SMTP_PORT", "no", "LUVAT_MAIL_FROM", "hub", "LUVAT_TRUSTED_PROXIES", "proxy"), []string{"LUVAT_LISTEN", "LUVAT_SMTP_PORT", "LUVAT_MAIL_FROM", "LUVAT_TRUSTED_PROXIES"}},
		{"plain http to the world", with("LUVAT_BASE_URL", "http://luvat.example.fi"), []string{"LUVAT_BASE_URL"}},
		{"mail without TLS to the world", with("LUVAT_SMTP_TLS", "none"), []string{"LUVAT_SMTP_TLS"}},
		{"an engine we have not", with("LUVAT_DATABASE_URL", "mysql://hub"), []string{"LUVAT_DATABASE_URL"}},
		{"a scanner by its host", with("LUVAT_CLAMD", "scanner:3310"), nil},
		{"a scanner by its socket", with("LUVAT_CLAMD", "unix:/run/clamav/clamd.ctl"), nil},
		{"a scanner without a port", with("LUVAT_CLAMD", "scanner"), []string{"LUVAT_CLAMD"}},
		{"a scanner at no path", with("LUVAT_CLAMD", "unix:run/clamd.ctl"), []string{"LUVAT_CLAMD"}},
		{"demo identities in serve", with("LUVAT_DEMO", "1"), []string{"LUVAT_DEMO"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadConfig(env(tt.env))
			if (err != nil) != (tt.wrong != nil) {
				t.Fatalf("ReadConfig: %v", err)
			}
			for _, name := range tt.wrong {
				if !strings.Contains(err.Error(), name+":") {
					t.Errorf("the error does not name %s: %v", name, err)
				}
			}
		})
	}
}

// A variable that is read but not listed would be called misspelt.
func TestMisspeltVariables(t *testing.T) {
	_, _ = ReadConfig(func(name string) string {
		if err := Misspelt([]string{name + "=x"}); err != nil {
			t.Errorf("%s is read: %v", name, err)
		}
		return whole[name]
	})
	err := Misspelt([]string{"LUVAT_STMP_HOST=mail", "LUVAT_SMTP_HOST=mail", "LUVAT_TEST_POSTGRES=x", "HOME=/", "LUVAT_BASEURL="})
	if err == nil || !strings.HasPrefix(err.Error(), "LUVAT_STMP_HOST: ") || !strings.Contains(err.Error(), "\nLUVAT_BASEURL: ") || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("Misspelt = %v", err)
	}
}

func TestTheDemoAnswersOnLoopbackOnly(t *testing.T) {
	for listen, ok := range map[string]bool{"127.0.0.1:8080": true, "localhost:1": true, "[::1]:8080": true, "0.0.0.0:8080": false, ":8080": false, "192.168.1.2:80": false, "luvat.fi:80": false, "8080": false} {
		if _, err := DemoConfig("data", listen); (err == nil) != ok {
			t.Errorf("DemoConfig(%s): %v; want ok %t", listen, err, ok)
		}
	}
}

func TestOnlyATrustedProxyIsBelieved(t *testing.T) {
	c := Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, tt := range []struct{ name, from, header, want string }{
		{"through the proxy", "10.0.0.1:9", "198.51.100.7", "198.51.100.7:0"},
		{"through two", "10.0.0.1:9", "198.51.100.7, 10.0.0.2", "198.51.100.7:0"},
		{"a claim before the real one", "10.0.0.1:9", "1.1.1.1, 198.51.100.7", "198.51.100.7:0"},
		{"a stranger's claim", "198.51.100.7:9", "1.1.1.1", "198.51.100.7:9"},
		{"nonsense", "10.0.0.1:9", "hello", "10.0.0.1:9"},
		{"nothing", "10.0.0.1:9", "", "10.0.0.1:9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			h := c.behindProxy(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.from
			r.Header.Set("X-Forwarded-For", tt.header)
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
		})
	}
}
