package mandate

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/uuid"
)

// What a call can come to. An Error wraps one of them.
var (
	// ErrExpired: the session, its token or its code is over or unknown. Start
	// over from the register.
	ErrExpired = errors.New("the session is over")
	// ErrDenied: Valtuudet says that this may not be.
	ErrDenied = errors.New("it is not allowed")
	// ErrUnavailable: no answer now. Nothing is known.
	ErrUnavailable = errors.New("there is no answer")
	// ErrRefused: Valtuudet does not take the hub's own request: its keys, its
	// clock, its addresses or its rules are not as agreed.
	ErrRefused = errors.New("the hub's request is refused")
	// ErrAnswer: an answer that is not understood, or does not verify.
	ErrAnswer = errors.New("the answer is not valid")
)

// Error codes that Valtuudet writes into the body of an error.
const (
	codeMissingParameter = 101
	codeUnknownService   = 102
	codeUnknownUser      = 104
	codeNotAuthorised    = 106
	codeUnknownRules     = 107
	codeBrokenRules      = 108
	codeRedirect         = 110
)

// errorHeader says that the body of an error is one of Valtuudet's own.
const errorHeader = "X-RoVa-ErrorMessage-Included"

// An Error is a call that failed. It holds no address, and nothing that the
// server wrote but numbers and the id of the request, which DVV's support asks for.
type Error struct {
	Call    string // which call: register, token, roles …
	Status  int    // of HTTP; 0 when there was no answer
	Code    int    // Valtuudet's own; 0 when it gave none
	Request string // the request's id
	Why     string // more, in constant words
	Kind    error  // ErrExpired, ErrDenied, ErrUnavailable, ErrRefused or ErrAnswer
	cause   error  // context.Canceled, context.DeadlineExceeded or nil
}

// Error says which call failed and how.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "valtuudet %s: %v", e.Call, e.Kind)
	for _, part := range []struct {
		format string
		value  string
	}{{": %s", e.Why}, {", HTTP %s", number(e.Status)}, {", error code %s", number(e.Code)}, {", request %s", e.Request}} {
		if part.value != "" {
			fmt.Fprintf(&b, part.format, part.value)
		}
	}
	return b.String()
}

// Unwrap returns the kind, and whether the caller itself gave up.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// denies tells whether Valtuudet said in its own words that the person may not.
// A bare 403 does not: a wrong key or clock looks the same.
func denies(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && errors.Is(e.Kind, ErrDenied) && e.Code != 0
}

// noAnswer says why there was no answer. The error of net/http is not kept: it
// holds the address, and who knows what its parts hold.
func noAnswer(call, request string, err error) *Error {
	e := &Error{Call: call, Request: request, Kind: ErrUnavailable, Why: "the connection failed"}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		e.Why = "its name was not found"
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		e.Why = "the connection was refused"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e.Why = "its certificate does not verify"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		e.Why = "it took too long"
	}
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			e.cause = cause
		}
	}
	if errors.Is(e.cause, context.Canceled) {
		e.Why = "the question was taken back"
	}
	return e
}

// A stage is what a call asks of: it decides what a 401 means.
type stage int

const (
	opening stage = iota // register and REST: the hub's own key and clock
	within               // a session, with its token
	paying               // a code or an old token, for a token
)

// told makes an error of an answer that is not 200. Valtuudet's own codes count
// before the status: it sends some of them with 500.
func told(call, request string, at stage, res *http.Response, body []byte) *Error {
	e := &Error{Call: call, Request: request, Status: res.StatusCode}
	var own struct {
		ReqID     string `json:"ReqID"`
		ErrorCode int    `json:"errorCode"`
	}
	if res.Header.Get(errorHeader) == "true" && json.Unmarshal(body, &own) == nil {
		e.Code = own.ErrorCode
		if id, err := uuid.Parse(own.ReqID); err == nil {
			e.Request = id.String()
		}
	}
	e.Kind = kindOf(at, e.Status, e.Code)
	if at == paying {
		e.Why, e.Kind = paid(e.Kind, e.Status, body)
	}
	return e
}

func kindOf(at stage, status, code int) error {
	switch code {
	case codeUnknownUser, codeNotAuthorised:
		return ErrDenied
	case codeMissingParameter, codeUnknownService, codeUnknownRules, codeBrokenRules, codeRedirect:
		return ErrRefused
	}
	switch {
	case status == http.StatusUnauthorized && at == within:
		return ErrExpired
	case status == http.StatusUnauthorized:
		return ErrRefused
	case status == http.StatusForbidden:
		return ErrDenied
	case status == http.StatusTooManyRequests, status >= 500:
		return ErrUnavailable
	case status >= 400:
		return ErrRefused
	}
	return ErrAnswer // a redirect, or a success without content
}

// paid reads the error of the token endpoint, which is OAuth's and not Valtuudet's.
func paid(kind error, status int, body []byte) (why string, err error) {
	if status != http.StatusBadRequest && status != http.StatusUnauthorized {
		return "", kind
	}
	var own struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &own) // what is no JSON has no word
	switch own.Error {
	case "invalid_grant", "invalid_token":
		return own.Error, ErrExpired
	}
	if slices.Contains([]string{"invalid_client", "invalid_request", "unauthorized", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}, own.Error) {
		return own.Error, ErrRefused
	}
	return "", ErrRefused
}
