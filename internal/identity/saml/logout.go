package saml

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/i18n"
	"luvat/internal/identity"
)

// logoutLife is how long a logout message is good for.
const logoutLife = 5 * time.Minute

// End sends the browser to the provider with a signed LogoutRequest by
// HTTP-Redirect: "" when the provider has no address for it, or the session no
// name. The state must be unguessable: the request's ID is made of it, so that
// Ended knows the answer without a memo.
func (p *Provider) End(_ context.Context, issuer string, s identity.ProviderSession, state string, l i18n.Lang) (string, error) {
	now := p.c.Now()
	to, err := p.idp(issuer, now)
	if err != nil {
		return "", told(err)
	}
	if to.slo == "" || s.NameID == "" {
		return "", nil
	}
	el := p.message("LogoutRequest", logoutID(state), to.slo, now)
	el.CreateAttr("NotOnOrAfter", now.Add(logoutLife).UTC().Format("2006-01-02T15:04:05Z"))
	el.CreateAttr("Reason", "urn:oasis:names:tc:SAML:2.0:logout:user")
	if p.c.SuomiFi != nil {
		vetuma := el.CreateElement("samlp:Extensions").CreateElement("vetuma")
		vetuma.CreateAttr("xmlns", nsVetuma)
		vetuma.CreateElement("LG").SetText(string(lang(l)))
	}
	name := el.CreateElement("saml:NameID")
	for _, a := range []struct{ name, value string }{
		{"Format", s.Format},
		{"NameQualifier", s.Qualifier},
		{"SPNameQualifier", s.SPQualifier},
	} {
		if a.value != "" {
			name.CreateAttr(a.name, a.value)
		}
	}
	name.SetText(s.NameID)
	if s.SessionIndex != "" {
		el.CreateElement("samlp:SessionIndex").SetText(s.SessionIndex)
	}
	return p.redirect(to.slo, request, el, state)
}

// logoutID is the ID of the LogoutRequest that has this RelayState.
func logoutID(state string) string {
	sum := sha256.Sum256([]byte("luvat saml logout " + state))
	return "_" + hex.EncodeToString(sum[:16])
}

// Ended reads a logout message that the browser brought to our SLO address, by
// HTTP-Redirect or HTTP-POST: the provider's LogoutRequest, which comes in a
// hidden frame without our cookies, or its LogoutResponse to End. Sessions are
// to be found by issuer, NameID and SessionIndex; the provider may leave the
// qualifiers out. State tells which End it answers, and the caller knows whether
// there was one.
func (p *Provider) Ended(_ context.Context, r *http.Request) (identity.LogoutMessage, func(http.ResponseWriter, bool) error, error) {
	m, answer, err := p.ended(r)
	if err != nil {
		return identity.LogoutMessage{}, nil, told(err)
	}
	return m, answer, nil
}

func (p *Provider) ended(r *http.Request) (m identity.LogoutMessage, answer func(http.ResponseWriter, bool) error, err error) {
	root, from, relay, err := p.logoutMessage(r)
	if err != nil {
		return m, nil, err
	}
	m.Issuer = from.id
	if is(root, "samlp:LogoutResponse") {
		m.State = relay
		m.Complete, err = p.logoutResponse(root, relay)
		return m, nil, err
	}
	if m.Sessions, err = p.logoutRequest(root); err != nil {
		return m, nil, err
	}
	id := attr(root, "ID")
	return m, func(w http.ResponseWriter, done bool) error { return p.answerLogout(w, from, id, relay, done) }, nil
}

// logoutMessage returns a message whose signature was verified: over the octets
// of the query, or in the message itself.
func (p *Provider) logoutMessage(r *http.Request) (root *etree.Element, from *idp, relay string, err error) {
	var raw []byte
	var query redirected
	switch r.Method {
	case http.MethodGet:
		if query, err = readRedirect(r.URL.RawQuery); err != nil {
			return nil, nil, "", err
		}
		raw, err = query.message()
		relay = query.value("RelayState")
	case http.MethodPost:
		query.kind = request
		if raw, err = posted(r, request); err != nil {
			query.kind = response
			raw, err = posted(r, response)
		} else if len(r.PostForm[response]) > 0 {
			err = noMessage
		}
		relay = r.PostForm.Get("RelayState")
	default:
		err = noMessage
	}
	if err != nil {
		return nil, nil, "", err
	}
	if root, err = messageGate.open(raw); err != nil {
		return nil, nil, "", err
	}
	now := p.c.Now()
	issuer, sig, err := p.logoutEnvelope(root, query.kind, now)
	if err != nil {
		return nil, nil, "", err
	}
	if from, err = p.idp(issuer, now); err != nil {
		return nil, nil, "", err
	}
	switch {
	case query.raw != nil && sig != nil:
		err = misshapen // the binding takes it out (SAML bindings, 3.4.4.1)
	case query.raw != nil:
		err = query.verify(from.certs, now)
	case sig == nil:
		err = notSigned
	default:
		var covered signed
		if covered, err = verify(root, sig, from.certs, now, false); err == nil {
			root = covered.Element
			_, _, err = p.logoutEnvelope(root, query.kind, now)
		}
	}
	return root, from, relay, err
}

// logoutEnvelope checks what any logout message says of itself.
func (p *Provider) logoutEnvelope(root *etree.Element, kind string, now time.Time) (issuer string, sig *etree.Element, err error) {
	if kind == request && !is(root, "samlp:LogoutRequest") || kind == response && !is(root, "samlp:LogoutResponse") {
		return "", nil, notThisKind
	}
	children := root.ChildElements()
	if len(children) == 0 || !is(children[0], "saml:Issuer") {
		return "", nil, misshapen
	}
	if issuer, err = word(children[0]); err != nil {
		return "", nil, err
	}
	if issuer == "" {
		return "", nil, otherIssuer
	}
	if err := p.c.issuedBy(children[0], issuer); err != nil {
		return "", nil, err
	}
	if len(children) > 1 && is(children[1], "ds:Signature") {
		sig = children[1]
	}
	if attr(root, "Version") != "2.0" {
		return "", nil, notVersion2
	}
	if attr(root, "Destination") != p.c.SLO {
		return "", nil, notHere
	}
	issued, err := must(root, "IssueInstant")
	if err != nil {
		return "", nil, err
	}
	if issued.After(now.Add(p.c.Skew)) || issued.Before(now.Add(-logoutLife-p.c.Skew)) {
		return "", nil, notNow
	}
	return issuer, sig, nil
}

// logoutRequest reads which sessions are to end.
func (p *Provider) logoutRequest(root *etree.Element) ([]identity.ProviderSession, error) {
	parts, err := shape(root, "saml:Issuer", "ds:Signature?", "samlp:Extensions?", "saml:NameID|saml:EncryptedID", "samlp:SessionIndex*")
	if err != nil {
		return nil, err
	}
	end, err := moment(root, "NotOnOrAfter")
	if err != nil {
		return nil, err
	}
	if !end.IsZero() && !p.c.Now().Add(-p.c.Skew).Before(end) {
		return nil, notNow
	}
	name := parts[3][0]
	if is(name, "saml:EncryptedID") {
		if name, _, err = decrypt(name, p.state.Load().keys.Encryption, p.c.Ciphers); err != nil {
			return nil, err
		}
		if !is(name, "saml:NameID") {
			return nil, notThisKind
		}
	}
	s := identity.ProviderSession{Format: attr(name, "Format"), Qualifier: attr(name, "NameQualifier"), SPQualifier: attr(name, "SPNameQualifier")}
	if s.NameID, err = text(name); err != nil {
		return nil, err
	}
	if s.NameID == "" || s.SPQualifier != "" && s.SPQualifier != p.c.EntityID {
		return nil, noName
	}
	if len(parts[4]) == 0 {
		return []identity.ProviderSession{s}, nil
	}
	var all []identity.ProviderSession
	for _, el := range parts[4] {
		if s.SessionIndex, err = text(el); err != nil {
			return nil, err
		}
		if s.SessionIndex == "" {
			return nil, misshapen // it would mean all sessions
		}
		all = append(all, s)
	}
	return all, nil
}

// logoutResponse reads whether all was ended, in the answer to End.
func (p *Provider) logoutResponse(root *etree.Element, relay string) (complete bool, err error) {
	parts, err := shape(root, "saml:Issuer", "ds:Signature?", "samlp:Extensions?", "samlp:Status")
	if err != nil {
		return false, err
	}
	if relay == "" || attr(root, "InResponseTo") != logoutID(relay) {
		return false, otherRequest
	}
	first, second, err := codes(parts[3][0])
	if err != nil {
		return false, err
	}
	return first == statusSuccess && second != statusPartial, nil
}

// answerLogout sends the browser back to the provider with a LogoutResponse.
func (p *Provider) answerLogout(w http.ResponseWriter, to *idp, id, relay string, done bool) error {
	ours, err := p.newID()
	if err != nil {
		return err
	}
	if to.sloAnswer == "" {
		w.WriteHeader(http.StatusNoContent) // it asked, and has no address for an answer
		return nil
	}
	el := p.message("LogoutResponse", ours, to.sloAnswer, p.c.Now())
	el.CreateAttr("InResponseTo", id)
	code := el.CreateElement("samlp:Status").CreateElement("samlp:StatusCode")
	if done {
		code.CreateAttr("Value", statusSuccess)
	} else {
		code.CreateAttr("Value", statusPrefix+"Responder")
		code.CreateElement("samlp:StatusCode").CreateAttr("Value", statusPartial)
	}
	address, err := p.redirect(to.sloAnswer, response, el, relay)
	if err != nil {
		return err
	}
	w.Header().Set("Location", address)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
