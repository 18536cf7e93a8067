package mandate

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/identity/pic"
)

// A Flow lets a person act for another.
//
// Its memos are sealed text: they may be stored as they are. A memo is used by
// one flow, under a state that the caller uses once; those of Finish and Refresh
// replace the one before.
type Flow struct{ Client *Client }

// New checks the configuration and makes a flow. All mistakes are told at once.
func New(c Config) (*Flow, error) {
	client, err := NewClient(c)
	if err != nil {
		return nil, err
	}
	return &Flow{client}, nil
}

// A Beginning is what a flow begins with: the person has just said, in the hub,
// that she wants to act for another.
type Beginning struct {
	Person pic.Code
	Mode   Mode
	State  string    // comes back with the browser; unguessable, used once
	Lang   i18n.Lang // of the pages at Valtuudet
	// EndUser is what Valtuudet logs of who asks, such as the hub's id of the
	// person; "" for nothing. Never a personal identity code.
	EndUser string
}

// memo is what a flow must remember. At rest it is sealed.
type memo struct {
	Mode    Mode      `json:"mode"`
	State   string    `json:"state"`
	Person  string    `json:"person"`
	Begun   time.Time `json:"begun"`
	Session Session   `json:"session"`
	Token   *Token    `json:"token,omitempty"` // from Finish on
	Held    []held    `json:"held,omitempty"`  // what was granted then
}

// held is a Party in a memo.
type held struct {
	Company pic.BusinessID `json:"company,omitempty"`
	Person  string         `json:"person,omitempty"`
}

// memoRow is what a memo is sealed for.
const memoRow = "mandate memo"

func (f *Flow) seal(m memo) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write a mandate's memo: %w", err)
	}
	sealed, err := f.Client.Vault.SealText(memoRow, body)
	if err != nil {
		return nil, fmt.Errorf("seal a mandate's memo: %w", err)
	}
	return []byte(sealed), nil
}

func (f *Flow) open(sealed []byte) (memo, pic.Code, error) {
	var m memo
	body, err := f.Client.Vault.OpenText(memoRow, string(sealed))
	if err != nil {
		return m, pic.Code{}, fmt.Errorf("open a mandate's memo: %w", err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, pic.Code{}, errors.New("read a mandate's memo: it is of another form")
	}
	person, err := pic.Parse(m.Person)
	if err != nil {
		return m, pic.Code{}, fmt.Errorf("read a mandate's memo: %w", err)
	}
	return m, person, nil
}

// Begin opens a session at Valtuudet and returns where the browser goes, and the
// memo for Finish. If it cannot be now, the error is an *identity.Refusal.
func (f *Flow) Begin(ctx context.Context, b Beginning) (address string, sealed []byte, err error) {
	wire, ok := b.Mode.wire()
	if !ok || b.State == "" || b.Person.IsZero() {
		return "", nil, errors.New("begin a mandate: it needs a mode, a state and a person")
	}
	if b.Mode == AsOfficer && f.Client.OfficerMatter == "" {
		return "", nil, errors.New("begin a mandate: the officers' matter is not configured")
	}
	s, err := f.Client.Register(ctx, wire, b.Person, f.Client.NewID(), b.EndUser)
	if err != nil {
		return "", nil, refuse(err)
	}
	sealed, err = f.seal(memo{Mode: b.Mode, State: b.State, Person: b.Person.Reveal(), Begun: f.Client.Now(), Session: s})
	if err != nil {
		return "", nil, err
	}
	return f.Client.AuthorizeURL(s, b.State, b.Lang), sealed, nil
}

// Finish reads what the browser brought back to Config.RedirectURL and says what
// was granted, with the memo for Refresh and End. A choice that was not made, or
// that cannot be read, is an *identity.Refusal; a choice that grants nothing is
// not: look at Granted.
func (f *Flow) Finish(ctx context.Context, sealed []byte, callback url.Values) (Granted, []byte, error) {
	m, person, err := f.open(sealed)
	if err != nil {
		return Granted{}, nil, err
	}
	if m.Token != nil {
		return Granted{}, nil, identity.Refuse(identity.TooOld, "the memo was finished before")
	}
	if f.Client.Now().After(m.Begun.Add(f.Client.Choosing)) {
		return Granted{}, nil, identity.Refuse(identity.TooOld, "the choice took too long")
	}
	code, err := brought(callback, m.State)
	if err != nil {
		return Granted{}, nil, err
	}
	t, err := f.Client.Token(ctx, m.Session, code)
	if err != nil {
		return Granted{}, nil, refuse(err)
	}
	m.Token = &t
	g, err := f.ask(ctx, &m, person, nil)
	if err != nil {
		return Granted{}, nil, refuse(err)
	}
	for _, p := range g.parties() {
		m.Held = append(m.Held, held{p.Company, p.Person.Reveal()})
	}
	sealed, err = f.seal(m)
	if err != nil {
		return Granted{}, nil, err
	}
	return g, sealed, nil
}

// End ends the session at Valtuudet. One that is over already is well ended.
func (f *Flow) End(ctx context.Context, sealed []byte) error {
	m, _, err := f.open(sealed)
	if err != nil {
		return err
	}
	if err := f.Client.Unregister(ctx, m.Session); err != nil && !errors.Is(err, ErrExpired) {
		return err
	}
	return nil
}

// codeLimit is more than any code has.
const codeLimit = 512

// brought reads the callback and returns its code. What has no code grants
// nothing, so it is taken for a cancelled choice whatever its state; a code
// counts only with the state of this flow.
func brought(q url.Values, state string) (string, error) {
	if q.Has("error") && !q.Has("code") {
		return "", identity.Refuse(whyError(q.Get("error")), "the callback bears an error")
	}
	if q.Get("code") == "" {
		return "", identity.Refuse(identity.Cancelled, "the callback bears no code")
	}
	if len(q["code"]) != 1 || len(q["state"]) != 1 || q.Has("error") || len(q.Get("code")) > codeLimit {
		return "", identity.Refuse(identity.NotValid, "the callback contradicts itself")
	}
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 {
		return "", identity.Refuse(identity.NotValid, "the callback is of another flow")
	}
	return q.Get("code"), nil
}

// whyError reads an error of OAuth. What Valtuudet calls a cancelled choice is not
// settled; access_denied is the standard's word.
func whyError(word string) identity.Why {
	switch word {
	case "server_error", "temporarily_unavailable":
		return identity.NotThere
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope":
		return identity.NotValid
	}
	return identity.Cancelled
}

// refuse makes a refusal of a call that failed.
func refuse(err error) error {
	var why identity.Why
	switch {
	case errors.Is(err, ErrExpired):
		why = identity.TooOld
	case errors.Is(err, ErrDenied):
		why = identity.NoMandate
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrRefused):
		why = identity.NotThere
	case errors.Is(err, ErrAnswer):
		why = identity.NotValid
	default:
		return err
	}
	return &identity.Refusal{Why: why, Cause: err}
}
