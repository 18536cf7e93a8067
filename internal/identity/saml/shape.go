package saml

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Namespaces, by the prefixes that shapes use.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsUI        = "urn:oasis:names:tc:SAML:metadata:ui"
	nsAttribute = "urn:oasis:names:tc:SAML:metadata:attribute"
	nsDiscovery = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol"
	nsScope     = "urn:mace:shibboleth:metadata:1.0"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	nsCipher    = "http://www.w3.org/2001/04/xmlenc#"
	nsVetuma    = "urn:vetuma:SAML:2.0:extensions"
)

var prefixes = map[string]string{
	"samlp": nsProtocol, "saml": nsAssertion, "md": nsMetadata, "mdui": nsUI, "shibmd": nsScope,
	"ds": nsSignature, "ec": nsExclusive, "xenc": nsCipher,
}

// is tells whether el has a name such as "saml:Assertion", by its namespace and
// never by the prefix that the message happens to use.
func is(el *etree.Element, name string) bool {
	prefix, tag, _ := strings.Cut(name, ":")
	return el.Tag == tag && el.NamespaceURI() == prefixes[prefix]
}

// shape returns the children of el, slot by slot, or misshapen. A slot is a
// name or several with | between, ended by ? for at most one, * for any number,
// + for one or more. What fits no slot is an error, be it an element, text
// between elements or something from another namespace: signatures are wrapped,
// and names replaced, by what a lenient reader steps over.
func shape(el *etree.Element, slots ...string) ([][]*etree.Element, error) {
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.Element:
		case *etree.CharData:
			if strings.TrimSpace(t.Data) != "" {
				return nil, misshapen
			}
		default:
			return nil, misshapen
		}
	}
	rest := el.ChildElements()
	found := make([][]*etree.Element, len(slots))
	for i, slot := range slots {
		names := strings.Split(strings.TrimRight(slot, "?*+"), "|")
		least, most := 1, 1
		switch slot[len(slot)-1] {
		case '?':
			least = 0
		case '*':
			least, most = 0, len(rest)
		case '+':
			most = len(rest)
		}
		for len(rest) > 0 && len(found[i]) < most && slices.ContainsFunc(names, func(n string) bool { return is(rest[0], n) }) {
			found[i], rest = append(found[i], rest[0]), rest[1:]
		}
		if len(found[i]) < least {
			return nil, misshapen
		}
	}
	if len(rest) > 0 {
		return nil, misshapen
	}
	return found, nil
}

// text returns the whole text of an element that has nothing but text.
func text(el *etree.Element) (string, error) {
	var all strings.Builder
	for _, t := range el.Child {
		data, ok := t.(*etree.CharData)
		if !ok {
			return "", misshapen
		}
		all.WriteString(data.Data)
	}
	return all.String(), nil
}

// word is text without the white space around it: an address or a code.
func word(el *etree.Element) (string, error) {
	s, err := text(el)
	return strings.TrimSpace(s), err
}

// attr returns an attribute without a namespace, "" when there is none.
func attr(el *etree.Element, name string) string {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

// moment reads an attribute that is a time. Without one it is the zero time.
func moment(el *etree.Element, name string) (time.Time, error) {
	s := attr(el, name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.IsZero() {
		return time.Time{}, noTime
	}
	return t, nil
}

// must is moment for a time that must be there.
func must(el *etree.Element, name string) (time.Time, error) {
	t, err := moment(el, name)
	if err == nil && t.IsZero() {
		err = noTime
	}
	return t, err
}
