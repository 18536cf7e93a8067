package simplesaml_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"luvat/internal/testkit/simplesaml"
)

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // what counts is read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// signed checks that the certificate's key has signed the document.
func signed(t *testing.T, document string, by *x509.Certificate) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(document); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	covered, err := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{by}}).Validate(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	return covered
}

func TestStartAndStop(t *testing.T) {
	for _, profile := range []simplesaml.Profile{simplesaml.SuomiFi(), simplesaml.Home("thl.fi"), simplesaml.Portti()} {
		i := simplesaml.Start(t, profile)
		status, body := get(t, i.Metadata)
		if status != http.StatusOK {
			t.Fatalf("status %d: %s", status, body)
		}
		if id := signed(t, body, i.Certificate).SelectAttrValue("entityID", ""); id != i.EntityID {
			t.Errorf("it calls itself %s, not %s", id, i.EntityID)
		}
		if status, _ := get(t, strings.Replace(i.Base, "/simplesaml/", "/simplesaml/../../../../etc/passwd", 1)); status != http.StatusNotFound {
			t.Errorf("files of the machine are served: %d", status)
		}
		pid := i.PID()
		i.Stop()
		i.Stop()
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the process lives on: %v", err)
		}
		if answer, err := http.Get(i.Metadata); err == nil {
			t.Errorf("it still answers: %s", answer.Status)
			_ = answer.Body.Close()
		}
	}
}

func TestVirtu(t *testing.T) {
	f := simplesaml.Virtu(t, "thl.fi", "vero.fi")
	_, body := get(t, f.Aggregate)
	aggregate := signed(t, body, f.Certificate)
	for i, organisation := range []string{"thl.fi", "vero.fi"} {
		entity := aggregate.SelectElements("EntityDescriptor")[i]
		if entity.SelectAttrValue("entityID", "") != f.Homes[i].EntityID || entity.FindElement("//Scope").Text() == "" || f.Homes[i].Name != organisation {
			t.Errorf("home %d is %s", i, f.Homes[i].Name)
		}
	}
	f.Register([]byte(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:d="urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol" entityID="us">
		<md:SPSSODescriptor><md:Extensions><d:DiscoveryResponse Location="https://us.example/chosen"/></md:Extensions></md:SPSSODescriptor></md:EntityDescriptor>`))
	ask := func(entity, back string) (int, string) {
		return get(t, f.Discovery+"?"+url.Values{"entityID": {entity}, "return": {back}}.Encode())
	}
	status, page := ask("us", "https://us.example/chosen?state=1")
	if status != http.StatusOK || !strings.Contains(page, "https://us.example/chosen?entityID="+strings.ReplaceAll(url.QueryEscape(f.Homes[1].EntityID), "+", "%20")) {
		t.Errorf("status %d: %s", status, page)
	}
	for _, bad := range [][2]string{{"them", "https://us.example/chosen"}, {"us", "https://evil.example/chosen"}, {"us", "javascript:alert(1)"}} {
		if status, _ := ask(bad[0], bad[1]); status != http.StatusForbidden {
			t.Errorf("%v: status %d", bad, status)
		}
	}
}
