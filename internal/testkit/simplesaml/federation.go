package simplesaml

import (
	"crypto/x509"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// A Federation is what Virtu is: home organisations with an identity provider
// each, their metadata in one signed aggregate, and a discovery service where
// one chooses among them.
type Federation struct {
	Homes       []*IDP
	Aggregate   string            // the address of the metadata, signed
	Certificate *x509.Certificate // signs it
	Discovery   string            // the address of the discovery service

	t        testing.TB
	signing  *dsig.SigningContext
	mu       sync.Mutex
	services map[string]string // by entity id, where discovery may send one back
	lifetime time.Duration
}

// Virtu starts a federation of these home organisations.
func Virtu(t testing.TB, organisations ...string) *Federation {
	t.Helper()
	key, certificate := pair(t)
	context, err := dsig.NewSigningContext(key, [][]byte{certificate.Raw})
	if err != nil {
		t.Fatal(err)
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	f := &Federation{t: t, Certificate: certificate, signing: context, services: map[string]string{}, lifetime: 24 * time.Hour}
	for _, o := range organisations {
		f.Homes = append(f.Homes, Start(t, Home(o)))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /aggregate.xml", f.serveAggregate)
	mux.HandleFunc("GET /DS", f.serveDiscovery)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.Aggregate, f.Discovery = server.URL+"/aggregate.xml", server.URL+"/DS"
	return f
}

// Register tells the whole federation of a service, by its metadata.
func (f *Federation) Register(metadata []byte) {
	f.t.Helper()
	for _, h := range f.Homes {
		h.Register(metadata)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(metadata); err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if back := doc.FindElement("//DiscoveryResponse"); back != nil {
		f.services[doc.Root().SelectAttrValue("entityID", "")] = back.SelectAttrValue("Location", "")
	}
}

func (f *Federation) serveAggregate(w http.ResponseWriter, r *http.Request) {
	raw, err := f.aggregate(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(raw)
}

// aggregate gathers the homes' metadata as they publish it.
func (f *Federation) aggregate(r *http.Request) ([]byte, error) {
	root := etree.NewElement("md:EntitiesDescriptor")
	root.CreateAttr("xmlns:md", "urn:oasis:names:tc:SAML:2.0:metadata")
	root.CreateAttr("Name", "urn:test:virtu")
	root.CreateAttr("ID", fmt.Sprintf("_%d", time.Now().UnixNano()))
	root.CreateAttr("validUntil", time.Now().Add(f.lifetime).UTC().Format(time.RFC3339))
	root.CreateAttr("cacheDuration", "PT1H")
	for _, h := range f.Homes {
		request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, h.Metadata, nil)
		if err != nil {
			return nil, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		doc := etree.NewDocument()
		_, err = doc.ReadFrom(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return nil, err
		}
		entity := doc.Root()
		entity.RemoveChild(entity.SelectElement("Signature"))
		root.AddChild(entity)
	}
	signature, err := f.signing.ConstructSignature(root.Copy(), true)
	if err != nil {
		return nil, err
	}
	root.InsertChildAt(0, signature)
	doc := etree.NewDocumentWithRoot(root)
	doc.WriteSettings.CanonicalText, doc.WriteSettings.CanonicalAttrVal = true, true
	return doc.WriteToBytes()
}

var chooser = template.Must(template.New("").Parse(`<!doctype html>
<html lang="fi"><title>Valitse kotiorganisaatio</title><h1>Valitse kotiorganisaatio</h1>
<ul>{{range .}}<li><a href="{{.Address}}">{{.Name}}</a></li>{{end}}</ul>`))

// serveDiscovery is a discovery service (Identity Provider Discovery Service
// Protocol and Profile): it sends nobody anywhere but to a service it knows.
func (f *Federation) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f.mu.Lock()
	allowed := f.services[query.Get("entityID")]
	f.mu.Unlock()
	back, err := url.Parse(query.Get("return"))
	if err != nil || allowed == "" || back.Scheme+"://"+back.Host+back.Path != allowed {
		http.Error(w, "unknown service, or not its address", http.StatusForbidden)
		return
	}
	if query.Get("isPassive") == "true" {
		http.Redirect(w, r, back.String(), http.StatusFound) // it remembers nobody
		return
	}
	parameter := query.Get("returnIDParam")
	if parameter == "" {
		parameter = "entityID"
	}
	type choice struct{ Name, Address string }
	var all []choice
	for _, h := range f.Homes {
		to := *back
		values := to.Query()
		values.Set(parameter, h.EntityID)
		to.RawQuery = values.Encode()
		all = append(all, choice{h.Name, to.String()})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = chooser.Execute(w, all)
}
