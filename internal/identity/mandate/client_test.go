package mandate_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"testing"
	"time"

	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
)

type doubleConfig = double.Config

func pemOf(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// session opens a session and lets the person choose, by the calls alone.
func (s *site) session(who pic.Code, i mandate.Interface, names ...string) (mandate.Session, mandate.Token) {
	s.t.Helper()
	c := s.Flow.Client
	session, err := c.Register(s.t.Context(), i, who, "00000000-0000-4000-8000-000000000001", "")
	if err != nil {
		s.t.Fatal(err)
	}
	callback := s.choose(c.AuthorizeURL(session, "a state & more", "sv"), names...)
	if got := callback.Get("state"); got != "a state & more" {
		s.t.Errorf("the state comes back as %q", got)
	}
	token, err := c.Token(s.t.Context(), session, callback.Get("code"))
	if err != nil {
		s.t.Fatal(err)
	}
	return session, token
}

func TestOrganisations(t *testing.T) {
	bothWays(t, func(t *testing.T, s *site) {
		c := s.Flow.Client
		session, token := s.session(linnea, mandate.YPA, "Vasa Sol Ab")
		want := mandate.Organisation{ID: vasasol, Name: "Vasa Sol Ab", Complete: true, Roles: []string{"TJ"}}
		for _, only := range []pic.BusinessID{"", vasasol} {
			all, err := c.Organisations(t.Context(), session, token, linnea, only)
			if err != nil || len(all) != 1 || all[0].ID != want.ID || all[0].Name != want.Name || !all[0].Complete || !slices.Equal(all[0].Roles, want.Roles) {
				t.Errorf("asked about %q: %+v, %v", only, all, err)
			}
		}
		if all, err := c.Organisations(t.Context(), session, token, linnea, kahvila); err != nil || len(all) != 0 {
			t.Errorf("one that was not chosen: %+v, %v", all, err)
		}
	})
}

func TestSessionTokens(t *testing.T) {
	s := newSite(t)
	c := s.Flow.Client
	session, token := s.session(linnea, mandate.YPA, "Vasa Sol Ab")
	signed, err := c.SessionToken(t.Context(), session, token)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.OrganisationsBy(t.Context(), session, token, signed)
	if err != nil || len(all) != 1 || all[0].ID != vasasol {
		t.Errorf("by the session's token: %+v, %v", all, err)
	}
	if _, err := c.OrganisationsBy(t.Context(), session, token, signed+"A"); !errors.Is(err, mandate.ErrExpired) {
		t.Errorf("by a changed token: %v", err)
	}
	s.clock.Move(11 * time.Minute)
	if _, err := c.OrganisationsBy(t.Context(), session, token, signed); !errors.Is(err, mandate.ErrExpired) {
		t.Errorf("by a token that is over: %v", err)
	}
}

func TestPersons(t *testing.T) {
	bothWays(t, func(t *testing.T, s *site) {
		c := s.Flow.Client
		session, token := s.session(matti, mandate.HPA, "Aino Virtanen", "Oskari Virtanen")
		chosen, err := c.Delegators(t.Context(), session, token)
		if err != nil || len(chosen) != 2 || chosen[0] != (mandate.Delegator{Code: aino, Name: "Aino Virtanen"}) {
			t.Fatalf("%v, %v", chosen, err)
		}
		for _, tt := range []struct {
			principal pic.Code
			matters   []string
			allowed   bool
		}{
			{aino, []string{events}, true},
			{aino, []string{building}, false},
			{aino, []string{events, building}, false},
			{aino, nil, false},
			{oskari, nil, true},
			{oskari, []string{building}, true},
		} {
			if a, err := c.Authorization(t.Context(), session, token, matti, tt.principal, tt.matters...); err != nil || a.Allowed != tt.allowed {
				t.Errorf("for %s in %v: %+v, %v", tt.principal.Reveal(), tt.matters, a, err)
			}
		}
		if list, err := c.AuthorizationList(t.Context(), session, token, matti, aino); err != nil || !slices.Equal(list, []string{events}) {
			t.Errorf("the list: %v, %v", list, err)
		}
		if _, err := c.Authorization(t.Context(), session, token, matti, linnea, building); !errors.Is(err, mandate.ErrDenied) {
			t.Errorf("for one who was not chosen: %v", err)
		}
	})
}

func TestREST(t *testing.T) {
	s := newSite(t, func(c *mandate.Config, d *double.Config) { c.RESTKey = d.RESTKey })
	c := s.Flow.Client
	if a, err := c.Check(t.Context(), matti, aino, "r", events); err != nil || !a.Allowed {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := c.Check(t.Context(), matti, aino, "r", building, events); err != nil || a.Allowed {
		t.Errorf("in two matters: %+v, %v", a, err)
	}
	if _, err := c.Check(t.Context(), person("121212A", 950), aino, "r"); !errors.Is(err, mandate.ErrDenied) {
		t.Errorf("for somebody unknown: %v", err)
	}
	wrong := newSite(t, func(c *mandate.Config, _ *double.Config) { c.RESTKey = c.APIKey })
	if _, err := wrong.Flow.Client.Check(t.Context(), matti, aino, "r"); !errors.Is(err, mandate.ErrRefused) {
		t.Errorf("with the key of the Web API: %v", err)
	}
	none := newSite(t)
	if _, err := none.Flow.Client.Check(t.Context(), matti, aino, "r"); !errors.Is(err, mandate.ErrRefused) {
		t.Errorf("without a key: %v", err)
	}
}

func TestTransfer(t *testing.T) {
	s := newSite(t)
	c := s.Flow.Client
	session, token := s.session(linnea, mandate.YPA, "Vasa Sol Ab")
	transfer, err := c.TransferToken(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RegisterTransfer(t.Context(), mandate.YPA, transfer, matti, "r", ""); !errors.Is(err, mandate.ErrDenied) {
		t.Errorf("by another person: %v", err)
	}
	if transfer, err = c.TransferToken(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	next, err := c.RegisterTransfer(t.Context(), mandate.YPA, transfer, linnea, "r", "")
	if err != nil || next.ID == session.ID {
		t.Fatalf("%v, %v", next, err)
	}
	if _, err := c.RegisterTransfer(t.Context(), mandate.YPA, transfer, linnea, "r", ""); !errors.Is(err, mandate.ErrDenied) {
		t.Errorf("twice: %v", err)
	}
	if _, err := c.Organisations(t.Context(), next, token, linnea, ""); !errors.Is(err, mandate.ErrExpired) {
		t.Errorf("a token opens another session: %v", err)
	}
	if err := c.Unregister(t.Context(), session); err != nil {
		t.Error(err)
	}
	if _, err := c.Organisations(t.Context(), session, token, linnea, ""); !errors.Is(err, mandate.ErrExpired) {
		t.Errorf("a session that was ended answers: %v", err)
	}
	if err := c.Unregister(t.Context(), session); !errors.Is(err, mandate.ErrExpired) {
		t.Errorf("it is ended twice: %v", err)
	}
}

// TestAgreements: what hub and Valtuudet must agree on, and what comes of it when
// they do not.
func TestAgreements(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*mandate.Config, *double.Config)
		kind   error
	}{
		{"the key", func(c *mandate.Config, _ *double.Config) { c.APIKey += " " }, mandate.ErrRefused},
		{"the client id", func(c *mandate.Config, _ *double.Config) { c.ClientID = "zzzz1234" }, mandate.ErrRefused},
		{"a clock that is six minutes slow", clockOff(-6 * time.Minute), mandate.ErrRefused},
		{"a clock that is six minutes fast", clockOff(6 * time.Minute), mandate.ErrRefused},
		{"a clock that is four minutes off", clockOff(4 * time.Minute), nil},
		{"a clock that is five minutes slow", clockOff(-5 * time.Minute), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.change)
			_, _, err := s.Begin(t.Context(), mandate.Beginning{Person: linnea, Mode: mandate.ForCompany, State: "s"})
			if !errors.Is(err, tt.kind) {
				t.Errorf("%v; want %v", err, tt.kind)
			}
			if tt.kind != nil {
				wantRefusal(t, tt.name, err, identity.NotThere)
			}
		})
	}
	t.Run("the password", func(t *testing.T) {
		s := newSite(t, func(c *mandate.Config, _ *double.Config) { c.OAuthPassword = "wrong" })
		address, memo := s.begin(linnea, mandate.ForCompany)
		_, _, err := s.Finish(t.Context(), memo, s.choose(address, "Vasa Sol Ab"))
		wantRefusal(t, "Finish", err, identity.NotThere)
	})
	t.Run("the redirect address", func(t *testing.T) {
		s := newSite(t, func(c *mandate.Config, _ *double.Config) { c.RedirectURL += "/other" })
		address, _ := s.begin(linnea, mandate.ForCompany)
		res, err := s.browser.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // read only
		if res.StatusCode != 400 || res.Header.Get("Location") != "" {
			t.Errorf("the browser is sent on: %d %s", res.StatusCode, res.Header.Get("Location"))
		}
	})
}

func clockOff(d time.Duration) func(*mandate.Config, *double.Config) {
	return func(c *mandate.Config, _ *double.Config) {
		now := c.Now
		c.Now = func() time.Time { return now().Add(d) }
	}
}
