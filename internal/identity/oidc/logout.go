package oidc

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
)

// logoutTime is how old a logout token may be. Those that have been seen are not
// remembered: to end what has ended does no harm, and one who signed in again
// meanwhile has another session.
const logoutTime = 2 * time.Minute

// End returns where the provider ends its session (RP-initiated logout), "" when
// it cannot or the session is not of this connection.
func (x *Connection) End(ctx context.Context, issuer string, s identity.ProviderSession, state string, lang i18n.Lang) (string, error) {
	if issuer != x.Issuer {
		return "", nil
	}
	ctx, cancel := x.within(ctx)
	defer cancel()
	e, err := x.endpoints(ctx)
	if err != nil {
		return "", err
	}
	if e.EndSession == "" {
		return "", nil
	}
	q := url.Values{"client_id": {x.ClientID}}
	if lang != "" {
		q.Set("ui_locales", string(lang))
	}
	if s.IDToken != "" {
		q.Set("id_token_hint", s.IDToken)
	}
	if x.AfterLogout != "" {
		q.Set("post_logout_redirect_uri", x.AfterLogout)
		q.Set("state", state)
	}
	return with(e.EndSession, q), nil
}

// Ended reads a message of a logout: a POST with a logout_token, which comes
// from the provider itself (back-channel); a GET with iss and sid, which comes
// in a frame (front-channel); or a GET with a state, with which the browser
// comes back from End.
//
// Nobody signs the frame's request. It ends only the session that it names, and
// that name is the provider's secret.
func (x *Connection) Ended(ctx context.Context, r *http.Request) (identity.LogoutMessage, func(http.ResponseWriter, bool) error, error) {
	m := identity.LogoutMessage{Issuer: x.Issuer}
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPost:
		r.Body = http.MaxBytesReader(nil, r.Body, biggest)
		ctx, cancel := x.within(ctx)
		defer cancel()
		session, err := x.logoutToken(ctx, r.PostFormValue("logout_token"))
		if err != nil {
			return identity.LogoutMessage{}, nil, err
		}
		m.Sessions = []identity.ProviderSession{session}
		return m, told(http.StatusBadRequest), nil
	case q.Has("sid") || q.Has("iss"):
		if len(q["iss"]) != 1 || len(q["sid"]) != 1 || q.Get("iss") != x.Issuer || q.Get("sid") == "" {
			return identity.LogoutMessage{}, nil, identity.Refuse(identity.NotValid, "the logout names no session of the provider's")
		}
		m.Sessions = []identity.ProviderSession{{SessionIndex: q.Get("sid")}}
		return m, told(http.StatusOK), nil
	case len(q["state"]) == 1 && q.Get("state") != "":
		m.State, m.Complete = q.Get("state"), true
		return m, nil, nil
	}
	return identity.LogoutMessage{}, nil, identity.Refuse(identity.NotValid, "the message is none of a logout")
}

// told answers the provider; otherwise is the status when not all was ended.
func told(otherwise int) func(http.ResponseWriter, bool) error {
	return func(w http.ResponseWriter, done bool) error {
		w.Header().Set("Cache-Control", "no-store")
		if done {
			w.WriteHeader(http.StatusOK)
		} else {
			w.WriteHeader(otherwise)
		}
		return nil
	}
}

// logoutToken verifies a logout token and returns the session it names; without
// SessionIndex, all of the subject's.
func (x *Connection) logoutToken(ctx context.Context, raw string) (identity.ProviderSession, error) {
	none := identity.ProviderSession{}
	inner := raw
	var err error
	if len(raw) > longestToken || !compact(raw) || len(raw) == 0 {
		return none, identity.Refuse(identity.NotValid, "the logout token is none")
	}
	if dots(raw) != 2 {
		if inner, err = x.open(raw); err != nil {
			return none, err
		}
	}
	keys := &remoteKeys{x: x}
	token, err := x.verifier(keys).VerifyLogout(ctx, inner)
	if err != nil {
		return none, unverified(err, keys.err)
	}
	now := x.Now()
	if len(token.Audience) != 1 || token.IssuedAt.After(now.Add(x.Skew)) || token.IssuedAt.Before(now.Add(-logoutTime-x.Skew)) {
		return none, identity.Refuse(identity.NotValid, "the logout token is not of now or for another too")
	}
	return identity.ProviderSession{NameID: token.Subject, SessionIndex: token.SessionID}, nil
}
