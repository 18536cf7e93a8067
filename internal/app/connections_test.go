package app_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
	"luvat/internal/testkit/simplesaml"
)

// pemPair writes a key and its certificate into one file.
func pemPair(t *testing.T, file string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "luvat.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	body := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// An applicant signs in to serve at Suomi.fi-tunnistus, as Debian's SimpleSAMLphp
// plays it, and signs out here and there.
func TestSigningInToServe(t *testing.T) {
	idp := simplesaml.Start(t, simplesaml.SuomiFi())
	hub := serving(t, nil, func(s *served) map[string]any {
		signer := filepath.Join(s.dir, "signer.pem")
		if err := os.WriteFile(signer, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Certificate.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		pair := func(name string) []map[string]string {
			file := pemPair(t, filepath.Join(s.dir, name))
			return []map[string]string{{"certificate": file, "key": file}}
		}
		return map[string]any{
			"keys": filepath.Join(s.dir, "keys"),
			"saml": []any{map[string]any{
				"name": "suomifi", "preset": "suomifi", "title": three("Suomi.fi-tunnistus"), "entity_id": s.base + "/saml",
				"metadata": map[string]string{"url": idp.Metadata, "certificates": signer}, "homes": []any{map[string]any{"entity_id": idp.EntityID}},
				"signing": pair("signing.pem"), "encryption": pair("encryption.pem"),
				"about": map[string]any{
					"name": three("Luvat ja valvonta"), "description": three("Luvat yhdestä paikasta"), "privacy": three("https://luvat.example/tietosuoja"),
					"logo": map[string]any{"url": "https://luvat.example/logo.png", "width": 80, "height": 60}, "organisation": three("Virasto"),
					"organisationpage": three("https://virasto.example"), "contacts": []any{map[string]string{"type": "technical", "givenname": "Tuki", "email": "tuki@luvat.example"}},
				},
			}},
			"mandates": map[string]any{
				"base_url": standIn(t, s.base+"/for/callback"), "client_id": "luvattst", "api_key_file": secretFile(t, s.dir, "key"), "oauth_password_file": secretFile(t, s.dir, "password"),
			},
		}
	}, "010280", "Testil")
	base, listen := hub.base, hub.listen
	c := newClient(t)
	read := c.read
	_, ours := read(c.Get(base + "/login/suomifi/metadata"))
	idp.Register([]byte(ours))

	if _, text := read(c.Get(base + "/login?next=/projects/new")); !strings.Contains(text, "/login/suomifi?next=") {
		t.Fatal("the sign-in page does not offer Suomi.fi-tunnistus")
	}
	submit := func(at *url.URL, text string, fill map[string]string) (*url.URL, string) {
		t.Helper()
		v := url.Values{}
		for _, tag := range regexp.MustCompile(`<input[^>]*>`).FindAllString(text, -1) {
			if name := attribute(tag, "name"); name != "" {
				v.Set(name, html.UnescapeString(attribute(tag, "value")))
			}
		}
		for name, value := range fill {
			v.Set(name, value)
		}
		to, err := at.Parse(html.UnescapeString(attribute(regexp.MustCompile(`<form[^>]*>`).FindString(text), "action")))
		if err != nil {
			t.Fatal(err)
		}
		return read(c.PostForm(to.String(), v))
	}
	at, text := read(c.Get(base + "/login/suomifi?next=/projects/new"))
	if at.Host == listen {
		t.Fatalf("the browser was not sent away: %s: %.500s", at, text)
	}
	at, text = submit(at, text, map[string]string{"username": "tavallinen", "password": simplesaml.Password})
	if !strings.Contains(text, "SAMLResponse") {
		t.Fatalf("the provider answers %.500s", text)
	}
	at, text = submit(at, text, nil)
	if at.Host != listen || at.Path != "/projects/new" || !strings.Contains(text, "Tessa Testilä") { // no officer comes by mandate here: an applicant
		t.Fatalf("back at %s: %.500s", at, text)
	}
	at, text = read(c.Get(base + "/for/company?next=/projects"))
	if at.Host == listen || !strings.Contains(text, "Rova Oy") {
		t.Fatalf("the mandate register at %s: %.500s", at, text)
	}
	if at, text = choose(t, c.Client, at, text); at.Path != "/projects" || !strings.Contains(text, "Rova Oy") {
		t.Fatalf("acting for the company at %s: %.500s", at, text)
	}
	at, text = read(c.PostForm(base+"/logout", url.Values{}))
	if strings.Contains(text, "Tessa Testilä") || !strings.Contains(text, `http-equiv="refresh"`) {
		t.Fatalf("signed out at %s: %.300s", at, text)
	}
	if at, text = read(c.Get(base + "/projects")); at.Path != "/login" {
		t.Errorf("after signing out at %s: %.200s", at, text)
	}
}

func secretFile(t *testing.T, dir, secret string) string {
	t.Helper()
	file := filepath.Join(dir, secret)
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// standIn starts the double of Suomi.fi-valtuudet, where Tessa is the managing
// director of a company.
func standIn(t *testing.T, back string) (address string) {
	t.Helper()
	tessa, err := pic.Parse("010280-952L")
	if err != nil {
		t.Fatal(err)
	}
	r := double.NewRegister()
	r.Name(double.Person(tessa), "Tessa Testilä")
	r.Name(double.Company("7019376-8"), "Rova Oy")
	r.Add(double.Mandate{Kind: double.Role, From: double.Company("7019376-8"), To: double.Person(tessa), Matter: "TJ"})
	d, err := double.New(double.Config{ClientID: "luvattst", APIKey: "key", OAuthPassword: "password", Redirects: []string{back}}, r)
	if err != nil {
		t.Fatal(err)
	}
	server, err := double.Start("127.0.0.1:0", d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(context.Background()) })
	return server.URL
}

// choose presses the first choice of the stand-in's page.
func choose(t *testing.T, c *http.Client, at *url.URL, text string) (*url.URL, string) {
	t.Helper()
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<(?:input|button)[^>]*>`).FindAllString(text, -1) {
		name, value := attribute(m, "name"), attribute(m, "value")
		if name != "" && !strings.Contains(name, "cancel") && !strings.Contains(value, "cancel") {
			form.Add(name, value)
		}
	}
	to, err := at.Parse(attribute(regexp.MustCompile(`<form[^>]*>`).FindString(text), "action"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.PostForm(to.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Request.URL, string(body)
}
