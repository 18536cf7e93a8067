package machine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"luvat/internal/db"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
)

// A Caller is a machine that has shown who it is.
type Caller struct {
	Machine
	Credential string // by which it came
}

// Officer is the caller as its authority's robot; ok is false for a system.
func (c Caller) Officer() (o identity.Officer, ok bool) {
	if c.Kind != Robot {
		return identity.Officer{}, false
	}
	return identity.Officer{
		Person:    identity.Person{ID: c.ID, Name: c.Name, Lang: i18n.FI},
		Authority: c.Authority, Role: identity.RoleRobot, Types: c.Types,
	}, true
}

// Who tells which machine calls: by its access token, or, when there is none, by
// the client certificate of the connection. A token that is bound to a
// certificate needs that too.
//
// The first use of a credential in an hour is an entry in the authority's
// stream, unless the giving of a token tells of it already; so is a refusal, when
// it is known whose credential was shown. The error is an *Error unless the hub
// itself failed.
func (r *Registry) Who(ctx context.Context, token string, conn *tls.ConnectionState) (Caller, error) {
	var c Credential
	var m Machine
	var err error
	if token != "" {
		c, m, err = r.bearer(ctx, token, conn)
	} else {
		c, m, err = r.certified(ctx, conn)
	}
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			err = &Error{Code: InvalidToken, Cause: e.Cause, machine: e.machine}
			if e.machine != "" {
				if failed := r.refused(ctx, e.machine); failed != nil && !db.IsFull(failed) {
					err = failed
				}
			}
		}
		return Caller{}, err
	}
	if now := r.Now(); now.Sub(c.Used) >= coarse {
		err := r.DB.InTx(ctx, func(tx *db.Tx) error { return r.uses(ctx, tx, now, c, m) })
		if err != nil && !db.IsFull(err) { // a full disk keeps nobody from reading
			return Caller{}, err
		}
	}
	return Caller{Machine: m, Credential: c.ID}, nil
}

// uses notes that a credential is used; the first time in an hour the ledger
// tells it.
func (r *Registry) uses(ctx context.Context, tx *db.Tx, now time.Time, c Credential, m Machine) error {
	first, err := usedInNewHour(ctx, tx, now, c.ID)
	if err != nil {
		return err
	}
	if !first {
		return used(ctx, tx, now, c.ID)
	}
	_, err = ledger.Record(ctx, tx, now, identity.AuthorityStream(m.Authority), m.Actor(), ledger.Authority, DeedUsed, deed{Machine: m.ID, Credential: c.ID})
	return err
}

// bearer finds who holds an access token.
func (r *Registry) bearer(ctx context.Context, token string, conn *tls.ConnectionState) (c Credential, m Machine, err error) {
	var bound string
	now := r.Now()
	err = r.DB.View(ctx, func(tx *db.Tx) error {
		c, m, bound, err = findToken(ctx, tx, now, hashed(token))
		return err
	})
	switch cert := leaf(conn); {
	case errors.Is(err, db.ErrNoRows):
		err = denied("the token is none, or has expired")
	case err != nil:
	case !c.Good(now) || !m.Withdrawn.IsZero():
		err = &Error{Code: InvalidClient, Cause: "the token's credential is not good", machine: m.ID}
	case bound != "" && (cert == nil || thumbprint(cert) != bound):
		err = &Error{Code: InvalidClient, Cause: "the token works with another certificate", machine: m.ID}
	}
	return c, m, err
}

// certified finds whose the connection's client certificate is: by its
// thumbprint, whose credential has the certificate's dates, or else by its names,
// if one of the CAs issued it and it holds now.
func (r *Registry) certified(ctx context.Context, conn *tls.ConnectionState) (c Credential, m Machine, err error) {
	cert := leaf(conn)
	if cert == nil {
		return c, m, denied("neither a token nor a certificate")
	}
	marks := []string{certificateMark(cert)}
	if r.CAs != nil && r.verify(cert, between(conn)) == nil {
		marks = append(marks, nameMark(cert))
	}
	err = r.DB.View(ctx, func(tx *db.Tx) error {
		for _, mark := range marks {
			if c, m, err = findCredential(ctx, tx, `c.mark = $1 AND c.withdrawn_at = 0`, mark); !errors.Is(err, db.ErrNoRows) {
				return err
			}
		}
		return db.ErrNoRows
	})
	switch {
	case errors.Is(err, db.ErrNoRows):
		err = denied("the certificate is nobody's").with("this certificate is not registered: compare its fingerprint with the page where it was added")
	case err == nil && (!c.Good(r.Now()) || !m.Withdrawn.IsZero()):
		err = &Error{Code: InvalidClient, Cause: "the certificate is not good", Cure: "this certificate has had its time or was withdrawn", machine: m.ID}
	}
	return c, m, err
}

// leaf is the connection's client certificate, nil for none. TLS has proved that
// the other side has its key.
func leaf(conn *tls.ConnectionState) *x509.Certificate {
	if conn == nil || len(conn.PeerCertificates) == 0 {
		return nil
	}
	return conn.PeerCertificates[0]
}

// between are the other certificates that came along.
func between(conn *tls.ConnectionState) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, cert := range conn.PeerCertificates[1:] {
		pool.AddCert(cert)
	}
	return pool
}
