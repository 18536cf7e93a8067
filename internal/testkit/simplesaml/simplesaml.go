// Package simplesaml lets tests sign in at an identity provider that others
// wrote: Debian's SimpleSAMLphp, set up as Suomi.fi-tunnistus, as a home
// organisation of Virtu, or as Portti.
//
//	idp := simplesaml.Start(t, simplesaml.SuomiFi())
//	// idp.EntityID, idp.Metadata, idp.Certificate configure the connection
//	idp.Register(metadata) // ours
//
// Each runs as one process of PHP's own server on a port of loopback, from a
// folder of the test's own; nothing of the machine's SimpleSAMLphp is changed.
// It ends with the test.
package simplesaml

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed router.php config.php authsources.php saml20-idp-hosted.php
var files embed.FS

const installed = "/usr/share/simplesamlphp"

// An IDP is a running identity provider.
type IDP struct {
	Name        string
	Base        string // http://127.0.0.1:port/simplesaml/
	EntityID    string
	Metadata    string            // the address of its metadata, signed
	Certificate *x509.Certificate // signs the metadata and all messages
	People      []Person

	t       testing.TB
	dir     string
	process *exec.Cmd
	stopped sync.Once
	log     *lines
}

// Start starts an identity provider of the profile.
func Start(t testing.TB, p Profile) *IDP {
	t.Helper()
	php, err := exec.LookPath("php")
	if _, missing := os.Stat(installed + "/www"); err != nil || missing != nil {
		t.Fatal("SimpleSAMLphp is missing: run scripts/need.sh, or apt-get install simplesamlphp php-cli php-xml php-mbstring")
	}
	i := &IDP{Name: p.Name, t: t, dir: t.TempDir(), People: p.People, log: &lines{}}
	for range 5 { // the port may be taken between asking for one and using it
		port := freePort(t)
		i.Base = fmt.Sprintf("http://127.0.0.1:%d/simplesaml/", port)
		i.EntityID = i.Base + "saml2/idp/metadata.php"
		i.Metadata = i.EntityID
		i.configure(p)
		if err = i.run(php, port, p); err == nil {
			t.Cleanup(i.Stop)
			return i
		}
	}
	t.Fatalf("start SimpleSAMLphp: %v\n%s", err, i.log)
	return nil
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was only asked for a port
	return l.Addr().(*net.TCPAddr).Port
}

// configure writes the folder that SimpleSAMLphp is configured by.
func (i *IDP) configure(p Profile) {
	i.t.Helper()
	key, certificate := pair(i.t)
	i.Certificate = certificate
	for _, d := range []string{"log", "data", "tmp", "tmp/twig", "services"} {
		i.check(os.MkdirAll(filepath.Join(i.dir, d), 0o700))
	}
	for _, name := range []string{"router.php", "config.php", "authsources.php", "saml20-idp-hosted.php"} {
		body, err := files.ReadFile(name)
		i.check(err)
		i.write(name, body)
	}
	i.write("idp.key", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	i.write("idp.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	people := map[string]map[string][]string{}
	for _, person := range p.People {
		people[person.User+":"+Password] = person.all()
	}
	i.writeJSON("people.json", people)
	i.writeJSON("profile.json", p)
	if p.GCM {
		i.writeEncryption()
	}
}

// writeEncryption writes SimpleSAMLphp's class for encrypted assertions with the
// one line changed that says how: see router.php.
func (i *IDP) writeEncryption() {
	i.t.Helper()
	body, err := os.ReadFile(installed + "/vendor/simplesamlphp/saml2/src/SAML2/EncryptedAssertion.php")
	i.check(err)
	const cbc = "new XMLSecurityKey(XMLSecurityKey::AES128_CBC)"
	if strings.Count(string(body), cbc) != 1 {
		i.t.Fatal("SimpleSAMLphp encrypts in another way than 1.19")
	}
	i.write("EncryptedAssertion.php", []byte(strings.Replace(string(body), cbc, "new XMLSecurityKey(XMLSecurityKey::AES256_GCM)", 1)))
}

func (i *IDP) write(name string, body []byte) {
	i.t.Helper()
	i.check(os.WriteFile(filepath.Join(i.dir, name), body, 0o600))
}

func (i *IDP) writeJSON(name string, v any) {
	i.t.Helper()
	body, err := json.Marshal(v)
	i.check(err)
	i.write(name, body)
}

func (i *IDP) check(err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatal(err)
	}
}

// run starts the process and waits until it listens.
func (i *IDP) run(php string, port int, p Profile) error {
	encryption := ""
	if p.GCM {
		encryption = filepath.Join(i.dir, "EncryptedAssertion.php")
	}
	c := exec.Command(php, "-d", "display_errors=0", "-d", "log_errors=1", "-d", "error_log=", "-S", fmt.Sprintf("127.0.0.1:%d", port), filepath.Join(i.dir, "router.php"))
	c.Dir = i.dir
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + filepath.Join(i.dir, "tmp"), "SIMPLESAMLPHP_CONFIG_DIR=" + i.dir,
		"LUVAT_TEST_BASE=" + i.Base, "LUVAT_TEST_ENTITY=" + i.EntityID, "LUVAT_TEST_ENCRYPTION=" + encryption,
		// Cookies do not know ports: two providers on one machine would take each
		// other's.
		fmt.Sprintf("LUVAT_TEST_COOKIE=idp%d", port),
	}
	endWithUs(c)
	out, err := c.StderrPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	started := make(chan bool, 1)
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			if strings.Contains(scan.Text(), ") started") {
				started <- true
			}
			i.log.add(scan.Text())
		}
		started <- false
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case ok := <-started:
		if ok {
			i.process = c
			return nil
		}
		err = errors.New("it ended at once")
	case <-time.After(30 * time.Second):
		err = errors.New("it does not listen")
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	return err
}

// Register tells the provider of a service, by its metadata; told again, the
// metadata is replaced.
func (i *IDP) Register(metadata []byte) {
	i.t.Helper()
	file := filepath.Join(i.dir, "services", "luvat.xml")
	i.check(os.WriteFile(file+".new", metadata, 0o600))
	i.check(os.Rename(file+".new", file)) // it may be reading
}

// EndEverywhere is where the browser goes to end the provider's own session, and
// with it the session at every service (single logout, begun at the provider).
// In the end it comes to back.
func (i *IDP) EndEverywhere(back string) string {
	return i.Base + "saml2/idp/initSLO.php?RelayState=" + url.QueryEscape(back)
}

// Stop ends the provider. It returns when the process is gone.
func (i *IDP) Stop() {
	i.stopped.Do(func() {
		_ = i.process.Process.Kill() // it keeps nothing
		_ = i.process.Wait()
		if i.t.Failed() {
			i.t.Logf("SimpleSAMLphp said:\n%s", i.log)
		}
	})
}

// PID is the number of the provider's process.
func (i *IDP) PID() int { return i.process.Process.Pid }

// Log is what the provider has said.
func (i *IDP) Log() string { return i.log.String() }

// lines keeps the last of many lines.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all = append(l.all, s); len(l.all) > 400 {
		l.all = l.all[100:]
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// pair makes a key and a certificate, the same for all providers of one test
// binary but for the serial number.
func pair(t testing.TB) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "identity provider of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, c
}
