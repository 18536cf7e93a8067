package mandate_test

import (
	"strings"
	"testing"

	"luvat/internal/identity/mandate"
)

// TestConfig: every mistake is told, all at once, by its field and without a secret.
func TestConfig(t *testing.T) {
	good := newSite(t, signed).config
	for _, tt := range []struct {
		name   string
		change func(*mandate.Config)
		want   []string
	}{
		{"good", func(*mandate.Config) {}, nil},
		{"production", func(c *mandate.Config) { c.BaseURL = mandate.Production + "/" }, nil},
		{"two keys in base64", func(c *mandate.Config) { c.SignerKeys = lines(c.SignerKeys) + "\n\n" + lines(c.SignerKeys) }, nil},
		{"empty", func(c *mandate.Config) { *c = mandate.Config{} }, []string{"BaseURL: must", "ClientID: must", "APIKey: is not set", "OAuthPassword: is not set", "RedirectURL: must", "Vault: is not set"}},
		{"http to another machine", func(c *mandate.Config) {
			c.BaseURL, c.RedirectURL = "http://valtuudet.example", "http://luvat.example/x"
		}, []string{"BaseURL: must", "RedirectURL: must"}},
		{"a path", func(c *mandate.Config) { c.BaseURL += "/service" }, []string{"BaseURL: must"}},
		{"a client id that is none", func(c *mandate.Config) { c.ClientID = "abcd/234" }, []string{"ClientID: must"}},
		{"a role that is none", func(c *mandate.Config) { c.CustomerRoles = []string{"TJ", "boss"} }, []string{`CustomerRoles: "boss" is not a role`}},
		{"a matter that is none", func(c *mandate.Config) { c.CustomerMatters = []string{"events"} }, []string{`CustomerMatters: "events" is not a URI`}},
		{"officers by half", func(c *mandate.Config) { c.OfficerPrincipal = "" }, []string{"OfficerPrincipal: must"}},
		{"officers by the other half", func(c *mandate.Config) { c.OfficerMatter = "" }, []string{"OfficerMatter: must"}},
		{"a granting body that is none", func(c *mandate.Config) { c.OfficerPrincipal = "1234567-8" }, []string{"OfficerPrincipal: must"}},
		{"an organisation that is not shown", func(c *mandate.Config) { c.OfficerShows = "both" }, []string{"OfficerShows: must"}},
		{"one matter for customers and officers", func(c *mandate.Config) { c.CustomerMatters = []string{c.OfficerMatter} }, []string{"OfficerMatter: is a matter of customers"}},
		{"signed, by nobody", func(c *mandate.Config) { c.SignerKeys, c.ServiceUUID = "", "x" }, []string{"ServiceUUID: must", "SignerKeys: is not set"}},
		{"signed by what is no key", func(c *mandate.Config) { c.SignerKeys = "AAAA" }, []string{"SignerKeys: key 1 is neither a public key nor a certificate"}},
		{"signed by what is no text", func(c *mandate.Config) { c.SignerKeys = "?" }, []string{"SignerKeys: key 1 is neither PEM nor base64"}},
		{"signed by a weak key", func(c *mandate.Config) { c.SignerKeys = weakKey }, []string{"SignerKeys: key 1 is no RSA key of 2048 bits"}},
		{"signed by another kind of key", func(c *mandate.Config) { c.SignerKeys = lines(good.SignerKeys) + "\n" + curveKey }, []string{"SignerKeys: key 2 is no RSA key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			_, err := mandate.New(c)
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("it is taken")
			}
			told := strings.Split(err.Error(), "\n")
			if len(told) != len(tt.want) {
				t.Errorf("told: %s", err)
			}
			for i, want := range tt.want {
				if i < len(told) && !strings.HasPrefix(told[i], want) {
					t.Errorf("told %q; want %q", told[i], want)
				}
			}
			sound(t, err.Error())
		})
	}
}

// lines takes a key out of its PEM block.
func lines(key string) string {
	var b strings.Builder
	for l := range strings.Lines(key) {
		if !strings.HasPrefix(l, "-----") {
			b.WriteString(strings.TrimSpace(l))
		}
	}
	return b.String()
}

// Public keys of kinds that are not taken: RSA of 1024 bits, and an elliptic curve.
const (
	weakKey  = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDn555ApsET56NOfVhkNysFwC9dmiXgan/usNamZzX7vpcHiDyHKpBxe/OoqBGcUvvDobX/N6caaQmjSTsBfFganaVYqz66QTRd87+tLGXp8WwkHB8USNy3FizY0ukI8g9W4k2CPUBXgMhbflN+us5edsK06rGWd1wGQpPTCG7weQIDAQAB"
	curveKey = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEy7MxSz1eC4vino7B0o6045842l2S0bm1aZIUxzzBiSPRgxa4372A/ezOl0Zo/cGTpmGLeNC3yhB/Af41gQiI+A=="
)
