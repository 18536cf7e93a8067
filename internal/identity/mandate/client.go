package mandate

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Client makes the calls of the Web API and the REST authorisation API.
//
// The addresses of the calls hold personal identity codes, and so do answers.
// What keeps them in: a Client logs nothing; its errors are *Error, which are
// made anew and wrap nothing of net/http; it speaks through a plain
// *http.Transport, which neither logs nor traces; and the context it hands down
// has a deadline but no values, so that no trace that the caller is in sees the
// call.
type Client struct {
	settings
	http *http.Client
}

// NewClient checks the configuration and makes a client.
func NewClient(c Config) (*Client, error) {
	s, err := c.check()
	if err != nil {
		return nil, err
	}
	plain := *s.HTTP
	plain.Jar = nil
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{settings: s, http: &plain}, nil
}

// checksumHeader bears the checksum of a call.
const checksumHeader = "X-AsiointivaltuudetAuthorization"

// checksum computes the header: over the path and query, byte for byte as sent,
// and the time, keyed with the API key as it is written.
func checksum(clientID, key, path string, now time.Time) string {
	at := now.UTC().Format(time.RFC3339)
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(mac, path+" "+at) // never fails
	return clientID + " " + at + " " + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// silent is a context without its values.
type silent struct{ context.Context }

func (silent) Value(any) any { return nil }

// answerLimit is more than any answer has.
const answerLimit = 1 << 20

// A call is a request to Valtuudet.
type call struct {
	name    string // for errors
	at      stage
	path    string     // with the query, as sent
	form    url.Values // of a POST
	key     string     // of the checksum; "" for none
	token   string
	request string // the id of the request
	user    string // X-userId
}

// do makes the call and returns the body of its answer.
func (c *Client) do(ctx context.Context, k call) ([]byte, error) {
	ctx, cancel := context.WithTimeout(silent{ctx}, c.Timeout)
	defer cancel()
	r, err := c.newRequest(ctx, k)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, noAnswer(k.name, k.request, err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(io.LimitReader(res.Body, answerLimit+1))
	if err != nil {
		return nil, noAnswer(k.name, k.request, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, told(k.name, k.request, k.at, res, body)
	}
	if len(body) > answerLimit {
		return nil, k.broken("the answer is too long")
	}
	return body, nil
}

func (c *Client) newRequest(ctx context.Context, k call) (*http.Request, error) {
	method, body := http.MethodGet, []byte(nil)
	if k.form != nil {
		method, body = http.MethodPost, []byte(k.form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, c.BaseURL+k.path, bytes.NewReader(body))
	if err != nil || r.URL.RequestURI() != k.path {
		return nil, errors.New("valtuudet " + k.name + ": the address of the call is not valid")
	}
	r.Header.Set("Accept", "application/json, */*;q=0.5") // signed answers are plain text
	r.Header.Set("User-Agent", "luvat")
	if k.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(c.ClientID, c.OAuthPassword)
	}
	if k.key != "" {
		r.Header.Set(checksumHeader, checksum(c.ClientID, k.key, k.path, c.Now()))
	}
	if k.token != "" {
		r.Header.Set("Authorization", "Bearer "+k.token)
	}
	if k.user != "" {
		r.Header.Set("X-userId", k.user)
	}
	return r, nil
}

// broken is the error of an answer to the call that is not valid.
func (k call) broken(why string) *Error {
	return &Error{Call: k.name, Request: k.request, Kind: ErrAnswer, Why: why}
}

// path joins the parts of a path, each escaped.
func path(base string, parts ...string) string {
	var b strings.Builder
	b.WriteString(base)
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}

// A query is the query of a call, in its own order.
type query struct{ strings.Builder }

func (q *query) add(name, value string) *query {
	if q.Len() == 0 {
		q.WriteByte('?')
	} else {
		q.WriteByte('&')
	}
	q.WriteString(name + "=" + url.QueryEscape(value))
	return q
}
