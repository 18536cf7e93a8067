package mandate_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity"
	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
)

// signed asks for signed answers.
func signed(c *mandate.Config, _ *double.Config) { c.Signed = true }

// bothWays runs a test with plain and with signed answers.
func bothWays(t *testing.T, test func(t *testing.T, s *site)) {
	t.Run("plain", func(t *testing.T) { test(t, newSite(t)) })
	t.Run("signed", func(t *testing.T) { test(t, newSite(t, signed)) })
}

func names(all []mandate.Principal) (list []string) {
	for _, p := range all {
		list = append(list, p.Name)
	}
	return list
}

func TestActingForACompany(t *testing.T) {
	bothWays(t, func(t *testing.T, s *site) {
		g, memo := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
		if len(g.Principals) != 1 || g.Person != linnea || !g.Complete || g.Mode != mandate.ForCompany {
			t.Fatalf("granted %+v", g)
		}
		if p := g.Principals[0]; p.Company != vasasol || p.Name != "Vasa Sol Ab" || !slices.Equal(p.Roles, []string{"TJ"}) || !p.Complete || !p.Person.IsZero() {
			t.Errorf("granted %+v", p)
		}
		c, memo := s.check(memo, mandate.Still)
		if c.Of(g.Principals[0].Party) != mandate.Still || c.Of(mandate.Party{Company: kahvila}) != mandate.Ended {
			t.Error("the right is not told apart from another's")
		}
		if err := s.end(memo); err != nil {
			t.Error(err)
		}
		s.check(memo, mandate.Lapsed)
		if err := s.end(memo); err != nil {
			t.Errorf("an ended session is not well ended: %v", err)
		}
	})
}

// end ends a flow: a site's double has an End, too.
func (s *site) end(memo []byte) error { return s.Flow.End(s.t.Context(), memo) }

func TestAMandateGivesTheRightAndAMembershipDoesNot(t *testing.T) {
	s := newSite(t)
	g, _ := s.act(matti, mandate.ForCompany, "Kahvila Kulma & Kumpp. Ky")
	if len(g.Principals) != 1 || !slices.Equal(g.Principals[0].Roles, []string{events}) {
		t.Errorf("by mandate: %+v", g)
	}
	g, _ = s.act(linnea, mandate.ForCompany, "Kahvila Kulma & Kumpp. Ky")
	if len(g.Principals) != 0 || len(g.Refused) != 1 || !slices.Equal(g.Refused[0].Roles, []string{"J"}) {
		t.Errorf("as a member of the board: %+v", g)
	}
}

func TestActingForAPerson(t *testing.T) {
	bothWays(t, func(t *testing.T, s *site) {
		g, memo := s.act(matti, mandate.ForPerson, "Aino Virtanen", "Linnéa Ström", "Oskari Virtanen")
		if !slices.Equal(names(g.Principals), []string{"Aino Virtanen", "Oskari Virtanen"}) || !slices.Equal(names(g.Refused), []string{"Linnéa Ström"}) {
			t.Fatalf("granted %v, refused %v", names(g.Principals), names(g.Refused))
		}
		if p := g.Principals[0]; p.Person != aino || p.Company != "" || !slices.Equal(p.Asked, []string{events}) {
			t.Errorf("granted %+v", p)
		}
		s.check(memo, mandate.Still)
		s.Double.End(eventsOfAino)
		c, memo := s.check(memo, mandate.Still)
		if c.Of(mandate.Party{Person: aino}) != mandate.Ended || c.Of(mandate.Party{Person: oskari}) != mandate.Still {
			t.Errorf("Aino's mandate is ended, and Oskari is still a child: %s, %s", c.Of(mandate.Party{Person: aino}), c.Of(mandate.Party{Person: oskari}))
		}
		s.Double.End(childOfMatti)
		s.check(memo, mandate.Ended)
	})
}

// TestOfficers: which mandates make an officer, and of which authority, by what
// Valtuudet shows.
func TestOfficers(t *testing.T) {
	outiOfVaasa := double.Mandate{Kind: double.Representation, From: double.Company(vaasa), To: double.Person(outi), Matter: handling}
	vaasaOfKeha := double.Mandate{Kind: double.Transaction, From: double.Company(keha), To: double.Company(vaasa), Matter: handling}
	kind := func(m double.Mandate, k double.Kind) double.Mandate { m.Kind = k; return m }
	matter := func(m double.Mandate, uri string) double.Mandate { m.Matter = uri; return m }
	for _, tt := range []struct {
		name     string
		mandates []double.Mandate
		shown    bool // does Valtuudet show an organisation at all?
		officer  bool
	}{
		{"the whole chain", []double.Mandate{outiOfTampere, tampereOfKeha}, true, true},
		{"no mandate from the granting body", []double.Mandate{outiOfTampere}, false, false},
		{"no mandate to represent", []double.Mandate{tampereOfKeha}, false, false},
		{"a right to give mandates is not enough", []double.Mandate{kind(outiOfTampere, double.Granting), tampereOfKeha}, false, false},
		{"a representative's right to give mandates is not enough", []double.Mandate{kind(outiOfTampere, double.RepGranting), tampereOfKeha}, false, false},
		{"another authority's mandate from the granting body", []double.Mandate{outiOfTampere, vaasaOfKeha}, false, false},
		{"in another matter", []double.Mandate{matter(outiOfTampere, events), matter(tampereOfKeha, events)}, true, false},
		{"a managing director of the authority", []double.Mandate{{Kind: double.Role, From: double.Company(tampere), To: double.Person(outi), Matter: "TJ"}, tampereOfKeha}, true, false},
		{"two authorities", []double.Mandate{outiOfTampere, tampereOfKeha, outiOfVaasa, vaasaOfKeha}, true, true},
	} {
		for _, shows := range []mandate.Shows{mandate.ShowsPrincipal, mandate.ShowsAuthority} {
			t.Run(tt.name+", shown the "+string(shows), func(t *testing.T) {
				s := newSite(t, func(c *mandate.Config, d *double.Config) {
					c.OfficerShows, d.Shows = shows, double.Shows(shows)
				})
				s.Double.End(outiOfTampere)
				s.Double.End(tampereOfKeha)
				for _, m := range tt.mandates {
					s.Double.Add(m)
				}
				address, memo := s.begin(outi, mandate.AsOfficer)
				form, offered, _ := s.open(address)
				if len(offered) == 0 {
					if tt.shown {
						t.Fatal("no organisation is shown")
					}
					return
				}
				if !tt.shown {
					t.Fatalf("%v are shown", offered)
				}
				name, other := "Tampereen kaupunki", "Vaasan kaupunki"
				if offered[name] == "" {
					name = "Valtuuksien antaja"
				}
				form.Set("action", "choose")
				form.Set("choice", offered[name])
				g, memo, err := s.Finish(t.Context(), memo, s.post(form))
				if err != nil {
					t.Fatal(err)
				}
				if (len(g.Chains) == 1) != tt.officer || slices.Contains(names(g.Principals), other) {
					t.Fatalf("chains %+v", g.Chains)
				}
				if !tt.officer {
					return
				}
				want := mandate.Chain{Principal: keha, Matter: handling, Representation: mandate.Implied, Transaction: mandate.Named}
				if shows == mandate.ShowsAuthority {
					want = mandate.Chain{Authority: tampere, AuthorityName: "Tampereen kaupunki", Principal: keha, Matter: handling, Representation: mandate.Named, Transaction: mandate.Implied}
				}
				if g.Chains[0] != want || len(g.Principals) != 0 {
					t.Errorf("the chain is %+v; want %+v", g.Chains[0], want)
				}
				c, _ := s.check(memo, mandate.Still)
				if c.Of(g.Chains[0].Party()) != mandate.Still {
					t.Error("the chain does not hold")
				}
			})
		}
	}
}

// TestAChainThatEnds: whichever link ends, the next check ends the right.
func TestAChainThatEnds(t *testing.T) {
	for name, link := range map[string]double.Mandate{"person → authority": outiOfTampere, "authority → granting body": tampereOfKeha} {
		for _, shows := range []mandate.Shows{mandate.ShowsPrincipal, mandate.ShowsAuthority} {
			t.Run(name+", shown the "+string(shows), func(t *testing.T) {
				s := newSite(t, func(c *mandate.Config, d *double.Config) {
					c.OfficerShows, d.Shows = shows, double.Shows(shows)
				})
				g, memo := s.act(outi, mandate.AsOfficer, map[mandate.Shows]string{mandate.ShowsPrincipal: "Valtuuksien antaja", mandate.ShowsAuthority: "Tampereen kaupunki"}[shows])
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

// TestWhatTheAnswerDoesNotName: a hub that expects the granting body is not
// content with the authority, and one that expects the authority needs it named.
func TestWhatTheAnswerDoesNotName(t *testing.T) {
	for shows, other := range map[mandate.Shows]double.Shows{mandate.ShowsPrincipal: double.Authority, mandate.ShowsAuthority: double.Principal} {
		s := newSite(t, func(c *mandate.Config, d *double.Config) { c.OfficerShows, d.Shows = shows, other })
		g, _ := s.act(outi, mandate.AsOfficer, map[double.Shows]string{double.Principal: "Valtuuksien antaja", double.Authority: "Tampereen kaupunki"}[other])
		if len(g.Chains) != 0 {
			t.Errorf("expecting %s: %+v", shows, g.Chains)
		}
	}
}

func TestAMandateThatEndsByItself(t *testing.T) {
	s := newSite(t)
	s.Double.End(eventsOfKahvila)
	m := eventsOfKahvila
	m.Until = s.clock.Now().Add(5 * time.Minute)
	s.Double.Add(m)
	_, memo := s.act(matti, mandate.ForCompany, "Kahvila Kulma & Kumpp. Ky")
	s.clock.Move(5*time.Minute - time.Second)
	_, memo = s.check(memo, mandate.Still)
	s.clock.Move(time.Second)
	_, memo = s.check(memo, mandate.Ended)
	s.Double.Add(eventsOfKahvila)
	s.check(memo, mandate.Still)
}

func TestRegistersThatCannotBeRead(t *testing.T) {
	bothWays(t, func(t *testing.T, s *site) {
		_, before := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
		s.Switch(func(sw *double.Switches) { sw.Incomplete = true })
		g, _ := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
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
	address, begun := s.begin(linnea, mandate.ForCompany)
	callback := s.choose(address, "Vasa Sol Ab")
	_, memo := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
	s.Switch(func(sw *double.Switches) { sw.Down = true })

	_, _, err := s.Begin(t.Context(), mandate.Beginning{Person: linnea, Mode: mandate.ForCompany, State: "s"})
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

func wantRefusal(t *testing.T, what string, err error, want identity.Why) {
	t.Helper()
	refusal, ok := errors.AsType[*identity.Refusal](err)
	if !ok || refusal.Why != want {
		t.Errorf("%s: %v; want it refused as %s", what, err, want)
	}
}

func TestTokensAreRenewed(t *testing.T) {
	s := newSite(t)
	_, memo := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
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
			_, memo := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
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
	_, memo := s.act(matti, mandate.ForPerson, "Aino Virtanen")
	s.clock.Move(2 * time.Hour)
	_, memo = s.check(memo, mandate.Still)
	s.Double.End(eventsOfAino)
	s.check(memo, mandate.Ended)
}

func TestAChoiceThatIsNotMade(t *testing.T) {
	s := newSite(t)
	address, memo := s.begin(linnea, mandate.ForCompany)
	form, _, _ := s.open(address)
	form.Set("action", "cancel")
	_, _, err := s.Finish(t.Context(), memo, s.post(form))
	wantRefusal(t, "cancelled on the page", err, identity.Cancelled)

	s.Switch(func(sw *double.Switches) { sw.Cancel = true })
	res, err := s.browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	to, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Finish(t.Context(), memo, to.Query())
	wantRefusal(t, "cancelled at once", err, identity.Cancelled)
}

// TestCallbacks: what the browser may bring, and what it comes to.
func TestCallbacks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		query string
		why   identity.Why
	}{
		{"nothing", "", identity.Cancelled},
		{"a state only", "state=state", identity.Cancelled},
		{"an empty code", "code=&state=state", identity.Cancelled},
		{"access denied", "error=access_denied&state=state", identity.Cancelled},
		{"access denied, without a state", "error=access_denied", identity.Cancelled},
		{"another word for it", "error=user_cancelled", identity.Cancelled},
		{"a server error", "error=server_error&state=state", identity.NotThere},
		{"busy", "error=temporarily_unavailable", identity.NotThere},
		{"the hub's request was wrong", "error=invalid_request", identity.NotValid},
		{"a code without a state", "code=CODE", identity.NotValid},
		{"another's state", "code=CODE&state=stat", identity.NotValid},
		{"two states", "code=CODE&state=state&state=state", identity.NotValid},
		{"two codes", "code=CODE&code=CODE&state=state", identity.NotValid},
		{"a code and an error", "code=CODE&error=access_denied&state=state", identity.NotValid},
		{"a huge code", "code=" + strings.Repeat("x", 600) + "&state=state", identity.NotValid},
		{"an invented code", "code=CODE&state=state", identity.TooOld},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			_, memo := s.begin(linnea, mandate.ForCompany)
			q, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			g, after, err := s.Finish(t.Context(), memo, q)
			wantRefusal(t, tt.query, err, tt.why)
			if len(g.Principals) != 0 || after != nil {
				t.Errorf("granted %+v", g)
			}
		})
	}
}

func TestACodeIsTradedOnce(t *testing.T) {
	s := newSite(t)
	address, begun := s.begin(linnea, mandate.ForCompany)
	callback := s.choose(address, "Vasa Sol Ab")
	_, memo, err := s.Finish(t.Context(), begun, callback)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Finish(t.Context(), begun, callback)
	wantRefusal(t, "a replayed code", err, identity.TooOld)
	_, _, err = s.Finish(t.Context(), memo, callback)
	wantRefusal(t, "a finished memo", err, identity.TooOld)
}

func TestAnothersCode(t *testing.T) {
	s := newSite(t)
	address, _ := s.begin(matti, mandate.ForCompany)
	_, memo := s.begin(linnea, mandate.ForCompany)
	stolen := s.choose(address, "Kahvila Kulma & Kumpp. Ky")
	g, _, err := s.Finish(t.Context(), memo, stolen) // the states are equal in this test, the sessions are not
	wantRefusal(t, "a code of another session", err, identity.TooOld)
	if len(g.Principals) != 0 {
		t.Errorf("granted %+v", g)
	}
}

func TestAChoiceThatTakesTooLong(t *testing.T) {
	s := newSite(t)
	address, memo := s.begin(linnea, mandate.ForCompany)
	s.clock.Move(29 * time.Minute)
	callback := s.choose(address, "Vasa Sol Ab")
	s.clock.Move(2 * time.Minute)
	_, _, err := s.Finish(t.Context(), memo, callback)
	wantRefusal(t, "after half an hour", err, identity.TooOld)
}

func TestSomebodyWhomValtuudetDoesNotKnow(t *testing.T) {
	s := newSite(t)
	_, _, err := s.Begin(t.Context(), mandate.Beginning{Person: person("121212A", 950), Mode: mandate.ForPerson, State: "s"})
	wantRefusal(t, "unknown", err, identity.NoMandate)
}

func TestBeginnings(t *testing.T) {
	s := newSite(t, func(c *mandate.Config, _ *double.Config) { c.OfficerMatter, c.OfficerPrincipal = "", "" })
	for name, b := range map[string]mandate.Beginning{
		"no person":                    {Mode: mandate.ForPerson, State: "s"},
		"no state":                     {Person: aino, Mode: mandate.ForPerson},
		"no mode":                      {Person: aino, State: "s"},
		"officers are not set up here": {Person: aino, Mode: mandate.AsOfficer, State: "s"},
	} {
		if _, _, err := s.Begin(t.Context(), b); err == nil {
			t.Errorf("%s: it begins", name)
		}
	}
}

func TestMemosAreSealed(t *testing.T) {
	s := newSite(t)
	_, begun := s.begin(linnea, mandate.ForCompany)
	_, memo := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
	for _, m := range [][]byte{begun, memo} {
		if strings.Contains(string(m), linnea.Reveal()) || strings.Contains(string(m), "state") {
			t.Errorf("a memo is open: %s", m)
		}
	}
	if _, _, err := s.Refresh(t.Context(), begun); err == nil {
		t.Error("an unfinished choice is refreshed")
	}
	for name, m := range map[string][]byte{"changed": append(slices.Clone(memo), 'A'), "empty": nil, "another's": []byte("k1.AAAA")} {
		if _, _, err := s.Refresh(t.Context(), m); !errors.Is(err, pic.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := s.Finish(t.Context(), m, url.Values{}); !errors.Is(err, pic.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
