package saml

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/beevik/etree"

	"luvat/internal/i18n"
	"luvat/internal/identity"
)

// A memo is what Finish must know of Begin.
type memo struct {
	ID     string `json:"id"`     // of the request
	Issuer string `json:"issuer"` // whom it was sent to
	At     int64  `json:"at"`     // when, in milliseconds
	Anew   bool   `json:"anew,omitempty"`
}

func (m memo) at() time.Time { return time.UnixMilli(m.At) }

// Begin sends the browser to the identity provider with a signed AuthnRequest
// by HTTP-Redirect. Where a connection has several providers, Issuer must name
// one: see Choose and Choices.
func (p *Provider) Begin(_ context.Context, b identity.Beginning) (string, []byte, error) {
	address, m, err := p.begin(b)
	if err != nil {
		return "", nil, told(err)
	}
	kept, err := json.Marshal(m)
	if err != nil {
		return "", nil, fmt.Errorf("write the memo of a sign-in: %w", err)
	}
	return address, kept, nil
}

func (p *Provider) begin(b identity.Beginning) (string, memo, error) {
	now := p.c.Now()
	to, err := p.idp(b.Issuer, now)
	if err != nil {
		return "", memo{}, err
	}
	id, err := p.newID()
	if err != nil {
		return "", memo{}, err
	}
	el := p.message("AuthnRequest", id, to.sso, now)
	el.CreateAttr("AssertionConsumerServiceURL", p.c.ACS)
	el.CreateAttr("ProtocolBinding", bindingPost)
	if b.Anew {
		el.CreateAttr("ForceAuthn", "true")
	}
	if b.Silent {
		el.CreateAttr("IsPassive", "true")
	}
	policy := el.CreateElement("samlp:NameIDPolicy")
	policy.CreateAttr("Format", p.c.NameIDFormat)
	policy.CreateAttr("AllowCreate", "true")
	if p.c.AskLevels {
		asked := el.CreateElement("samlp:RequestedAuthnContext")
		asked.CreateAttr("Comparison", "exact")
		for _, l := range p.c.Levels {
			asked.CreateElement("saml:AuthnContextClassRef").SetText(l)
		}
	}
	var last []string
	if p.c.SuomiFi != nil {
		last = append(last, "locale="+string(lang(b.Lang)))
	}
	address, err := p.redirect(to.sso, request, el, b.State, last...)
	return address, memo{ID: id, Issuer: to.id, At: now.UnixMilli(), Anew: b.Anew}, err
}

// message begins a message of ours.
func (p *Provider) message(tag, id, to string, now time.Time) *etree.Element {
	el := etree.NewElement("samlp:" + tag)
	el.CreateAttr("xmlns:samlp", nsProtocol)
	el.CreateAttr("xmlns:saml", nsAssertion)
	el.CreateAttr("ID", id)
	el.CreateAttr("Version", "2.0")
	el.CreateAttr("IssueInstant", now.UTC().Format("2006-01-02T15:04:05Z"))
	el.CreateAttr("Destination", to)
	el.CreateElement("saml:Issuer").SetText(p.c.EntityID)
	return el
}

// lang is a language that the providers know.
func lang(l i18n.Lang) i18n.Lang { return i18n.Parse(string(l)) }

// Choose returns the address of the discovery service, where the person chooses
// the identity provider; it sends the browser back to Config.Discovery with the
// state. "" when the connection has none. Silent asks it to show nothing and to
// answer with what it remembers.
//
// (Identity Provider Discovery Service Protocol and Profile, 2008.)
func (p *Provider) Choose(state string, silent bool) string {
	if p.c.DiscoveryService == "" {
		return ""
	}
	query := url.Values{
		"entityID":      {p.c.EntityID},
		"return":        {withQuery(p.c.Discovery, "state="+url.QueryEscape(state))},
		"returnIDParam": {"entityID"},
	}
	if silent {
		query.Set("isPassive", "true")
	}
	return withQuery(p.c.DiscoveryService, query.Encode())
}

// Chosen reads the discovery service's answer: the identity provider for Begin,
// and the state given to Choose. Nothing vouches for the answer, so it is only a
// wish: whoever is not allowed is refused, and the caller knows the state.
func (p *Provider) Chosen(r *http.Request) (issuer, state string, err error) {
	query := r.URL.Query()
	state = query.Get("state")
	switch chosen := query["entityID"]; {
	case len(chosen) == 0 || len(chosen) == 1 && chosen[0] == "":
		return "", state, told(saidNothing)
	case len(chosen) > 1:
		return "", state, told(noMessage)
	default:
		issuer = chosen[0]
	}
	if _, err := p.idp(issuer, p.c.Now()); err != nil {
		return "", state, told(err)
	}
	return issuer, state, nil
}
