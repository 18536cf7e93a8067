package identity

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"luvat/internal/i18n"
)

// A Connection is a way in as this hub has it set up: a Provider with a name,
// for some people.
type Connection struct {
	Name     string // in addresses: suomifi, virtu, portti. Stored: never changes
	Title    i18n.Text
	Lead     i18n.Text // a line for whom it is; may be empty
	Provider Provider

	Customers bool // applicants come in by it
	Officers  bool // authorities' people do
	// Mandated tells that an officer's role rests on mandates, not on what a
	// lead has granted.
	Mandated bool
	// Authority tells whose officer an assertion is about, "" when it names no
	// authority that has joined.
	Authority func(Assertion) string

	// SilentFirst tries without a question first: the workstation may know the
	// person already.
	SilentFirst bool

	// Discovery returns the address of the page where the person chooses an
	// identity provider; it leads back to /login/<name>/chosen and brings what it
	// was given. nil where there is one only.
	Discovery func(next string) string
	// Chosen reads the choice, and what Discovery was given, from the request
	// that it leads to.
	Chosen func(*http.Request) (issuer, next string, err error)

	// Documents are what the provider must know of the hub, by their names in
	// addresses: /login/<name>/metadata, /login/<name>/jwks.
	Documents map[string]Document

	// Elsewhere tells that answers come to another host than the hub's pages,
	// which the browser is then led back to.
	Elsewhere bool
}

// A Document makes what the hub publishes of itself.
type Document func() (body []byte, contentType string, err error)

// MandateMode is for whom somebody wants to act.
type MandateMode string

// The modes.
const (
	ForCompany   MandateMode = "company"
	ForPerson    MandateMode = "person"
	ForAuthority MandateMode = "officer"
)

// A Mandates asks the mandate register (Suomi.fi-valtuudet) for whom somebody
// may act.
type Mandates interface {
	// Begin registers the person and returns where the browser is sent to choose.
	Begin(ctx context.Context, code string, mode MandateMode, state string, l i18n.Lang) (address string, memo []byte, err error)
	// Finish reads the choice and what the mandates allow. Nothing allowed, and a
	// choice that was given up, are a *Refusal.
	Finish(ctx context.Context, memo []byte, answer url.Values) (Granted, error)
	// Check asks again whether what was granted still holds; the fresh memo
	// replaces the one given. An error says that the register could not be asked;
	// a memo that comes with it replaces the one given all the same.
	Check(ctx context.Context, memo []byte) (state MandateState, fresh []byte, err error)
	// End forgets the session at the register.
	End(ctx context.Context, memo []byte) error
}

// MandateState is what became of a mandate.
type MandateState string

// The states.
const (
	MandateHolds MandateState = "holds"
	MandateEnded MandateState = "ended"
	// MandateLapsed: the session at the register is over, which says nothing of
	// the mandate: the person chooses again.
	MandateLapsed MandateState = "lapsed"
)

// Granted is what the mandates allow.
type Granted struct {
	Kind     PrincipalKind
	ID       string // business id, or personal identity code of the principal
	Name     string
	Complete bool   // the registers could be read whole
	Memo     []byte // for Check and End
}

// MandateCheckEach is how old a checked mandate may be.
const MandateCheckEach = 60 * time.Second
