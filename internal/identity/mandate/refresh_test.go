package mandate_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
)

// TestAChainThatEnds: whichever link ends, the next check ends the right.
func TestAChainThatEnds(t *testing.T) {
	for name, link := range map[string]double.Mandate{"person → authority": outiOfTampere, "authority → granting body": tampereOfKeha} {
		for _, shows := range []mandate.Shows{mandate.ShowsPrincipal, mandate.ShowsAuthority} {
			t.Run(name+", shown the "+string(shows), func(t *testing.T) {
				s := newSite(t, func(c *mandate.Config, d *double.Config) {
					c.OfficerShows, d.Shows = shows, double.Shows(shows)
				})
				g, memo := s.act(outi, identity.ForAuthority, map[mandate.Shows]string{mandate.ShowsPrincipal: "Valtuuksien antaja", mandate.ShowsAuthority: "Tampereen kaupunki"}[shows])
				_, memo = s.check(memo, mandate.Still)
				s.clock.Move(time.Minute)
				s.Double.End(link)
				c, _ := s.check(memo, mandate.Ended)
				if c.Of(g.Chains[0].Party()) != mandate.Ended || len(c.Now.Chains) != 0 {
					t.Errorf("the chain still holds: %+v", c.Now)
				}
			})
		}
	}
}

func TestAMandateThatEndsByItself(t *testing.T) {
	s := newSite(t)
	s.Double.End(eventsOfKahvila)
	m := eventsOfKahvila
	m.Until = s.clock.Now().Add(5 * time.Minute)
	s.Double.Add(m)
	_, memo := s.act(matti, identity.ForCompany, "Kahvila Kulma & Kumpp. Ky")
	s.clock.Move(5*time.Minute - time.Second)
	_, memo = s.check(memo, mandate.Still)
	s.clock.Move(time.Second)
	_, memo = s.check(memo, mandate.Ended)
	s.Double.Add(eventsOfKahvila)
	s.check(memo, mandate.Still)
}

func TestRegistersThatCannotBeRead(t *testing.T) {
	bothWays(t, func(t *testing.T, s *site) {
		_, before := s.act(linnea, identity.ForCompany, "Vasa Sol Ab")
		s.Switch(func(sw *double.Switches) { sw.Incomplete = true })
		g, _ := s.act(linnea, identity.ForCompany, "Vasa Sol Ab")
		if g.Complete || len(g.Principals) != 0 || len(g.Refused) != 1 || g.Refused[0].Complete {
			t.Errorf("granted %+v: what is missing is not told apart from what is denied", g)
		}
		c, before := s.check(before, mandate.Unknown)
		if c.Of(mandate.Party{Company: vasasol}) != mandate.Unknown || c.Cause == nil {
			t.Errorf("a role that cannot be read is %s", c.Of(mandate.Party{Company: vasasol}))
		}
		s.Switch(func(sw *double.Switches) { sw.Incomplete = false })
		s.check(before, mandate.Still)
	})
}

func TestValtuudetIsDown(t *testing.T) {
	s := newSite(t)
	address, begun := s.begin(linnea, identity.ForCompany)
	callback := s.choose(address, "Vasa Sol Ab")
	_, memo := s.act(linnea, identity.ForCompany, "Vasa Sol Ab")
	s.Switch(func(sw *double.Switches) { sw.Down = true })

	_, _, err := s.Begin(t.Context(), mandate.Beginning{Person: linnea, Mode: identity.ForCompany, State: "s"})
	wantRefusal(t, "Begin", err, identity.NotThere)
	_, _, err = s.Finish(t.Context(), begun, callback)
	wantRefusal(t, "Finish", err, identity.NotThere)
	c, memo := s.check(memo, mandate.Unknown)
	if c.Of(mandate.Party{Company: vasasol}) != mandate.Unknown || !errors.Is(c.Cause, mandate.ErrUnavailable) {
		t.Errorf("%s: %v", c.Of(mandate.Party{Company: vasasol}), c.Cause)
	}
	if err := s.end(memo); !errors.Is(err, mandate.ErrUnavailable) {
		t.Errorf("End: %v", err)
	}
	s.Switch(func(sw *double.Switches) { sw.Down = false })
	s.check(memo, mandate.Still)
}

func TestTokensAreRenewed(t *testing.T) {
	s := newSite(t)
	_, memo := s.act(linnea, identity.ForCompany, "Vasa Sol Ab")
	other := memo
	for range 5 {
		s.clock.Move(9*time.Minute + 50*time.Second)
		_, memo = s.check(memo, mandate.Still)
	}
	// A tab that kept the first memo finds its token gone, and goes on.
	s.check(other, mandate.Still)
	s.Double.End(directorOfVasasol)
	s.check(other, mandate.Ended)
}

// TestASessionThatLapses says nothing of the right: neither that it holds nor
// that it ended.
func TestASessionThatLapses(t *testing.T) {
	for name, lapse := range map[string]func(s *site){
		"401 to everything": func(s *site) { s.Switch(func(sw *double.Switches) { sw.Expired = true }) },
		"the token is over and is not renewed": func(s *site) {
			s.Switch(func(sw *double.Switches) { sw.NoRefresh = true })
			s.clock.Move(11 * time.Minute)
		},
		"the session is over": func(s *site) { s.clock.Move(2 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			_, memo := s.act(linnea, identity.ForCompany, "Vasa Sol Ab")
			lapse(s)
			c, _ := s.check(memo, mandate.Lapsed)
			if c.Of(mandate.Party{Company: vasasol}) != mandate.Lapsed || !errors.Is(c.Cause, mandate.ErrExpired) {
				t.Errorf("%s, %v", c.Of(mandate.Party{Company: vasasol}), c.Cause)
			}
		})
	}
}

// TestPersonsAreAskedAboutWithoutASession where the hub has a key for that.
func TestPersonsAreAskedAboutWithoutASession(t *testing.T) {
	s := newSite(t, func(c *mandate.Config, d *double.Config) { c.RESTKey = d.RESTKey })
	_, memo := s.act(matti, identity.ForPerson, "Aino Virtanen")
	s.clock.Move(2 * time.Hour)
	_, memo = s.check(memo, mandate.Still)
	s.Double.End(eventsOfAino)
	s.check(memo, mandate.Ended)
}

// TestAnErrorEndsNothing: whatever goes wrong at a check, the right has not ended.
func TestAnErrorEndsNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   mandate.State
	}{
		{"a bare 403: a wrong key looks the same", 403, "", mandate.Unknown},
		{"not authorised: the hub may be meant", 403, `{"errorCode":106}`, mandate.Unknown},
		{"the same with 500", 500, `{"errorCode":106}`, mandate.Unknown},
		{"no rules for the hub", 500, `{"errorCode":107}`, mandate.Unknown},
		{"busy", 429, "", mandate.Unknown},
		{"not there", 404, "", mandate.Unknown},
		{"no JSON", 200, "<html>", mandate.Unknown},
		{"no list", 200, "null", mandate.Unknown},
		{"somebody without a business id", 200, `[{"name":"A","identifier":"x","roles":["TJ"]}]`, mandate.Unknown},
		{"a session that is over", 401, `{"errorCode":199}`, mandate.Lapsed},
		{"an answer without the company", 200, "[]", mandate.Ended},
		{"an answer without a right", 200, `[{"name":"A","identifier":"` + string(vasasol) + `","roles":["J"]}]`, mandate.Ended},
		{"an answer that is not complete", 200, `[{"name":"A","identifier":"` + string(vasasol) + `","complete":false,"roles":[]}]`, mandate.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			_, memo := s.act(linnea, identity.ForCompany, "Vasa Sol Ab")
			bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.URL.Path, "/service/ypa/api/") {
					s.ServeHTTP(w, r)
					return
				}
				w.Header().Set("X-RoVa-ErrorMessage-Included", "true")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			t.Cleanup(bad.Close)
			s.config.BaseURL = bad.URL
			var err error
			if s.Flow, err = mandate.New(s.config); err != nil {
				t.Fatal(err)
			}
			c, _ := s.check(memo, tt.want)
			if got := c.Of(mandate.Party{Company: vasasol}); got != tt.want {
				t.Errorf("the right is %s", got)
			}
			if tt.want != mandate.Ended {
				tight(t, c.Cause)
			}
		})
	}
}
