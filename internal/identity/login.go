package identity

import (
	"context"
	"errors"
	"net/http"
	"time"

	"luvat/internal/i18n"
)

// A Provider is a way of signing in that somebody else vouches for:
// Suomi.fi-tunnistus, Virtu, Portti. The kinds are packages below this one
// (identity/saml, identity/oidc, identity/card); which connections of which kind
// there are is configuration.
//
// A sign-in has two halves with the browser away between them. What the second
// must know of the first stays on the server, under a state that is used once:
// the provider's answer may come by a cross-site POST that carries no cookie.
type Provider interface {
	// Begin returns where the browser is sent, and a memo for Finish.
	Begin(ctx context.Context, b Beginning) (address string, memo []byte, err error)

	// Finish reads the provider's answer to the Begin that made the memo and
	// says who came. An answer that is no sign-in is a *Refusal; any other error
	// is the hub's own.
	Finish(ctx context.Context, memo []byte, r *http.Request) (Assertion, error)
}

// A Beginning is what a sign-in begins with.
type Beginning struct {
	State  string    // comes back with the answer (RelayState, state); unguessable
	Lang   i18n.Lang // of the provider's pages
	Silent bool      // only if no question need be asked (IsPassive, prompt=none)
	Anew   bool      // even if the provider remembers the person (ForceAuthn, prompt=login): step-up
	Issuer string    // the identity provider chosen, where a connection has several (Virtu); else ""
}

// An Assertion is what a provider says of somebody. It is personal data: it is
// never logged, and only what is needed of it is kept.
type Assertion struct {
	Issuer  string // the identity provider that vouches
	Subject string // its lasting name of the person, "" when it has none (a transient NameID is none)

	PersonalCode string // henkilötunnus, "" when the provider gives none
	ForeignID    string // eIDAS PersonIdentifier or the foreign person's identifier, "" for others

	Name       string // as shown: call name and surname
	GivenName  string
	FamilyName string
	Email      string
	Lang       i18n.Lang // "" when not told

	// Organisation is the officer's employer as the provider names it, such as
	// Virtu's home organisation; "" for private persons.
	Organisation string

	// Level is the level or method of authentication, a URI such as
	// http://ftn.ficora.fi/2017/loa2.
	Level string
	At    time.Time // when the person authenticated; zero when the provider does not say

	// Session tells the provider, and the hub when the provider ends it, which
	// session of the provider's this is.
	Session ProviderSession
}

// ProviderSession names a session at a provider.
type ProviderSession struct {
	NameID       string `json:"name_id,omitempty"` // SAML NameID, or the sub of OpenID Connect
	Qualifier    string `json:"qualifier,omitempty"`
	SPQualifier  string `json:"sp_qualifier,omitempty"`
	Format       string `json:"format,omitempty"`
	SessionIndex string `json:"session_index,omitempty"` // SAML SessionIndex, or sid
	IDToken      string `json:"id_token,omitempty"`      // id_token_hint of OpenID Connect
}

// Ender is a Provider that can end its own session too, and tell when it was
// ended elsewhere (single logout).
type Ender interface {
	// End returns where the browser is sent to end the provider's session; ""
	// when there is nothing to end there. The hub's own session has ended before.
	End(ctx context.Context, issuer string, s ProviderSession, state string, lang i18n.Lang) (address string, err error)

	// Ended reads a logout message that the browser brought: the provider's
	// request, or its answer to End. answer writes what the provider waits for,
	// and is nil for an answer to End. A message that does not verify is a
	// *Refusal.
	Ended(ctx context.Context, r *http.Request) (m LogoutMessage, answer func(w http.ResponseWriter, done bool) error, err error)
}

// A Rechecker is a Provider that can be asked, as often as one likes, whether
// what a session began with still holds: a card may have been revoked.
type Rechecker interface {
	// Recheck returns nil when it holds, a *Refusal when it does not and the
	// session must end, and any other error when nobody can tell now.
	Recheck(ctx context.Context, s ProviderSession) error
}

// A LogoutMessage is what a provider says of the end of sessions.
type LogoutMessage struct {
	Issuer   string
	Sessions []ProviderSession // those to be ended; SessionIndex "" is all of the NameID, NameID "" the one of the SessionIndex
	State    string            // RelayState of the answer to End
	Complete bool              // the answer to End says that all was ended
}

// Why says in one word why an answer is no sign-in. Each has words for people,
// login.refused_<why>.
type Why string

// The reasons.
const (
	Cancelled   Why = "cancelled"  // the person came back without identity
	NotPossible Why = "no_method"  // the provider does not have the method that was asked for
	NotSilent   Why = "not_silent" // a silent sign-in cannot be: a question must be asked
	TooOld      Why = "too_old"    // the answer, or the sign-in it belongs to, is over or was used
	NotAnew     Why = "not_anew"   // the provider does not say that the person was identified just now, as was asked (step-up)
	TooWeak     Why = "too_weak"   // the level of authentication is not enough
	NotValid    Why = "not_valid"  // the answer does not verify: forged, broken or meant for another
	NotThere    Why = "not_there"  // the provider does not answer, or what is known of it is stale
	NotKnown    Why = "not_known"  // the person is known, but not as anybody who may come in this way
	NoMandate   Why = "no_mandate" // the mandates that are needed do not hold
	CardRevoked Why = "revoked"    // the card's certificate was revoked, has expired or cannot be checked
)

// A Refusal is a provider's answer that is no sign-in. Cause is for the log: it
// names what is wrong with the message and never whom it is about.
type Refusal struct {
	Why   Why
	Cause error
}

// Refuse makes a refusal whose cause is a constant text.
func Refuse(why Why, cause string) *Refusal { return &Refusal{why, errors.New(cause)} }

// Error tells the reason and the cause.
func (r *Refusal) Error() string { return string(r.Why) + ": " + r.Cause.Error() }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }
