package oidc

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"luvat/internal/i18n"
	"luvat/internal/identity"
)

// Claims names the claims of an ID token that say who somebody is; "" for what
// the provider does not tell.
type Claims struct {
	Subject      string `json:"subject"`       // the lasting name of the person; sub, where it lasts
	PersonalCode string `json:"personal_code"` // henkilötunnus
	ForeignID    string `json:"foreign_id"`
	Name         string `json:"name"` // as shown; taken where there is no given and family name
	GivenName    string `json:"given_name"`
	FamilyName   string `json:"family_name"`
	Email        string `json:"email"` // not taken when email_verified says no
	Lang         string `json:"lang"`
	Organisation string `json:"organisation"`
}

// FTNClaims are the names that OP's broker, and others after it, use in the
// Finnish Trust Network. Its sub is of one identification only.
func FTNClaims() Claims {
	return Claims{PersonalCode: "personal_identity_code", Name: "name", GivenName: "given_name", FamilyName: "family_name"}
}

// TeliaClaims are those of Telia's broker: object identifiers.
func TeliaClaims() Claims {
	return Claims{
		PersonalCode: "urn:oid:1.2.246.21", Name: "urn:oid:2.16.840.1.113730.3.1.241",
		GivenName: "urn:oid:1.2.246.575.1.14", FamilyName: "urn:oid:2.5.4.4",
	}
}

// PlainClaims are those of OpenID Connect itself, as an organisation's provider
// such as Portti tells them.
func PlainClaims() Claims {
	return Claims{Subject: "sub", Name: "name", GivenName: "given_name", FamilyName: "family_name", Email: "email", Lang: "locale", Organisation: "organization"}
}

// longest is how long what a claim says may be, in bytes.
const longest = 512

// said are the claims of a verified token. The names are told apart to the
// letter.
type said map[string]json.RawMessage

// text returns a claim's text; "" when it is not there. ok is false for one that
// is no text, or none that a person's data may hold.
func (s said) text(name string) (text string, ok bool) {
	raw, there := s[name]
	if name == "" || !there || string(raw) == "null" {
		return "", true
	}
	if json.Unmarshal(raw, &text) != nil || len(text) > longest || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", false
	}
	return strings.TrimSpace(text), true
}

// person fills in who somebody is. ok is false when a claim makes no sense.
func (c Claims) person(s said) (a identity.Assertion, ok bool) {
	lang := ""
	for _, claim := range []struct {
		name string
		into *string
	}{
		{c.Subject, &a.Subject},
		{c.PersonalCode, &a.PersonalCode},
		{c.ForeignID, &a.ForeignID},
		{c.Name, &a.Name},
		{c.GivenName, &a.GivenName},
		{c.FamilyName, &a.FamilyName},
		{c.Email, &a.Email},
		{c.Lang, &lang},
		{c.Organisation, &a.Organisation},
	} {
		if *claim.into, ok = s.text(claim.name); !ok {
			return identity.Assertion{}, false
		}
	}
	if a.GivenName != "" && a.FamilyName != "" {
		a.Name = a.GivenName + " " + a.FamilyName // brokers' name begins with the family's
	}
	if string(s["email_verified"]) == "false" {
		a.Email = ""
	}
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	a.Lang, _ = i18n.Known(lang)
	return a, true
}
