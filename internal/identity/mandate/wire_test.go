package mandate_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/testkit"
)

// A recorder writes down what goes over the wire, both ways. Clock, ids and keys
// stand still in tests, so even the checksums are the same each time.
type recorder struct {
	http.Handler
	wire strings.Builder
}

// said are the headers that mean something to either side.
var said = []string{"Accept", "Authorization", "Content-Type", "X-AsiointivaltuudetAuthorization", "X-userId", "X-RoVa-ErrorMessage-Included", "WWW-Authenticate", "Location"}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	fmt.Fprintf(&rec.wire, "> %s %s\n", r.Method, r.RequestURI)
	rec.headers(">", r.Header)
	rec.body(">", body)

	answer := httptest.NewRecorder()
	rec.Handler.ServeHTTP(answer, r)
	fmt.Fprintf(&rec.wire, "< %d\n", answer.Code)
	rec.headers("<", answer.Header())
	rec.body("<", answer.Body.Bytes())
	rec.wire.WriteString("\n")

	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (rec *recorder) headers(side string, h http.Header) {
	for _, name := range said {
		if v := h.Get(name); v != "" {
			fmt.Fprintf(&rec.wire, "%s %s: %s\n", side, name, v)
		}
	}
}

// body writes a body; of a page only that it is one, of a token what is in it but
// the signature, which the key of the day makes.
func (rec *recorder) body(side string, body []byte) {
	text := strings.TrimSpace(string(body))
	switch parts := strings.Split(text, "."); {
	case text == "":
		return
	case strings.HasPrefix(strings.ToLower(text), "<!doctype html>"):
		text = "(a page)"
	case len(parts) == 3 && strings.HasPrefix(text, "eyJ"):
		text = decoded(parts[0]) + " . " + decoded(parts[1]) + " . (signature)"
	}
	fmt.Fprintf(&rec.wire, "%s\n%s %s\n", side, side, text)
}

func decoded(part string) string {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil || !json.Valid(b) {
		return "(no JSON)"
	}
	return string(b)
}

// TestWire holds the wire format, both sides of it, in files that a review reads.
func TestWire(t *testing.T) {
	for _, tt := range []struct {
		name   string
		signed bool
		play   func(t *testing.T, s *site)
	}{
		{"company", false, func(t *testing.T, s *site) {
			_, memo := s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
			_, memo = s.check(memo, mandate.Still)
			s.clock.Move(11 * 60e9)
			_, memo = s.check(memo, mandate.Still)
			if err := s.end(memo); err != nil {
				t.Error(err)
			}
			s.check(memo, mandate.Lapsed)
		}},
		{"person", false, func(t *testing.T, s *site) {
			s.act(matti, mandate.ForPerson, "Aino Virtanen", "Linnéa Ström")
			c := s.Flow.Client
			session, token := s.session(matti, mandate.HPA, "Aino Virtanen")
			if _, err := c.AuthorizationList(t.Context(), session, token, matti, aino); err != nil {
				t.Error(err)
			}
			if _, err := c.Check(t.Context(), matti, aino, session.Request, events); err != nil {
				t.Error(err)
			}
			transfer, err := c.TransferToken(t.Context(), session)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.RegisterTransfer(t.Context(), mandate.HPA, transfer, matti, session.Request, "person-7"); err != nil {
				t.Error(err)
			}
		}},
		{"officer", false, func(_ *testing.T, s *site) {
			_, memo := s.act(outi, mandate.AsOfficer, "Valtuuksien antaja")
			s.Double.End(tampereOfKeha)
			s.check(memo, mandate.Ended)
		}},
		{"signed", true, func(t *testing.T, s *site) {
			s.act(linnea, mandate.ForCompany, "Vasa Sol Ab")
			s.act(matti, mandate.ForPerson, "Aino Virtanen")
			c := s.Flow.Client
			session, token := s.session(matti, mandate.HPA, "Aino Virtanen")
			if _, err := c.AuthorizationList(t.Context(), session, token, matti, aino); err != nil {
				t.Error(err)
			}
		}},
		{"refused", false, func(t *testing.T, s *site) {
			_, _, err := s.Begin(t.Context(), mandate.Beginning{Person: person("121212A", 950), Mode: mandate.ForPerson, State: "state"})
			wantRefusal(t, "somebody unknown", err, "no_mandate")
			address, memo := s.begin(linnea, mandate.ForCompany)
			callback := s.choose(address, "Vasa Sol Ab")
			if _, _, err := s.Finish(t.Context(), memo, callback); err != nil {
				t.Fatal(err)
			}
			_, _, err = s.Finish(t.Context(), memo, callback)
			wantRefusal(t, "a replayed code", err, "too_old")
			s.Switch(func(sw *double.Switches) { sw.Cancel = true })
			if res, err := s.browser.Get(address); err != nil {
				t.Error(err)
			} else {
				_ = res.Body.Close()
			}
			s.Switch(func(sw *double.Switches) { sw.Down = true })
			_, _, err = s.Begin(t.Context(), mandate.Beginning{Person: linnea, Mode: mandate.ForCompany, State: "state"})
			wantRefusal(t, "down", err, "not_there")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, func(c *mandate.Config, d *double.Config) { c.Signed, c.RESTKey = tt.signed, d.RESTKey })
			rec := &recorder{Handler: s.Double}
			s.server = httptest.NewServer(rec)
			t.Cleanup(s.server.Close)
			s.config.BaseURL = s.server.URL
			flow, err := mandate.New(s.config)
			if err != nil {
				t.Fatal(err)
			}
			s.Flow = flow
			tt.play(t, s)
			testkit.Golden(t, "wire_"+tt.name+".golden", rec.wire.String())
		})
	}
}
