package browser

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// A Reader is what a workstation has for signing in by card.
type Reader struct {
	Card  tls.Certificate     // in the reader, with its key; the zero one: none
	Roots []*x509.Certificate // which the workstation trusts, for servers
	// Hosts are where the card is shown without asking, as a workstation's
	// policy says: https://kortti.localhost:8443. Elsewhere the browser would
	// ask, and nobody answers it here.
	Hosts []string
}

// StartWith starts a browser of its own for the test, at a workstation with a
// card reader. The browser remembers what it showed to a host until it ends:
// another card is another browser.
//
// The card lies in the certificate database of the browser's home; it is
// Debian's libnss3-tools that put it there.
func StartWith(t testing.TB, r Reader) *Browser {
	t.Helper()
	for _, tool := range []string{"certutil", "pk12util", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing: run scripts/need.sh, or apt-get install libnss3-tools openssl", tool)
		}
	}
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	database := filepath.Join(home, ".pki", "nssdb")
	for _, dir := range []string{database, filepath.Join(profile, "Default")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "certutil", "-d", "sql:"+database, "-N", "--empty-password")
	for _, root := range r.Roots {
		file := write(t, home, "root.pem", "CERTIFICATE", root.Raw)
		run(t, "certutil", "-d", "sql:"+database, "-A", "-t", "C,,", "-n", root.Subject.CommonName, "-i", file)
	}
	if len(r.Card.Certificate) > 0 {
		insert(t, home, database, r.Card)
	}
	preferences(t, filepath.Join(profile, "Default", "Preferences"), r.Hosts)

	b, err := launch("chromium", chromedp.UserDataDir(profile), chromedp.Env("HOME="+home)) // the shell has no certificate database
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// insert puts the card into the reader.
func insert(t testing.TB, home, database string, card tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(card.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(home, "card.p12")
	args := []string{
		"pkcs12", "-export", "-name", "card", "-passout", "pass:card", "-out", both,
		"-inkey", write(t, home, "card.key", "PRIVATE KEY", key), "-in", write(t, home, "card.pem", "CERTIFICATE", card.Certificate...),
	}
	run(t, "openssl", args...)
	run(t, "pk12util", "-d", "sql:"+database, "-i", both, "-W", "card")
}

// preferences lets the browser show a card to the hosts without asking. It is
// the policy AutoSelectCertificateForUrls, in the place where the browser keeps
// what it was told: policies themselves are the whole machine's.
func preferences(t testing.TB, file string, hosts []string) {
	t.Helper()
	type object = map[string]any
	shown := object{}
	for _, host := range hosts {
		shown[host+",*"] = object{"setting": object{"filters": []object{{}}}}
	}
	b, err := json.Marshal(object{"profile": object{"content_settings": object{"exceptions": object{"auto_select_certificate": shown}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, dir, name, kind string, parts ...[]byte) string {
	t.Helper()
	var all []byte
	for _, p := range parts {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: p})...)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
