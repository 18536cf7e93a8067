// Package fail holds the errors that a person may see.
//
// Such an error is a kind, which the doors turn into an HTTP status, and a key
// of the language files, which becomes a sentence in the person's language.
// Every other error is internal: it is logged whole and shown as a reference.
package fail

import "errors"

// Kind says what sort of mistake it is; the doors map it to a status.
type Kind int

// The kinds and their HTTP statuses.
const (
	Invalid     Kind = iota + 1 // 400: the request makes no sense
	Rejected                    // 422: read, understood and refused by its content
	NotFound                    // 404: not there, or not yours
	Forbidden                   // 403: yours to see, not yours to do
	Conflict                    // 409: the state or another's change is in the way
	TooLarge                    // 413
	TooMany                     // 429
	Unavailable                 // 503
	Unsupported                 // 415
	NotKnown                    // 401: what was shown to say who asks is worth nothing
)

// Error is a mistake told to a person.
type Error struct {
	Kind  Kind
	Key   string // a key of internal/i18n
	Args  []any  // fill the blanks of the key's words
	Field string // the field it is about, "" when none
}

// Error returns the key, which is what logs should show.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Key + " (" + e.Field + ")"
	}
	return e.Key
}

// New makes an error of the kind with the key's words.
func New(kind Kind, key string, args ...any) *Error {
	return &Error{Kind: kind, Key: key, Args: args}
}

// In returns a copy of the error that names the field it is about.
func (e *Error) In(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Is tells whether err is, or wraps, an error of the kind.
func Is(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}
