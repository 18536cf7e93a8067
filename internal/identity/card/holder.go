package card

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/unicode/norm"

	"luvat/internal/identity"
)

// A holder is what a card says of whom it was issued to.
type holder struct {
	serial               string // the subject's serialNumber
	name, given, surname string // fit to be shown
	email                string // "" when there is none
	upn                  string // user principal name, "" when there is none
	organisations        []string
}

// The attributes of a subject, and the user principal name of Windows.
var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
	oidAltName      = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidUPN          = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
)

// read reads a certificate whose chain holds. What a decision hangs on
// (number, organisation, user principal name) must be plain; names are only
// made fit to be shown.
func read(cert *x509.Certificate) (holder, error) {
	serials := attribute(cert, oidSerialNumber)
	if len(serials) != 1 || !plainNumber(serials[0]) {
		return holder{}, identity.Refuse(identity.NotValid, "the subject has not one plain serialNumber")
	}
	h := holder{serial: serials[0]}
	for _, o := range cert.Subject.Organization {
		if o = plainText(o); o != "" {
			h.organisations = append(h.organisations, o)
		}
	}
	emails, upns, ok := altNames(cert)
	if !ok || len(upns) > 1 {
		return holder{}, identity.Refuse(identity.NotValid, "the alternative names of the subject are not to be read")
	}
	if len(upns) == 1 {
		if h.upn = plainText(upns[0]); h.upn == "" {
			return holder{}, identity.Refuse(identity.NotValid, "the user principal name is not plain text")
		}
	}
	for _, e := range append(emails, upns...) {
		if h.email = address(e); h.email != "" {
			break
		}
	}
	h.given, h.surname = shown(first(attribute(cert, oidGivenName))), shown(first(attribute(cert, oidSurname)))
	h.name = strings.TrimSpace(h.given + " " + h.surname)
	if h.given == "" || h.surname == "" {
		common := shown(first(attribute(cert, oidCommonName)))
		h.name = strings.TrimSpace(strings.TrimSuffix(common, h.serial))
	}
	return h, nil
}

func attribute(cert *x509.Certificate, oid asn1.ObjectIdentifier) (all []string) {
	for _, a := range cert.Subject.Names {
		if s, ok := a.Value.(string); ok && a.Type.Equal(oid) {
			all = append(all, s)
		}
	}
	return all
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// altNames reads the e-mail addresses and the user principal names of the
// subject. crypto/x509 reads no otherName.
func altNames(cert *x509.Certificate) (emails, upns []string, ok bool) {
	i := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidAltName) })
	if i < 0 {
		return nil, nil, true
	}
	in := cryptobyte.String(cert.Extensions[i].Value)
	var list cryptobyte.String
	if !in.ReadASN1(&list, der.SEQUENCE) || !in.Empty() {
		return nil, nil, false
	}
	for !list.Empty() {
		var value cryptobyte.String
		var tag der.Tag
		if !list.ReadAnyASN1(&value, &tag) {
			return nil, nil, false
		}
		switch tag {
		case der.Tag(1).ContextSpecific():
			emails = append(emails, string(value))
		case der.Tag(0).ContextSpecific().Constructed():
			upn, is, ok := principal(value)
			if !ok {
				return nil, nil, false
			}
			if is {
				upns = append(upns, upn)
			}
		}
	}
	return emails, upns, true
}

// principal reads an otherName; is tells whether it is a user principal name.
func principal(in cryptobyte.String) (upn string, is, ok bool) {
	var id asn1.ObjectIdentifier
	var value, text cryptobyte.String
	if !in.ReadASN1ObjectIdentifier(&id) || !in.ReadASN1(&value, der.Tag(0).ContextSpecific().Constructed()) || !in.Empty() {
		return "", false, false
	}
	if !id.Equal(oidUPN) {
		return "", false, true
	}
	if !value.ReadASN1(&text, der.UTF8String) || !value.Empty() {
		return "", false, false
	}
	return string(text), true, true
}

// plainNumber tells whether a serialNumber has only what an identifier has.
func plainNumber(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -.:+/", r)
	}) < 0
}

// plainText returns a text in one form, with single spaces; "" for one that has
// what cannot be seen in it, is no text or is too long to be meant.
func plainText(s string) string {
	if len(s) > 512 || !utf8.ValidString(s) || strings.IndexFunc(s, unseen) >= 0 {
		return ""
	}
	return strings.Join(strings.Fields(norm.NFC.String(s)), " ")
}

// unseen are control characters, marks that turn the direction of writing, and
// all else that can make two texts look the same.
func unseen(r rune) bool {
	return r == unicode.ReplacementChar || r != ' ' && (unicode.IsControl(r) || unicode.IsSpace(r)) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}

// shown makes a name fit to be shown: without what cannot be seen, and not
// longer than names are.
func shown(s string) string {
	if len(s) > 4096 {
		s = s[:4096]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
	words := []rune(strings.Join(strings.Fields(norm.NFC.String(s)), " "))
	if len(words) > 100 {
		words = append(words[:99], '…')
	}
	return string(words)
}

// address returns an e-mail address, "" for what is none.
func address(s string) string {
	if len(s) > 254 || plainText(s) != s {
		return ""
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return ""
	}
	return s
}

// employer returns the authority whose organisation the card is of.
func employer(all []Organisation, h holder) (string, error) {
	found := ""
	for _, o := range all {
		if !o.matches(h) {
			continue
		}
		if found != "" && found != o.Authority {
			return "", identity.Refuse(identity.NotKnown, "the card's organisation is that of more than one authority")
		}
		found = o.Authority
	}
	if found == "" {
		return "", identity.Refuse(identity.NotKnown, "the card's organisation is not one that may come in this way")
	}
	return found, nil
}

func (o Organisation) matches(h holder) bool {
	_, domain, _ := strings.Cut(h.upn, "@")
	named := func(s string) bool {
		return slices.ContainsFunc(h.organisations, func(of string) bool { return strings.EqualFold(plainText(s), of) })
	}
	begins := func(s string) bool { return strings.HasPrefix(h.serial, s) }
	ends := func(s string) bool { return domain != "" && strings.EqualFold(s, domain) }
	return len(o.Names)+len(o.SerialPrefixes)+len(o.UPNDomains) > 0 &&
		(len(o.Names) == 0 || slices.ContainsFunc(o.Names, named)) &&
		(len(o.SerialPrefixes) == 0 || slices.ContainsFunc(o.SerialPrefixes, begins)) &&
		(len(o.UPNDomains) == 0 || slices.ContainsFunc(o.UPNDomains, ends))
}
