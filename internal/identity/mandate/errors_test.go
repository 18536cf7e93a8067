package mandate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"luvat/internal/identity/mandate"
	"luvat/internal/identity/mandate/double"
)

// TestErrors: what an answer comes to, at each stage. The words are what an
// operator reads.
func TestErrors(t *testing.T) {
	own := func(code int) string {
		return fmt.Sprintf(`{"ReqID":"2f0c5a0e-6d0a-4f3e-9a53-6f4f5d1c9a11","errorMessage":"%s is not known","errorCode":%d}`, linnea.Reveal(), code)
	}
	for _, tt := range []struct {
		name   string
		at     string
		status int
		body   string // with the header, if it begins with {"ReqID"
		kind   error
		text   string
	}{
		{"checksum or clock, at the register", "register", 401, own(199), mandate.ErrRefused, "valtuudet register: Valtuudet refuses the hub's request, HTTP 401, error code 199, request 2f0c5a0e-6d0a-4f3e-9a53-6f4f5d1c9a11"},
		{"a bare 403", "register", 403, "", mandate.ErrDenied, "valtuudet register: Valtuudet does not allow it, HTTP 403, request r1"},
		{"unknown user", "register", 403, own(104), mandate.ErrDenied, ""},
		{"codes count before the status", "register", 500, own(106), mandate.ErrDenied, "valtuudet register: Valtuudet does not allow it, HTTP 500, error code 106, request 2f0c5a0e-6d0a-4f3e-9a53-6f4f5d1c9a11"},
		{"unknown service", "register", 500, own(102), mandate.ErrRefused, ""},
		{"no rules for the hub", "register", 500, own(107), mandate.ErrRefused, ""},
		{"a wrong redirect", "register", 400, own(110), mandate.ErrRefused, ""},
		{"another error", "register", 500, own(199), mandate.ErrUnavailable, ""},
		{"a code without the header", "register", 500, `{"errorCode":106}`, mandate.ErrUnavailable, "valtuudet register: Valtuudet does not answer, HTTP 500, request r1"},
		{"busy", "register", 429, "", mandate.ErrUnavailable, ""},
		{"a gateway", "register", 502, "<html>", mandate.ErrUnavailable, ""},
		{"not there", "register", 404, "", mandate.ErrRefused, ""},
		{"no content", "register", 204, "", mandate.ErrAnswer, ""},
		{"a page and no JSON", "register", 200, "<html>" + linnea.Reveal(), mandate.ErrAnswer, "valtuudet register: the answer of Valtuudet is not valid: it is not the JSON that was expected, request r1"},
		{"no session", "register", 200, `{"userId":"u"}`, mandate.ErrAnswer, ""},
		{"a session that is a path", "register", 200, `{"userId":"u","sessionId":"../x"}`, mandate.ErrAnswer, ""},
		{"a session that is dots", "register", 200, `{"userId":"u","sessionId":".."}`, mandate.ErrAnswer, ""},
		{"too much", "register", 200, strings.Repeat(" ", 1<<20) + "{}", mandate.ErrAnswer, ""},

		{"the session is over", "roles", 401, own(199), mandate.ErrExpired, ""},
		{"a bare 403, within", "roles", 403, "", mandate.ErrDenied, ""},
		{"null", "roles", 200, "null", mandate.ErrAnswer, ""},
		{"an object", "roles", 200, "{}", mandate.ErrAnswer, ""},
		{"no business id", "roles", 200, `[{"name":"A","identifier":"1234567-8","complete":true,"roles":[]}]`, mandate.ErrAnswer, ""},
		{"no personal code", "delegate", 200, `[{"personId":"210281-9989","name":"A"}]`, mandate.ErrAnswer, ""},
		{"neither allowed nor disallowed", "authorization", 200, `{"result":"PERHAPS"}`, mandate.ErrAnswer, ""},
		{"allowed in small letters", "authorization", 200, `{"result":"allowed"}`, mandate.ErrAnswer, ""},
		{"not ended", "unregister", 200, `false`, mandate.ErrAnswer, ""},

		{"a used code", "token", 400, `{"error":"invalid_grant","error_description":"x"}`, mandate.ErrExpired, "valtuudet token: the session at Valtuudet is over: invalid_grant, HTTP 400, request r1"},
		{"a wrong password", "token", 401, `{"error":"invalid_client"}`, mandate.ErrRefused, "valtuudet token: Valtuudet refuses the hub's request: invalid_client, HTTP 401, request r1"},
		{"a word of its own", "token", 400, `{"error":"` + linnea.Reveal() + `"}`, mandate.ErrRefused, "valtuudet token: Valtuudet refuses the hub's request, HTTP 400, request r1"},
		{"no token", "token", 200, `{"token_type":"bearer"}`, mandate.ErrAnswer, ""},
		{"a token of another kind", "token", 200, `{"access_token":"x","token_type":"mac"}`, mandate.ErrAnswer, ""},
		{"a token with a line break", "token", 200, `{"access_token":"x\r\ny","token_type":"bearer"}`, mandate.ErrAnswer, ""},
	} {
		t.Run(tt.at+", "+tt.name, func(t *testing.T) {
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if strings.HasPrefix(tt.body, `{"ReqID"`) {
					w.Header().Set("X-RoVa-ErrorMessage-Included", "true")
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			err := call(t.Context(), c, tt.at)
			if !errors.Is(err, tt.kind) {
				t.Errorf("%v; want %v", err, tt.kind)
			}
			if tt.text != "" && err.Error() != tt.text {
				t.Errorf("it says %q; want %q", err, tt.text)
			}
			tight(t, err)
		})
	}
}

// client makes a client of a server of the test's own.
func client(t *testing.T, h http.Handler, change ...func(*mandate.Config)) *mandate.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	c := mandate.Config{BaseURL: s.URL, ClientID: "abcd1234", APIKey: "k", OAuthPassword: "p", RESTKey: "r", RedirectURL: back, Vault: vault(t)}
	for _, f := range change {
		f(&c)
	}
	made, err := mandate.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// call makes one of the calls for Linnéa.
func call(ctx context.Context, c *mandate.Client, name string) (err error) {
	s := mandate.Session{Interface: mandate.YPA, ID: "s1", User: "u1", Request: "r1"}
	tok := mandate.Token{Access: "SECRET-token", Refresh: "SECRET-refresh"}
	switch name {
	case "register":
		_, err = c.Register(ctx, mandate.YPA, linnea, "r1", "")
	case "register transfer":
		_, err = c.RegisterTransfer(ctx, mandate.YPA, "t1", linnea, "r1", "")
	case "token":
		_, err = c.Token(ctx, s, "SECRET-code")
	case "renew":
		_, err = c.Renew(ctx, s, tok)
	case "delegate":
		_, err = c.Delegators(ctx, s, tok)
	case "authorization":
		_, err = c.Authorization(ctx, s, tok, matti, linnea, events)
	case "authorization list":
		_, err = c.AuthorizationList(ctx, s, tok, matti, linnea)
	case "roles":
		_, err = c.Organisations(ctx, s, tok, linnea, "")
	case "session token":
		_, err = c.SessionToken(ctx, s, tok)
	case "roles by session token":
		_, err = c.OrganisationsBy(ctx, s, tok, "a.b.c")
	case "unregister":
		err = c.Unregister(ctx, s)
	case "transfer token":
		_, err = c.TransferToken(ctx, s)
	case "rest":
		_, err = c.Check(ctx, linnea, aino, "r1", events)
	default:
		panic(name)
	}
	return err
}

var calls = []string{"register", "register transfer", "token", "renew", "delegate", "authorization", "authorization list", "roles", "session token", "roles by session token", "unregister", "transfer token", "rest"}

// tight wants an error, in all its parts and in every way of writing it, to hold
// no personal code, no address and no secret.
func tight(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("it did not fail")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		t.Errorf("an error of net/http is inside: %v", u)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "err", err)
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", err)
	sound(t, fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err)+log.String())
}

// sound wants a text to hold nothing that it must not.
func sound(t *testing.T, text string) {
	t.Helper()
	for _, c := range []string{linnea.Reveal(), matti.Reveal(), aino.Reveal(), "/service/", "/oauth/", "SECRET", "Linnéa", "key of the", "password of"} {
		if strings.Contains(text, c) || strings.Contains(text, url.PathEscape(c)) {
			t.Errorf("%q stands in %s", c, text)
		}
	}
}

// catchLogs takes what the program logs, by either of the two ways.
func catchLogs(t *testing.T) *bytes.Buffer {
	t.Helper()
	var logged bytes.Buffer
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	})
	return &logged
}

// TestNothingGetsOut: however a call fails, what comes out names no one, and
// neither logs nor traces see the call.
func TestNothingGetsOut(t *testing.T) {
	logged := catchLogs(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobodyThere := "http://" + gone.Addr().String()
	_ = gone.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)

	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server sees the client go only after that
		<-r.Context().Done()
	})
	cut := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // answers with what it was asked, which is no HTTP
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = fmt.Fprintf(conn, "%s %s\r\n\r\n", r.RequestURI, linnea.Reveal())
			_ = conn.Close()
		}
	})
	short := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(linnea.Reveal()))
	})
	away := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example"+r.RequestURI, http.StatusFound)
	})
	at := func(base string) func(*mandate.Config) { return func(c *mandate.Config) { c.BaseURL = base } }
	for _, tt := range []struct {
		name   string
		server http.Handler
		change func(*mandate.Config)
		why    string
	}{
		{"nobody listens", nil, at(nobodyThere), "the connection was refused"},
		{"no such name", nil, at("https://valtuudet.invalid"), ""},
		{"a certificate of nobody", nil, at(secure.URL), "its certificate does not verify"},
		{"TLS that is none", nil, at(strings.Replace(nobodyThere, "http:", "https:", 1)), "the connection was refused"},
		{"it hangs", hang, func(c *mandate.Config) { c.Timeout = 50 * time.Millisecond }, "it took too long"},
		{"it answers with no HTTP", cut, nil, "the connection failed"},
		{"it breaks off", short, nil, "the connection failed"},
		{"it sends elsewhere", away, nil, "HTTP 302"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.server == nil {
				tt.server = http.NotFoundHandler()
			}
			if tt.change == nil {
				tt.change = func(*mandate.Config) {}
			}
			c := client(t, tt.server, tt.change)
			for _, name := range calls {
				traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					GetConn:          func(string) { t.Error("a trace sees the call") },
					WroteHeaderField: func(string, []string) { t.Error("a trace sees the call's header") },
				})
				err := call(traced, c, name)
				tight(t, err)
				if !strings.Contains(err.Error(), tt.why) {
					t.Errorf("%s says %v; want %s", name, err, tt.why)
				}
				if !errors.Is(err, mandate.ErrUnavailable) && tt.name != "it sends elsewhere" {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := client(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }))
		err := call(ctx, c, "register")
		tight(t, err)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, mandate.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
	sound(t, logged.String())
}

// TestWholeFlowsLogNothing: also where all goes well, and where it is refused.
func TestWholeFlowsLogNothing(t *testing.T) {
	logged := catchLogs(t)
	bothWays(t, func(t *testing.T, s *site) {
		g, memo := s.act(matti, mandate.ForPerson, "Aino Virtanen", "Linnéa Ström")
		c, _ := s.check(memo, mandate.Still)
		for _, v := range []any{s.config, &s.config, s.Flow.Client, g.Person, c.Now.Principals[0].Party} {
			sound(t, fmt.Sprintf("%v %+v %s", v, v, v))
		}
		s.Switch(func(sw *double.Switches) { sw.Down = true })
		c, _ = s.check(memo, mandate.Unknown)
		tight(t, c.Cause)
	})
	if logged.Len() > 0 {
		t.Errorf("logged: %s", logged)
	}
}

func TestATransportThatCouldSee(t *testing.T) {
	s := newSite(t)
	for name, rt := range map[string]http.RoundTripper{"tracing": tracing{}, "a pointer to it": &tracing{}} {
		c := s.config
		c.HTTP = &http.Client{Transport: rt}
		if _, err := mandate.New(c); err == nil || !strings.Contains(err.Error(), "HTTP: must have a plain *http.Transport") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := s.config
	c.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13}}}
	if _, err := mandate.New(c); err != nil {
		t.Error(err)
	}
}

type tracing struct{}

func (tracing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("traced") }
