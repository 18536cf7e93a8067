package saml_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"luvat/internal/identity"
	"luvat/internal/identity/saml"
)

// TestStale: what cannot be fetched again is used until it is too old.
func TestStale(t *testing.T) {
	const stale = "the provider's metadata is stale"
	day := 24 * time.Hour
	for _, tt := range []struct {
		name  string
		until time.Time
		last  time.Duration
	}{
		{"nothing told: a week", time.Time{}, 7 * day},
		{"valid until before", now.Add(day), day},
		{"valid until after", now.Add(30 * day), 7 * day},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := connect(t, func(c *saml.Config) {
				f := suomifiMetadata()
				f.until = tt.until
				if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
					t.Fatal(err)
				}
			})
			memo, request := b.begin()
			if err := os.Remove(b.file); err != nil {
				t.Fatal(err)
			}
			if err := b.Refresh(t.Context()); err == nil {
				t.Fatal("refreshed from nothing")
			}
			if s := b.Standing(); s.Until != now.Add(tt.last) || s.Fetched != now || s.Providers != 1 {
				t.Errorf("it stands %+v", s)
			}
			b.now = now.Add(tt.last - time.Second)
			b.begin()
			b.now = now.Add(tt.last)
			_, _, err := b.Begin(t.Context(), identity.Beginning{State: "s"})
			b.refused(identity.Assertion{}, err, identity.NotThere, stale)
			b.now = now
			a := good(request)
			if _, err := b.finish(memo, a.xml(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRollOver changes keys and metadata under a connection that lives on.
func TestRollOver(t *testing.T) {
	ours := saml.Keys{Signing: []saml.Pair{*keys.sign}, Encryption: []saml.Pair{*keys.old}}
	var broken error
	b := connect(t, func(c *saml.Config) { c.Keys = func() (saml.Keys, error) { return ours, broken } })
	memo, request := b.begin()
	before := good(request)
	before.encryptFor = keys.old.Certificate

	// Ours: a new encryption key first, a new signing key in use.
	ours = saml.Keys{Signing: []saml.Pair{*keys.next, *keys.sign}, Encryption: []saml.Pair{*keys.encrypt, *keys.old}}
	f := suomifiMetadata()
	f.members[0].keys = []*saml.Pair{keys.idp, keys.other}
	b.publish(f.xml(t))
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.finish(memo, before.xml(t)); err != nil {
		t.Errorf("encrypted for the key before: %v", err)
	}
	if _, err := b.take(func(a *answer) { a.id, a.signsAssertion, a.signsResponse = "_after", keys.other, keys.other }); err != nil {
		t.Errorf("all new: %v", err)
	}
	address, _, err := b.Begin(t.Context(), identity.Beginning{State: "s"})
	if err != nil {
		t.Fatal(err)
	}
	octets, rest, _ := strings.Cut(strings.TrimPrefix(address, idpSSO+"?"), "&Signature=")
	signature, _, _ := strings.Cut(rest, "&")
	checkSignature(t, octets, signature, keys.next)

	// Theirs: the old key is taken away.
	f.members[0].keys = []*saml.Pair{keys.other}
	b.publish(f.xml(t))
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := b.take(func(a *answer) { a.id = "_old" })
	b.refused(a, err, identity.NotValid, badSig)

	// A mistake keeps what was.
	broken = errors.New("the disk is gone")
	if err := b.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("a mistake is not told: %v", err)
	}
	if _, err := b.take(func(a *answer) { a.id, a.signsAssertion, a.signsResponse = "_kept", keys.other, keys.other }); err != nil {
		t.Error(err)
	}
}

// TestACertificateThatIsOver: metadata that names it does not bring it back.
func TestACertificateThatIsOver(t *testing.T) {
	old := vouched(t, keys.idp, "idp", now.Add(-2*time.Hour), now.Add(time.Minute), keys.idp)
	f := suomifiMetadata()
	f.members[0].keys = []*saml.Pair{old}
	b := connect(t, func(c *saml.Config) {
		if err := os.WriteFile(c.Source.File, f.xml(t), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := b.take(func(a *answer) { a.signsAssertion, a.signsResponse = old, old }); err != nil {
		t.Fatal(err)
	}
	farewell := goodRequest().query(t, "theirs", old, sha256Sig)
	if _, _, err := b.ended(get(farewell)); err != nil {
		t.Fatal(err)
	}
	b.now = now.Add(time.Minute + time.Second)
	a, err := b.take(func(a *answer) {
		a.id, a.issued, a.signsAssertion, a.signsResponse = "_over", b.now, old, old
	})
	b.refused(a, err, identity.NotValid, badSig)
	_, _, err = b.ended(get(farewell))
	b.refused(identity.Assertion{}, err, identity.NotValid, badSig)
}

// TestFetch reads metadata over HTTP, keeps it, and starts from what was kept.
func TestFetch(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(suomifiMetadata().xml(t)) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	defer server.Close()
	cache := filepath.Join(t.TempDir(), "kept.xml")
	b := connect(t)
	c := config(t, b)
	c.Source.File, c.Source.URL, c.Source.Cache, c.Client = "", server.URL+"/idp-metadata.xml", cache, server.Client()
	open := func() *saml.Provider {
		p, err := saml.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(cache); err != nil || !info.ModTime().Equal(now) {
		t.Errorf("kept: %v, %v", info, err)
	}

	b.now = now.Add(24 * time.Hour)
	for name, bad := range map[string]func(http.ResponseWriter, *http.Request){
		"down": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"moved": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				_, _ = w.Write(suomifiMetadata().xml(t))
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		},
		"replaced": func(w http.ResponseWriter, _ *http.Request) {
			f := suomifiMetadata()
			f.signer = keys.other
			_, _ = w.Write(f.xml(t))
		},
	} {
		answer = bad
		p := open() // a start on a bad day
		if err := p.Refresh(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, _, err := p.Begin(t.Context(), identity.Beginning{State: "s"}); err != nil {
			t.Errorf("%s: nobody can sign in: %v", name, err)
		}
		if s := p.Standing(); !s.Fetched.Equal(now) {
			t.Errorf("%s: what was kept is of %s", name, s.Fetched)
		}
	}
	b.now = now.Add(8 * 24 * time.Hour)
	old := open()
	_ = old.Refresh(t.Context())
	_, _, err := old.Begin(t.Context(), identity.Beginning{State: "s"})
	b.refused(identity.Assertion{}, err, identity.NotThere, "the provider's metadata is stale")

	// A forged cache is worth nothing.
	f := suomifiMetadata()
	f.signer = keys.other
	if err := os.WriteFile(cache, f.xml(t), 0o600); err != nil {
		t.Fatal(err)
	}
	forged := open()
	_ = forged.Refresh(t.Context())
	_, _, err = forged.Begin(t.Context(), identity.Beginning{State: "s"})
	b.refused(identity.Assertion{}, err, identity.NotThere, "the provider's metadata is not loaded")
}

// TestRun refreshes on schedule, and more often while it fails.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fetched []time.Duration
		start := time.Now()
		good := suomifiMetadata()
		good.cache = "PT30M"
		doc := good.xml(t)
		client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			fetched = append(fetched, time.Since(start))
			w := httptest.NewRecorder()
			if len(fetched) == 3 {
				return nil, errors.New("the network is down")
			}
			_, _ = w.Write(doc)
			return w.Result(), nil
		})}
		b := connect(t, func(c *saml.Config) {
			c.Source.File, c.Source.URL, c.Client = "", "https://static.example/idp-metadata.xml", client
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.Run(ctx) }()
		time.Sleep(64 * time.Minute)
		cancel()
		<-done
		// connect, Run at once, after 30 minutes (fails), 3 minutes later, 30 after that.
		want := []time.Duration{0, 0, 30 * time.Minute, 33 * time.Minute, 63 * time.Minute}
		if !slices.Equal(fetched, want) {
			t.Errorf("fetched at %v, want %v", fetched, want)
		}
		if strings.Count(b.log.String(), "saml metadata or keys not refreshed") != 1 {
			t.Errorf("logged: %s", b.log)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
