package double_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity/mandate/double"
	"luvat/internal/identity/pic"
	"luvat/internal/testkit"
)

const (
	client = "abcd1234"
	key    = "exampleApiKey-not-a-real-one"
	back   = "https://luvat.example/acting/back"
	linnea = "150385-9013"
	matti  = "020470-902N"
	aino   = "241260-903S"
	sol    = pic.BusinessID("9100010-1")
	events = "http://valtuusrekisteri.suomi.fi/tapahtumaluvat"
)

func code(t testing.TB, s string) pic.Code {
	t.Helper()
	c, err := pic.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A site is a double that is spoken to by hand.
type site struct {
	*double.Double
	t     *testing.T
	clock *testkit.Clock
}

func newSite(t *testing.T) *site {
	t.Helper()
	clock, r := testkit.NewClock(), double.NewRegister()
	r.Name(double.Person(code(t, linnea)), "Linnéa Ström")
	r.Name(double.Person(code(t, matti)), "Matti <b>Korhonen</b>")
	r.Name(double.Person(code(t, aino)), "Aino Virtanen")
	r.Name(double.Company(sol), "Vasa Sol & Söner Ab")
	r.Add(double.Mandate{Kind: double.Role, From: double.Company(sol), To: double.Person(code(t, linnea)), Matter: "TJ"})
	r.Add(double.Mandate{Kind: double.Transaction, From: double.Person(code(t, matti)), To: double.Person(code(t, linnea)), Matter: events})
	r.Add(double.Mandate{Kind: double.Transaction, From: double.Person(code(t, aino)), To: double.Person(code(t, linnea)), Matter: events})
	d, err := double.New(double.Config{ClientID: client, APIKey: key, OAuthPassword: "pass", Redirects: []string{back}, Now: clock.Now, Random: rand.NewChaCha8([32]byte{1})}, r)
	if err != nil {
		t.Fatal(err)
	}
	return &site{d, t, clock}
}

// sum computes the checksum of a call.
func sum(id, key, path, at string) string {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(mac, path+" "+at)
	return id + " " + at + " " + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// do asks; header are names and values.
func (s *site) do(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// get asks with a good checksum.
func (s *site) get(path string, header ...string) *httptest.ResponseRecorder {
	return s.do(http.MethodGet, path, "", append(header, "X-AsiointivaltuudetAuthorization", sum(client, key, path, s.clock.Now().Format(time.RFC3339)))...)
}

func registerPath(mode, person string) string {
	return "/service/" + mode + "/user/register/" + client + "/" + person + "?requestId=r1"
}

// register opens a session.
func (s *site) register(mode, person string) (session, user string) {
	s.t.Helper()
	w := s.get(registerPath(mode, person))
	var answer struct{ SessionID, UserID string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("register: %d %s", w.Code, w.Body)
	}
	return answer.SessionID, answer.UserID
}

func authorizePath(user, lang string) string {
	return "/oauth/authorize?" + url.Values{"client_id": {client}, "response_type": {"code"}, "user": {user}, "state": {"st"}, "redirect_uri": {back}, "lang": {lang}}.Encode()
}

var (
	field  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	option = regexp.MustCompile(`name="choice" value="([^"]*)"`)
)

// form reads the page's form with its first choice.
func (s *site) form(user string) url.Values {
	s.t.Helper()
	page := s.do(http.MethodGet, authorizePath(user, "fi"), "").Body.String()
	form := url.Values{"action": {"choose"}}
	for _, m := range field.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	if m := option.FindStringSubmatch(page); m != nil {
		form.Set("choice", m[1])
	}
	return form
}

// code lets the person choose and returns the code.
func (s *site) code(user string) string {
	s.t.Helper()
	w := s.do(http.MethodPost, "/oauth/authorize", s.form(user).Encode())
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		s.t.Fatalf("choose: %d %s", w.Code, w.Header().Get("Location"))
	}
	return to.Query().Get("code")
}

var basic = []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(client+":pass"))}

func (s *site) trade(code string) *httptest.ResponseRecorder {
	return s.do(http.MethodPost, "/oauth/token", url.Values{"code": {code}, "grant_type": {"authorization_code"}, "redirect_uri": {back}}.Encode(), basic...)
}

// wantError wants an answer in the words of the server's own errors.
func wantError(t *testing.T, w *httptest.ResponseRecorder, status, number int) {
	t.Helper()
	var body struct {
		ReqID        *string `json:"ReqID"`
		ErrorMessage string  `json:"errorMessage"`
		ErrorCode    int     `json:"errorCode"`
	}
	err := json.Unmarshal(w.Body.Bytes(), &body)
	if w.Code != status || err != nil || body.ErrorCode != number || body.ReqID == nil || body.ErrorMessage == "" || w.Header().Get("X-RoVa-ErrorMessage-Included") != "true" {
		t.Errorf("%d %s; want %d and error code %d", w.Code, w.Body, status, number)
	}
}

// TestChecksum: the double takes the checksum of these very bytes and this hour,
// and no other.
func TestChecksum(t *testing.T) {
	path := registerPath("ypa", linnea)
	now := testkit.Start
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	for _, tt := range []struct {
		name, path, header string
		ok                 bool
	}{
		{"good", path, sum(client, key, path, at(0)), true},
		{"with an offset", path, sum(client, key, path, "2027-03-02T11:00:00+02:00"), true},
		{"without seconds, as the documentation has it", path, sum(client, key, path, "2027-03-02T11:00+02:00"), true},
		{"with thousandths", path, sum(client, key, path, "2027-03-02T09:00:00.123Z"), true},
		{"five minutes slow", path, sum(client, key, path, at(-5*time.Minute)), true},
		{"five minutes fast", path, sum(client, key, path, at(5*time.Minute)), true},
		{"six minutes slow", path, sum(client, key, path, at(-6*time.Minute)), false},
		{"six minutes fast", path, sum(client, key, path, at(6*time.Minute)), false},
		{"none", path, "", false},
		{"another key", path, sum(client, key+"x", path, at(0)), false},
		{"another client", path, sum("zzzz1234", key, path, at(0)), false},
		{"of another person", path, sum(client, key, registerPath("ypa", matti), at(0)), false},
		{"without the query", path, sum(client, key, strings.Split(path, "?")[0], at(0)), false},
		{"of another query", path + "&endUserId=x", sum(client, key, path, at(0)), false},
		{"of the same path, written otherwise", strings.Replace(path, "-", "%2D", 1), sum(client, key, path, at(0)), false},
		{"with the host", path, sum(client, key, "http://example.com"+path, at(0)), false},
		{"another time than was signed", path, strings.Replace(sum(client, key, path, at(0)), "09:00:00", "09:00:01", 1), false},
		{"a time that is none", path, sum(client, key, path, "today"), false},
		{"two spaces", path, strings.Replace(sum(client, key, path, at(0)), " ", "  ", 1), false},
		{"a fourth part", path, sum(client, key, path, at(0)) + " x", false},
		{"base64 of the web", path, sum(client, key, path, at(0))[:40] + "-_", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newSite(t).do(http.MethodGet, tt.path, "", "X-AsiointivaltuudetAuthorization", tt.header)
			if tt.ok {
				if w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				return
			}
			wantError(t, w, http.StatusUnauthorized, 199)
		})
	}
}

// TestTokens: who gets a token, by either form of the parameters.
func TestTokens(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ask    func(s *site, code string) *httptest.ResponseRecorder
		status int
		word   string
	}{
		{"in the body", func(s *site, c string) *httptest.ResponseRecorder { return s.trade(c) }, 200, ""},
		{"in the address", func(s *site, c string) *httptest.ResponseRecorder {
			return s.do(http.MethodPost, "/oauth/token?code="+c+"&grant_type=authorization_code&redirect_uri="+url.QueryEscape(back), "", basic...)
		}, 200, ""},
		{"twice", func(s *site, c string) *httptest.ResponseRecorder { s.trade(c); return s.trade(c) }, 400, "invalid_grant"},
		{"too late", func(s *site, c string) *httptest.ResponseRecorder { s.clock.Move(5 * time.Minute); return s.trade(c) }, 400, "invalid_grant"},
		{"an invented code", func(s *site, c string) *httptest.ResponseRecorder { return s.trade(c + "x") }, 400, "invalid_grant"},
		{"for another address", func(s *site, c string) *httptest.ResponseRecorder {
			return s.do(http.MethodPost, "/oauth/token", "code="+c+"&grant_type=authorization_code&redirect_uri=https://evil.example", basic...)
		}, 400, "invalid_grant"},
		{"after a try for another address", func(s *site, c string) *httptest.ResponseRecorder {
			s.do(http.MethodPost, "/oauth/token", "code="+c+"&grant_type=authorization_code&redirect_uri=https://evil.example", basic...)
			return s.trade(c)
		}, 400, "invalid_grant"},
		{"without a password", func(s *site, c string) *httptest.ResponseRecorder {
			return s.do(http.MethodPost, "/oauth/token", "code="+c+"&grant_type=authorization_code&redirect_uri="+back)
		}, 401, "invalid_client"},
		{"with a wrong password", func(s *site, c string) *httptest.ResponseRecorder {
			return s.do(http.MethodPost, "/oauth/token", "code="+c+"&grant_type=authorization_code&redirect_uri="+back, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(client+":pas")))
		}, 401, "invalid_client"},
		{"by a grant that is none", func(s *site, _ string) *httptest.ResponseRecorder {
			return s.do(http.MethodPost, "/oauth/token", "grant_type=password", basic...)
		}, 400, "unsupported_grant_type"},
		{"by an invented refresh token", func(s *site, _ string) *httptest.ResponseRecorder {
			return s.do(http.MethodPost, "/oauth/token", "grant_type=refresh_token&refresh_token=x", basic...)
		}, 400, "invalid_grant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			_, user := s.register("ypa", linnea)
			w := tt.ask(s, s.code(user))
			var answer map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != tt.status {
				t.Fatalf("%d %s; want %d", w.Code, w.Body, tt.status)
			}
			if tt.word != "" && answer["error"] != tt.word {
				t.Errorf("%s; want %s", w.Body, tt.word)
			}
			if tt.word == "" && (answer["token_type"] != "bearer" || answer["expires_in"] != 599.0 || answer["access_token"] == "" || answer["refresh_token"] == "") {
				t.Errorf("a token: %s", w.Body)
			}
		})
	}
}

func TestQuestionsNeedAToken(t *testing.T) {
	s := newSite(t)
	session, user := s.register("ypa", linnea)
	path := "/service/ypa/api/organizationRoles/" + session + "?requestId=r1"
	wantError(t, s.get(path), 401, 199)
	wantError(t, s.get(path, "Authorization", "Bearer x"), 401, 199)
	var token struct{ Access string }
	read := func() {
		var answer struct {
			Access string `json:"access_token"`
		}
		if err := json.Unmarshal(s.trade(s.code(user)).Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		token.Access = "Bearer " + answer.Access
	}
	read()
	if w := s.get(path, "Authorization", token.Access); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantError(t, s.do(http.MethodGet, path, "", "Authorization", token.Access), 401, 199) // no checksum
	wantError(t, s.get("/service/ypa/api/organizationRoles/"+session, "Authorization", token.Access), 400, 101)
	other, _ := s.register("ypa", linnea)
	wantError(t, s.get("/service/ypa/api/organizationRoles/"+other+"?requestId=r1", "Authorization", token.Access), 401, 199)
	wantError(t, s.get("/service/hpa/api/delegate/"+session+"?requestId=r1", "Authorization", token.Access), 401, 199)
	s.clock.Move(10 * time.Minute)
	wantError(t, s.get(path, "Authorization", token.Access), 401, 199)
	read()
	s.Switch(func(sw *double.Switches) { sw.Expired = true })
	wantError(t, s.get(path, "Authorization", token.Access), 401, 199)
	s.Switch(func(sw *double.Switches) { sw.Expired, sw.Down = false, true })
	if w := s.get(path, "Authorization", token.Access); w.Code != 503 || w.Header().Get("X-RoVa-ErrorMessage-Included") != "" {
		t.Errorf("down: %d %s", w.Code, w.Body)
	}
}

func TestRegisterRefuses(t *testing.T) {
	s := newSite(t)
	wantError(t, s.get(registerPath("ypa", "131313-9013")), 403, 104)
	wantError(t, s.get(registerPath("ypa", "131052-308T")), 403, 104)
	wantError(t, s.get("/service/ypa/user/register/zzzz1234/"+linnea+"?requestId=r1"), 403, 102)
	wantError(t, s.get("/service/ypa/user/register/"+client+"/"+linnea), 400, 101)
	if w := s.get(registerPath("xpa", linnea)); w.Code != 404 {
		t.Errorf("another mode: %d", w.Code)
	}
	w := s.do(http.MethodPost, registerPath("ypa", linnea), "")
	if w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestPage: the page in its languages, whole. It holds no personal code.
func TestPage(t *testing.T) {
	for _, mode := range []string{"ypa", "hpa"} {
		for _, l := range i18n.Langs {
			s := newSite(t)
			_, user := s.register(mode, linnea)
			w := s.do(http.MethodGet, authorizePath(user, string(l)), "")
			page := w.Body.String()
			testkit.Golden(t, fmt.Sprintf("page_%s_%s.html", mode, l), page)
			for _, secret := range []string{linnea, matti, aino, "<script", "style=", "<b>"} {
				if strings.Contains(page, secret) {
					t.Errorf("%s stands in the page", secret)
				}
			}
			csp := "default-src 'none'; style-src 'self'; form-action 'self' https://luvat.example; base-uri 'none'; frame-ancestors 'none'"
			if h := w.Header(); h.Get("Content-Security-Policy") != csp || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers %v", h)
			}
		}
	}
	if w := newSite(t).do(http.MethodGet, "/double.css", ""); w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("the style sheet: %d", w.Code)
	}
}

func TestPageWithNobodyOnIt(t *testing.T) {
	s := newSite(t)
	_, user := s.register("ypa", matti)
	page := s.do(http.MethodGet, authorizePath(user, "fi"), "").Body.String()
	if strings.Contains(page, "fieldset") || strings.Contains(page, `value="choose"`) || !strings.Contains(page, `value="cancel"`) {
		t.Errorf("there is somebody to choose: %s", page)
	}
}

// TestChoosing: what the form may say, and where the browser goes.
func TestChoosing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mode   string
		change func(url.Values)
		status int
		to     string // the beginning of where it is sent
	}{
		{"one", "ypa", func(url.Values) {}, 302, back + "?code="},
		{"cancel", "ypa", func(f url.Values) { f.Set("action", "cancel") }, 302, back + "?error=access_denied&state=st"},
		{"nothing", "ypa", func(f url.Values) { f.Del("choice") }, 422, ""},
		{"nobody", "hpa", func(f url.Values) { f.Del("choice") }, 422, ""},
		{"something that is not on the page", "ypa", func(f url.Values) { f.Set("choice", string(sol)) }, 422, ""},
		{"another address", "ypa", func(f url.Values) { f.Set("redirect_uri", "https://evil.example/") }, 400, ""},
		{"an address below", "ypa", func(f url.Values) { f.Set("redirect_uri", back+"/x") }, 400, ""},
		{"another client", "ypa", func(f url.Values) { f.Set("client_id", "zzzz1234") }, 400, ""},
		{"nobody's session", "ypa", func(f url.Values) { f.Set("user", "x") }, 401, ""},
		{"another kind of answer", "ypa", func(f url.Values) { f.Set("response_type", "token") }, 302, back + "?error=unsupported_response_type&state=st"},
		{"without a state", "ypa", func(f url.Values) { f.Del("state") }, 302, back + "?code="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			_, user := s.register(tt.mode, linnea)
			form := s.form(user)
			tt.change(form)
			w := s.do(http.MethodPost, "/oauth/authorize", form.Encode())
			if to := w.Header().Get("Location"); w.Code != tt.status || !strings.HasPrefix(to, tt.to) || tt.to == "" && to != "" {
				t.Errorf("%d %s; want %d %s", w.Code, to, tt.status, tt.to)
			}
			if tt.status == 422 && !strings.Contains(w.Body.String(), `aria-describedby="missing"`) {
				t.Errorf("the page does not say what is missing: %s", w.Body)
			}
		})
	}
}

func TestStart(t *testing.T) {
	s := newSite(t)
	for _, listen := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0", "nonsense"} {
		if server, err := double.Start(listen, s); err == nil {
			t.Errorf("it answers at %s", listen)
			_ = server.Close(t.Context())
		}
	}
	server, err := double.Start("127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(server.URL + "/double.css")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if err := server.Close(t.Context()); err != nil || res.StatusCode != 200 {
		t.Errorf("%d, %v", res.StatusCode, err)
	}
	if _, err := http.Get(server.URL); err == nil {
		t.Error("it answers after its end")
	}
}

func TestNewNeedsWhatIsAgreed(t *testing.T) {
	if _, err := double.New(double.Config{}, double.NewRegister()); err == nil {
		t.Error("a double of nothing")
	}
}

// TestAtOnce: many people at a time, while mandates come and go.
func TestAtOnce(t *testing.T) {
	s := newSite(t)
	m := double.Mandate{Kind: double.Transaction, From: double.Company(sol), To: double.Person(code(t, linnea)), Matter: events}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s.Add(m)
			s.get(registerPath("ypa", linnea))
			_, user := s.register("ypa", linnea)
			s.trade(s.code(user))
			s.Switch(func(sw *double.Switches) { sw.Incomplete = !sw.Incomplete })
			s.End(m)
		})
	}
	all.Wait()
}
