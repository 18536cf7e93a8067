package mandate

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity/pic"
)

// An Interface is one of the two halves of the Web API.
type Interface string

// The interfaces.
const (
	HPA Interface = "hpa" // a person acts for a person
	YPA Interface = "ypa" // a person acts for an organisation
)

// A Session is a person's session at Valtuudet. It is secret.
type Session struct {
	Interface Interface `json:"interface"`
	ID        string    `json:"id"`
	User      string    `json:"user"`               // names the session in the browser's address
	Request   string    `json:"request"`            // the id that all its calls bear
	EndUser   string    `json:"end_user,omitempty"` // as whom the hub knows the person; no personal code
}

// A Token lets the hub ask about a session. It is secret.
type Token struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitempty"`
	Until   time.Time `json:"until"`
}

// A Delegator is a person whom the person has chosen to act for.
type Delegator struct {
	Code pic.Code
	Name string
}

// An Organisation is one that the person has chosen, and what the person is and
// may in it: roles of registers and URIs of matters. When it is not Complete, not
// all registers could be read: what is missing may be there.
type Organisation struct {
	ID       pic.BusinessID
	Name     string
	Complete bool
	Roles    []string
}

// A Reason is a rule that decided.
type Reason struct {
	Rule      string `json:"reasonRule"`
	Value     string `json:"reasonValue"`
	ValueType string `json:"valueType"`
}

// An Authorization says whether a person may act for another.
type Authorization struct {
	Allowed bool
	Reasons []Reason
}

// Register opens a session for a person. Before it can be asked about anything
// the person must choose: see AuthorizeURL.
func (c *Client) Register(ctx context.Context, i Interface, person pic.Code, request, endUser string) (Session, error) {
	return c.register(ctx, "register", i, path("/service/"+string(i)+"/user/register", c.ClientID, person.Reveal()), request, endUser)
}

// RegisterTransfer opens a session with what the person chose in another service,
// which gave the hub the token of the transfer.
func (c *Client) RegisterTransfer(ctx context.Context, i Interface, token string, person pic.Code, request, endUser string) (Session, error) {
	return c.register(ctx, "register transfer", i, path("/service/"+string(i)+"/user/register/transfer", token, c.ClientID, person.Reveal()), request, endUser)
}

func (c *Client) register(ctx context.Context, name string, i Interface, path, request, endUser string) (Session, error) {
	s := Session{Interface: i, Request: request, EndUser: endUser}
	k := call{name: name, at: opening, path: path + s.query(), key: c.APIKey, request: request}
	var answer struct {
		SessionID string `json:"sessionId"`
		UserID    string `json:"userId"`
	}
	if err := c.ask(ctx, k, &answer); err != nil {
		return Session{}, err
	}
	if !opaque.MatchString(answer.SessionID) || !opaque.MatchString(answer.UserID) {
		return Session{}, k.broken("it names no session or no user")
	}
	s.ID, s.User = answer.SessionID, answer.UserID
	return s, nil
}

// opaque is what ids of sessions and users may look like: nothing that would mean
// something in a path.
var opaque = regexp.MustCompile(`^[0-9A-Za-z_~-][0-9A-Za-z._~-]{0,199}$`)

// AuthorizeURL returns where the browser goes for the person to choose.
func (c *Client) AuthorizeURL(s Session, state string, lang i18n.Lang) string {
	var q query
	q.add("client_id", c.ClientID).add("response_type", "code").add("requestId", s.Request).add("user", s.User).
		add("scope", "read").add("state", state).add("redirect_uri", c.RedirectURL).add("lang", cmp.Or(string(lang), string(i18n.FI)))
	return c.BaseURL + "/oauth/authorize" + q.String()
}

// Token trades the code that the browser brought for a token. A code can be
// traded once.
func (c *Client) Token(ctx context.Context, s Session, code string) (Token, error) {
	return c.pay(ctx, s, "token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.RedirectURL}})
}

// Renew trades an old token for a new one. That Valtuudet does this is not
// settled: it gives refresh tokens, and no public client of its own uses them.
func (c *Client) Renew(ctx context.Context, s Session, t Token) (Token, error) {
	fresh, err := c.pay(ctx, s, "renew", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}})
	if err == nil && fresh.Refresh == "" {
		fresh.Refresh = t.Refresh
	}
	return fresh, err
}

func (c *Client) pay(ctx context.Context, s Session, name string, form url.Values) (Token, error) {
	// The parameters go in the body, as Valtuudet's own client sends them: an
	// address may be logged on the way, a body is not.
	k := call{name: name, at: paying, path: "/oauth/token", form: form, request: s.Request}
	var answer struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int64  `json:"expires_in"`
	}
	if err := c.ask(ctx, k, &answer); err != nil {
		return Token{}, err
	}
	if !opaque.MatchString(answer.AccessToken) || !strings.EqualFold(answer.TokenType, "bearer") {
		return Token{}, k.broken("it holds no bearer token")
	}
	life := min(max(answer.ExpiresIn, 0), 24*60*60)
	return Token{answer.AccessToken, answer.RefreshToken, c.Now().Add(time.Duration(life) * time.Second)}, nil
}

// Delegators returns the persons whom the person has chosen.
func (c *Client) Delegators(ctx context.Context, s Session, t Token) ([]Delegator, error) {
	k := c.within(s, t, "delegate", path("/service/hpa/api/delegate", s.ID)+s.query())
	var answer []struct {
		PersonID string `json:"personId"`
		Name     string `json:"name"`
	}
	if err := c.ask(ctx, k, &answer); err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, k.broken("it is no list")
	}
	all := make([]Delegator, len(answer))
	for i, a := range answer {
		code, err := pic.Parse(a.PersonID)
		if err != nil {
			return nil, k.broken("it names a person without a valid personal identity code")
		}
		all[i] = Delegator{code, a.Name}
	}
	return all, nil
}

// Authorization asks whether the person may act for the principal, in the matters
// where any are given. person is who asks: a signed answer must name both.
func (c *Client) Authorization(ctx context.Context, s Session, t Token, person, principal pic.Code, matters ...string) (Authorization, error) {
	base := "/service/hpa/api/authorization"
	if c.Signed {
		base += "/jwt"
	}
	k := c.within(s, t, "authorization", path(base, s.ID, principal.Reveal())+s.query(matters...))
	body, err := c.do(ctx, k)
	if err != nil {
		return Authorization{}, err
	}
	if c.Signed {
		return c.signedAuthorization(k, body, person, principal)
	}
	return readAuthorization(k, body)
}

// AuthorizationList asks in which matters the person may act for the principal.
func (c *Client) AuthorizationList(ctx context.Context, s Session, t Token, person, principal pic.Code) ([]string, error) {
	base := "/service/hpa/api/authorizationlist"
	if c.Signed {
		base += "/jwt"
	}
	k := c.within(s, t, "authorization list", path(base, s.ID, principal.Reveal())+s.query())
	body, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	if c.Signed {
		return c.signedList(k, body, person, principal)
	}
	var answer struct {
		Roles []string `json:"roles"`
	}
	if err := k.read(body, &answer); err != nil {
		return nil, err
	}
	return answer.Roles, nil
}

// Organisations returns the organisations that the person has chosen, or the one
// with the id, with the person's roles.
func (c *Client) Organisations(ctx context.Context, s Session, t Token, person pic.Code, only pic.BusinessID) ([]Organisation, error) {
	base := "/service/ypa/api/organizationRoles"
	if c.Signed {
		base += "/jwt"
	}
	parts := []string{s.ID}
	if only != "" {
		parts = append(parts, string(only))
	}
	k := c.within(s, t, "organization roles", path(base, parts...)+s.query())
	body, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	if c.Signed {
		return c.signedOrganisations(k, body, person)
	}
	return readOrganisations(k, body)
}

// SessionToken returns a signed token (JWT) that stands for the session, and by
// which OrganisationsBy asks.
func (c *Client) SessionToken(ctx context.Context, s Session, t Token) (string, error) {
	k := c.within(s, t, "session token", path("/service/ypa/api/organizationRoles/session/jwt", s.ID)+s.query())
	return c.text(ctx, k)
}

// OrganisationsBy is Organisations by the token of a session.
func (c *Client) OrganisationsBy(ctx context.Context, s Session, t Token, session string) ([]Organisation, error) {
	k := c.within(s, t, "organization roles", path("/service/ypa/jwt/api/organizationRoles", session, "")+s.query())
	body, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	return readOrganisations(k, body)
}

// Unregister ends a session.
func (c *Client) Unregister(ctx context.Context, s Session) error {
	k := call{name: "unregister", at: within, path: path("/service/"+string(s.Interface)+"/user/unregister", s.ID), key: c.APIKey, request: s.Request}
	var done bool
	if err := c.ask(ctx, k, &done); err != nil {
		return err
	}
	if !done {
		return k.broken("the session was not ended")
	}
	return nil
}

// TransferToken returns a token by which another service goes on with what the
// person chose.
func (c *Client) TransferToken(ctx context.Context, s Session) (string, error) {
	return c.text(ctx, call{name: "transfer token", at: within, path: path("/service/"+string(s.Interface)+"/user/transfer/token", s.ID), key: c.APIKey, request: s.Request})
}

// Check asks the REST authorisation API, without a session, whether a person may
// act for another. The person must know that it is asked.
func (c *Client) Check(ctx context.Context, person, principal pic.Code, request string, matters ...string) (Authorization, error) {
	var q query
	for _, m := range matters {
		q.add("issue", m)
	}
	q.add("requestId", request)
	k := call{name: "rest authorization", at: opening, path: path("/service/rest/hpa/authorization", c.ClientID, person.Reveal(), principal.Reveal()) + q.String(), key: c.RESTKey, request: request, user: c.RESTUser}
	if c.RESTKey == "" {
		return Authorization{}, &Error{Call: k.name, Request: request, Kind: ErrRefused, Why: "the hub has no key for it"}
	}
	body, err := c.do(ctx, k)
	if err != nil {
		return Authorization{}, err
	}
	return readAuthorization(k, body)
}

// within is a call about a session.
func (c *Client) within(s Session, t Token, name, path string) call {
	return call{name: name, at: within, path: path, key: c.APIKey, token: t.Access, request: s.Request}
}

// query is the query of every call about the session.
func (s Session) query(matters ...string) string {
	var q query
	q.add("requestId", s.Request)
	if s.EndUser != "" {
		q.add("endUserId", s.EndUser)
	}
	for _, m := range matters {
		q.add("issues", m)
	}
	return q.String()
}

// ask makes the call and reads its answer.
func (c *Client) ask(ctx context.Context, k call, answer any) error {
	body, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	return k.read(body, answer)
}

// text makes the call and reads an answer that is one word, quoted or not.
func (c *Client) text(ctx context.Context, k call) (string, error) {
	body, err := c.do(ctx, k)
	if err != nil {
		return "", err
	}
	s := unquote(body)
	if !opaque.MatchString(s) && !compact.MatchString(s) {
		return "", k.broken("it is no token")
	}
	return s, nil
}

// compact is the shape of a signed token: three parts of base64url.
var compact = regexp.MustCompile(`^[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+$`)

func unquote(body []byte) string { return strings.Trim(strings.TrimSpace(string(body)), `"`) }

// read reads JSON. The error of the decoder is not kept: it may hold what it read.
func (k call) read(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return k.broken("it is not the JSON that was expected")
	}
	return nil
}

func readAuthorization(k call, body []byte) (Authorization, error) {
	var answer struct {
		Result  string   `json:"result"`
		Reasons []Reason `json:"reasons"`
	}
	if err := k.read(body, &answer); err != nil {
		return Authorization{}, err
	}
	return decided(k, answer.Result, answer.Reasons)
}

func decided(k call, result string, reasons []Reason) (Authorization, error) {
	switch result {
	case "ALLOWED", "DISALLOWED":
		return Authorization{result == "ALLOWED", reasons}, nil
	}
	return Authorization{}, k.broken("it neither allows nor disallows")
}

func readOrganisations(k call, body []byte) ([]Organisation, error) {
	var answer []struct {
		Name       string   `json:"name"`
		Identifier string   `json:"identifier"`
		Complete   *bool    `json:"complete"`
		Roles      []string `json:"roles"`
	}
	if err := k.read(body, &answer); err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, k.broken("it is no list")
	}
	all := make([]Organisation, 0, len(answer))
	for _, a := range answer {
		id, err := pic.ParseBusinessID(a.Identifier)
		if err != nil {
			return nil, k.broken("it names an organisation without a valid business id")
		}
		// Complete unless said otherwise: an old answer has no such field.
		all = append(all, Organisation{id, a.Name, a.Complete == nil || *a.Complete, a.Roles})
	}
	return merged(all), nil
}

// merged makes one of organisations with the same id: the same one may be reached
// by several ways.
func merged(all []Organisation) (once []Organisation) {
	for _, o := range all {
		i := slices.IndexFunc(once, func(p Organisation) bool { return p.ID == o.ID })
		if i < 0 {
			once = append(once, o)
			continue
		}
		once[i].Complete = once[i].Complete && o.Complete
		for _, r := range o.Roles {
			if !slices.Contains(once[i].Roles, r) {
				once[i].Roles = append(once[i].Roles, r)
			}
		}
	}
	return once
}
