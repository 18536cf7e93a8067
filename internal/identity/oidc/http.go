package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"luvat/internal/identity"
)

// biggest is how long an answer of the provider may be.
const biggest = 256 << 10

var errTooBig = errors.New("the answer is too big")

// bounded returns a client of its own that follows no redirects and reads no
// more of an answer than biggest.
func bounded(c *http.Client) *http.Client {
	transport := c.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &http.Client{
		Transport:     bound{transport},
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type bound struct{ http.RoundTripper }

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.ContentLength > biggest {
		_ = answer.Body.Close() // it is not read
		return nil, errTooBig
	}
	answer.Body = &boundBody{answer.Body, biggest}
	return answer, nil
}

type boundBody struct {
	io.ReadCloser
	left int
}

func (b *boundBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooBig
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// unanswered makes a refusal of a request that failed. Of the error it tells
// only what cannot hold a byte that the provider sent.
func unanswered(ctx context.Context, what string, err error) *identity.Refusal {
	cause := ""
	failed, ok := errors.AsType[*url.Error](err)
	switch {
	case errors.Is(err, errTooBig):
		return identity.Refuse(identity.NotValid, what+" answered too much")
	case ctx.Err() != nil || ok && failed.Timeout():
		cause = " did not answer in time"
	case !ok:
		return identity.Refuse(identity.NotValid, what+" answered something else")
	default:
		cause = " does not answer"
		if e, ok := errors.AsType[*net.OpError](err); ok {
			cause += ": " + e.Error()
		} else if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			cause += ": " + e.Error()
		}
	}
	return identity.Refuse(identity.NotThere, what+cause)
}
