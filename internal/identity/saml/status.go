package saml

import "github.com/beevik/etree"

const (
	statusPrefix  = "urn:oasis:names:tc:SAML:2.0:status:"
	statusSuccess = statusPrefix + "Success"
	statusPartial = statusPrefix + "PartialLogout"
)

// says tells what a status means, by its second level and then by its first.
// Suomi.fi's are in its technical interface description, the rest in SAML core
// 3.2.2.2.
var says = map[string]cause{
	"AuthnFailed":         saidFailed,
	"RequestDenied":       saidDenied,
	"NoAuthnContext":      saidNoContext,
	"NoPassive":           saidNoPassive,
	"InvalidNameIDPolicy": saidNoName,
	"RequestUnsupported":  saidUnsupported,
	"UnknownPrincipal":    saidUnknown,
	"NoAvailableIDP":      saidNoProvider,
	"NoSupportedIDP":      saidNoProvider,
	"VersionMismatch":     saidVersion,
	"Responder":           saidResponder,
	"Requester":           saidRequester,
}

// codes reads the first and the second level of a Status. A third, the message
// and the detail are for people at the provider.
func codes(el *etree.Element) (first, second string, err error) {
	for _, child := range el.ChildElements() {
		if !is(child, "samlp:StatusCode") && !is(child, "samlp:StatusMessage") && !is(child, "samlp:StatusDetail") {
			return "", "", misshapen
		}
		if !is(child, "samlp:StatusCode") {
			continue
		}
		if first != "" || attr(child, "Value") == "" {
			return "", "", misshapen
		}
		first = attr(child, "Value")
		for _, inner := range child.ChildElements() {
			if !is(inner, "samlp:StatusCode") || second != "" {
				return "", "", misshapen
			}
			second = attr(inner, "Value")
		}
	}
	if first == "" {
		err = misshapen
	}
	return first, second, err
}

// statusOf is nil for success, or what the provider says instead.
func statusOf(el *etree.Element) error {
	first, second, err := codes(el)
	if err != nil {
		return err
	}
	if first == statusSuccess {
		return nil
	}
	for _, code := range []string{second, first} {
		if len(code) > len(statusPrefix) && code[:len(statusPrefix)] == statusPrefix {
			if c, ok := says[code[len(statusPrefix):]]; ok {
				return c
			}
		}
	}
	return saidOther
}
