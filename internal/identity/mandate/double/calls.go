package double

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"luvat/internal/identity/pic"
)

// A session is a person's, in one of the two interfaces.
type session struct {
	id, user, mode string
	person         pic.Code
	until          time.Time
	chosen         []Party
}

// A code is what the browser takes back to the service.
type code struct {
	session  *session
	redirect string
	until    time.Time
}

// A token lets the service ask about a session.
type token struct {
	session *session
	until   time.Time
}

// routes lists what the server answers to.
func (d *Double) routes() {
	for pattern, h := range map[string]http.HandlerFunc{
		"/service/{mode}/user/register/{client}/{person}":                     d.keyed(d.register),
		"/service/{mode}/user/register/transfer/{transfer}/{client}/{person}": d.keyed(d.registerTransfer),
		"/service/{mode}/user/unregister/{session}":                           d.keyed(d.unregister),
		"/service/{mode}/user/transfer/token/{session}":                       d.keyed(d.transferToken),

		"/service/hpa/api/delegate/{session}":                          d.asked("hpa", d.delegate),
		"/service/hpa/api/authorization/{session}/{principal}":         d.asked("hpa", d.authorization),
		"/service/hpa/api/authorization/jwt/{session}/{principal}":     d.asked("hpa", d.authorizationSigned),
		"/service/hpa/api/authorizationlist/{session}/{principal}":     d.asked("hpa", d.authorizationList),
		"/service/hpa/api/authorizationlist/jwt/{session}/{principal}": d.asked("hpa", d.authorizationListSigned),
		"/service/ypa/api/organizationRoles/{session}":                 d.asked("ypa", d.roles),
		"/service/ypa/api/organizationRoles/{session}/{org}":           d.asked("ypa", d.roles),
		"/service/ypa/api/organizationRoles/jwt/{session}":             d.asked("ypa", d.rolesSigned),
		"/service/ypa/api/organizationRoles/jwt/{session}/{org}":       d.asked("ypa", d.rolesSigned),
		"/service/ypa/api/organizationRoles/session/jwt/{session}":     d.asked("ypa", d.sessionSigned),
		"/service/ypa/jwt/api/organizationRoles/{jwt}/{$}":             d.asked("ypa", d.roles),

		"/service/rest/hpa/authorization/{client}/{person}/{principal}": d.rest,
		"/oauth/authorize": d.choose,
		"/double.css":      d.style,
	} {
		d.mux.HandleFunc("GET "+pattern, h)
	}
	d.mux.HandleFunc("POST /oauth/authorize", d.chosen)
	d.mux.HandleFunc("POST /oauth/token", d.token)
}

// Error codes of the server's own.
const (
	missingParameter = 101
	unknownService   = 102
	unknownUser      = 104
	notAuthorised    = 106
	wrongRedirect    = 110
	otherError       = 199
)

// fail writes an error as the server writes its own. Which status goes with which
// code is not settled; the real one sends some codes with 500.
func fail(w http.ResponseWriter, r *http.Request, status, code int, message string) {
	w.Header().Set("X-RoVa-ErrorMessage-Included", "true")
	writeJSON(w, status, struct {
		ReqID        string `json:"ReqID"`
		ErrorMessage string `json:"errorMessage"`
		ErrorCode    int    `json:"errorCode"`
	}{r.URL.Query().Get("requestId"), message, code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// checked verifies the checksum: the client's id, a time within five minutes, and
// the MAC of the path and query, byte for byte as they came, and the time.
func (d *Double) checked(r *http.Request, key string) bool {
	parts := strings.Split(r.Header.Get("X-AsiointivaltuudetAuthorization"), " ")
	if len(parts) != 3 || parts[0] != d.ClientID || key == "" {
		return false
	}
	at, err := readTime(parts[1])
	if off := d.Now().Sub(at); err != nil || off > skew || off < -skew {
		return false
	}
	sent, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(r.RequestURI + " " + parts[1])) // never fails
	return err == nil && hmac.Equal(sent, mac.Sum(nil))
}

// readTime reads a time with or without seconds: the documentation's own example
// has none.
func readTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Parse("2006-01-02T15:04Z07:00", s)
	}
	return t, nil
}

// keyed guards a call that the API key alone opens.
func (d *Double) keyed(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !d.checked(r, d.APIKey) {
			fail(w, r, http.StatusUnauthorized, otherError, "HTTP 401 Unauthorized")
			return
		}
		if mode := r.PathValue("mode"); mode != "hpa" && mode != "ypa" {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	}
}

// asked guards a question about a session: besides the key it needs the session's
// own token.
func (d *Double) asked(mode string, h func(w http.ResponseWriter, r *http.Request, s *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !d.checked(r, d.APIKey) {
			fail(w, r, http.StatusUnauthorized, otherError, "HTTP 401 Unauthorized")
			return
		}
		id := r.PathValue("session")
		if signed := r.PathValue("jwt"); signed != "" {
			id = d.sessionOf(signed)
		}
		s := d.live(id, mode)
		access, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if s == nil || !bearer || !d.opens(access, s) {
			fail(w, r, http.StatusUnauthorized, otherError, "HTTP 401 Unauthorized")
			return
		}
		if r.URL.Query().Get("requestId") == "" {
			fail(w, r, http.StatusBadRequest, missingParameter, "MISSING_PARAMETER")
			return
		}
		h(w, r, s)
	}
}

// live returns a session that is not over, or nil.
func (d *Double) live(id, mode string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sessions[id]
	if s == nil || d.switches.Expired || s.mode != mode || !d.Now().Before(s.until) {
		return nil
	}
	return s
}

func (d *Double) opens(access string, s *session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.tokens[access]
	return ok && t.session == s && d.Now().Before(t.until)
}

func (d *Double) register(w http.ResponseWriter, r *http.Request) { d.open(w, r, nil) }

// open makes a session, with what was chosen in another where there is one.
func (d *Double) open(w http.ResponseWriter, r *http.Request, chosen []Party) {
	person, err := pic.Parse(r.PathValue("person"))
	_, known := d.known(Person(person))
	switch {
	case r.PathValue("client") != d.ClientID:
		fail(w, r, http.StatusForbidden, unknownService, "MATCHING_SERVICE_NOT_FOUND")
		return
	case r.URL.Query().Get("requestId") == "":
		fail(w, r, http.StatusBadRequest, missingParameter, "MISSING_PARAMETER")
		return
	case err != nil || !known:
		fail(w, r, http.StatusForbidden, unknownUser, "USER_UNKNOWN")
		return
	}
	s := &session{id: d.newID(), user: d.newID(), mode: r.PathValue("mode"), person: person, until: d.Now().Add(sessionLife), chosen: chosen}
	d.mu.Lock()
	d.sweep()
	d.sessions[s.id] = s
	d.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]string{"sessionId": s.id, "userId": s.user})
}

// sweep forgets what is over. The caller holds the lock.
func (d *Double) sweep() {
	now := d.Now()
	for id, s := range d.sessions {
		if !now.Before(s.until) {
			d.forget(id, s)
		}
	}
	for id, c := range d.codes {
		if !now.Before(c.until) {
			delete(d.codes, id)
		}
	}
}

// forget ends a session and all that it gave out. The caller holds the lock.
func (d *Double) forget(id string, s *session) {
	delete(d.sessions, id)
	for k, t := range d.tokens {
		if t.session == s {
			delete(d.tokens, k)
		}
	}
	for k, other := range d.refresh {
		if other == s {
			delete(d.refresh, k)
		}
	}
	for k, c := range d.codes {
		if c.session == s {
			delete(d.codes, k)
		}
	}
	for k, other := range d.transfer {
		if other == s {
			delete(d.transfer, k)
		}
	}
}

func (d *Double) unregister(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("session")
	s := d.live(id, r.PathValue("mode"))
	if s == nil {
		fail(w, r, http.StatusUnauthorized, otherError, "HTTP 401 Unauthorized")
		return
	}
	d.mu.Lock()
	d.forget(id, s)
	d.mu.Unlock()
	writeJSON(w, http.StatusOK, true)
}

// transferToken gives a token that opens one session elsewhere with what was
// chosen here.
func (d *Double) transferToken(w http.ResponseWriter, r *http.Request) {
	s := d.live(r.PathValue("session"), r.PathValue("mode"))
	if s == nil {
		fail(w, r, http.StatusUnauthorized, otherError, "HTTP 401 Unauthorized")
		return
	}
	id := d.newID()
	d.mu.Lock()
	d.transfer[id] = s
	d.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(id))
}

func (d *Double) registerTransfer(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("transfer")
	d.mu.Lock()
	s := d.transfer[id]
	delete(d.transfer, id)
	d.mu.Unlock()
	if s == nil || s.mode != r.PathValue("mode") || s.person.Reveal() != r.PathValue("person") {
		fail(w, r, http.StatusForbidden, notAuthorised, "NOT_AUTHORIZED")
		return
	}
	d.open(w, r, d.chosenIn(s))
}

// chosenIn lists whom the person has chosen.
func (d *Double) chosenIn(s *session) []Party {
	d.mu.Lock()
	defer d.mu.Unlock()
	return s.chosen
}

func (d *Double) delegate(w http.ResponseWriter, _ *http.Request, s *session) {
	type principal struct {
		PersonID string `json:"personId"`
		Name     string `json:"name"`
	}
	all := []principal{}
	for _, p := range d.chosenIn(s) {
		name, _ := d.known(p)
		all = append(all, principal{p.Person.Reveal(), name})
	}
	writeJSON(w, http.StatusOK, all)
}

// principal returns the person whom a question is about: one who was chosen.
func (d *Double) principal(w http.ResponseWriter, r *http.Request, s *session) (pic.Code, bool) {
	p, err := pic.Parse(r.PathValue("principal"))
	if err != nil || !slices.Contains(d.chosenIn(s), Person(p)) {
		fail(w, r, http.StatusForbidden, notAuthorised, "NOT_AUTHORIZED")
		return pic.Code{}, false
	}
	return p, true
}

// decision is the answer of both authorization calls.
func (d *Double) decision(person, principal pic.Code, matters []string) any {
	result := "DISALLOWED"
	if d.allowed(person, principal, matters, d.Now()) {
		result = "ALLOWED"
	}
	return map[string]any{"result": result, "reasons": []string{}}
}

func (d *Double) authorization(w http.ResponseWriter, r *http.Request, s *session) {
	if p, ok := d.principal(w, r, s); ok {
		writeJSON(w, http.StatusOK, d.decision(s.person, p, r.URL.Query()["issues"]))
	}
}

func (d *Double) authorizationList(w http.ResponseWriter, r *http.Request, s *session) {
	if p, ok := d.principal(w, r, s); ok {
		writeJSON(w, http.StatusOK, map[string]any{"roles": d.matters(s.person, p, d.Now()), "reasons": []string{}})
	}
}

// rest answers without a session; it has a key of its own, and wants to know who
// asks.
func (d *Double) rest(w http.ResponseWriter, r *http.Request) {
	if !d.checked(r, d.RESTKey) {
		fail(w, r, http.StatusUnauthorized, otherError, "HTTP 401 Unauthorized")
		return
	}
	person, err := pic.Parse(r.PathValue("person"))
	principal, err2 := pic.Parse(r.PathValue("principal"))
	_, known := d.known(Person(person))
	switch {
	case r.PathValue("client") != d.ClientID:
		fail(w, r, http.StatusForbidden, unknownService, "MATCHING_SERVICE_NOT_FOUND")
	case r.URL.Query().Get("requestId") == "" || r.Header.Get("X-userId") == "":
		fail(w, r, http.StatusBadRequest, missingParameter, "MISSING_PARAMETER")
	case err != nil || err2 != nil || !known:
		fail(w, r, http.StatusForbidden, unknownUser, "USER_UNKNOWN")
	default:
		writeJSON(w, http.StatusOK, d.decision(person, principal, r.URL.Query()["issue"]))
	}
}

// organisationsOf lists the chosen organisations in which the person still is
// anything, or the one that was asked about.
func (d *Double) organisationsOf(r *http.Request, s *session) []organisation {
	all, chosen := d.organisations(s.person, d.Now(), d.Shows, d.on().Incomplete), d.chosenIn(s)
	return slices.DeleteFunc(all, func(o organisation) bool {
		only := r.PathValue("org")
		return !slices.Contains(chosen, Company(pic.BusinessID(o.Identifier))) || only != "" && only != o.Identifier
	})
}

func (d *Double) roles(w http.ResponseWriter, r *http.Request, s *session) {
	writeJSON(w, http.StatusOK, d.organisationsOf(r, s))
}
