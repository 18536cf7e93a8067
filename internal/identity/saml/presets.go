package saml

import (
	"errors"
	"slices"
	"strings"
)

// Formats of names.
const (
	Transient  = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	Persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
)

// Levels and methods of authentication at Suomi.fi-tunnistus.
const (
	FinnishHigh        = "http://ftn.ficora.fi/2017/loa3"
	FinnishSubstantial = "http://ftn.ficora.fi/2017/loa2"
	EIDASHigh          = "http://eidas.europa.eu/LoA/high"
	EIDASSubstantial   = "http://eidas.europa.eu/LoA/substantial"

	// TestIdentifier (testitunnistaja) is accepted in the test environment only.
	TestIdentifier = "urn:oid:1.2.246.517.3002.110.999"
)

// An Attribute is one that our metadata asks for.
type Attribute struct {
	Name, FriendlyName string
	Required           bool
}

// SuomiFiExtras are what Suomi.fi-tunnistus reads in our metadata besides the
// standard, and expects in messages.
type SuomiFiExtras struct {
	// Verify has every Finnish person verified from the population register
	// (VtjVerificationRequired); whoever was not is refused by us too.
	Verify bool

	// SkipEndpointValidation lets signed requests name addresses that are not in
	// our metadata (SkipEndpointValidationWhenSigned).
	SkipEndpointValidation bool
}

// check: a level that is not Suomi.fi's would be asked for and never granted.
func (s *SuomiFiExtras) check(levels []string) error {
	if s == nil {
		return nil
	}
	if len(levels) == 0 {
		return errors.New("levels are needed at Suomi.fi-tunnistus: they are FinnishAuthMethod in our metadata")
	}
	return nil
}

// eidas tells whether persons may come by means of other countries.
func eidas(levels []string) bool {
	return slices.ContainsFunc(levels, func(l string) bool { return strings.HasPrefix(l, "http://eidas.europa.eu/") })
}

const (
	oidPersonalCode = "urn:oid:1.2.246.21"
	oidCommonName   = "urn:oid:2.5.4.3"
	oidDisplayName  = "urn:oid:2.16.840.1.113730.3.1.241"
	oidGivenName    = "urn:oid:2.5.4.42"
	oidFamilyName   = "urn:oid:2.5.4.4"
	oidMail         = "urn:oid:0.9.2342.19200300.100.1.3"
	oidForeign      = "urn:oid:1.2.246.517.3002.111.17"
	oidVerified     = "urn:oid:1.2.246.517.3002.111.2"
	oidLanguage     = "urn:oid:2.16.840.1.113730.3.1.39"

	eidasPerson     = "http://eidas.europa.eu/attributes/naturalperson/PersonIdentifier"
	eidasGivenName  = "http://eidas.europa.eu/attributes/naturalperson/CurrentGivenName"
	eidasFamilyName = "http://eidas.europa.eu/attributes/naturalperson/CurrentFamilyName"

	oidVirtuLocalID      = "urn:oid:1.3.6.1.4.1.31350.1.8"
	oidVirtuOrganisation = "urn:oid:1.3.6.1.4.1.31350.1.5"
	oidVirtuEntitlement  = "urn:oid:1.3.6.1.4.1.31350.1.4"
	oidOrganisation      = "urn:oid:2.5.4.10"
)

// SuomiFi returns what a connection to Suomi.fi-tunnistus has: the attributes of
// the smallest data package (suppea) that the hub needs, and the e-mail address,
// which is in the middle one; strong Finnish and eIDAS authentication; assertions
// that are signed inside signed responses and encrypted with AES-GCM. For the
// test environment add TestIdentifier to the levels.
func SuomiFi() Config {
	return Config{
		Name:           "suomifi",
		Levels:         []string{FinnishHigh, FinnishSubstantial, EIDASHigh, EIDASSubstantial},
		Ciphers:        GCM,
		Encrypted:      true,
		SignedResponse: true,
		SuomiFi:        &SuomiFiExtras{Verify: true},
		Mapping: Mapping{
			EIDAS:        eidasPerson,
			PersonalCode: oidPersonalCode,
			ForeignID:    oidForeign,
			Name:         []string{oidDisplayName, oidCommonName},
			GivenName:    []string{oidGivenName, eidasGivenName},
			FamilyName:   []string{oidFamilyName, eidasFamilyName},
			Email:        []string{oidMail},
			Verified:     oidVerified,
		},
		Attributes: []Attribute{
			{oidPersonalCode, "nationalIdentificationNumber", false},
			{oidCommonName, "cn", false},
			{oidDisplayName, "displayName", false},
			{oidGivenName, "givenName", false},
			{oidFamilyName, "sn", false},
			{oidMail, "mail", false},
			{oidVerified, "vtjVerified", false},
			{oidForeign, "foreignPersonIdentifier", false},
			{eidasPerson, "PersonIdentifier", false},
			{eidasGivenName, "FirstName", false},
			{eidasFamilyName, "FamilyName", false},
		},
	}
}

// Virtu returns what a connection to Virtu has: an aggregate of home
// organisations' identity providers, each of which speaks for itself only.
// Somebody is known by local id and home organisation, never by mail.
func Virtu() Config {
	return Config{
		Name:     "virtu",
		AnyLevel: true, // the federation's agreement binds the home organisations
		Mapping: Mapping{
			Subject:      []string{oidVirtuLocalID, oidVirtuOrganisation},
			Organisation: oidVirtuOrganisation,
			Name:         []string{oidCommonName},
			GivenName:    []string{oidGivenName},
			FamilyName:   []string{oidFamilyName},
			Email:        []string{oidMail},
		},
		Attributes: []Attribute{
			{oidVirtuLocalID, "virtuLocalID", true},
			{oidVirtuOrganisation, "virtuHomeOrganization", true},
			{oidCommonName, "cn", true},
			{oidGivenName, "givenName", true},
			{oidFamilyName, "sn", true},
			{oidMail, "mail", false},
			{oidVirtuEntitlement, "virtuPersonEntitlement", false},
			{oidOrganisation, "o", false},
		},
	}
}

// Portti returns a beginning for a connection of the rescue departments, whose
// protocol is not public: a lasting name of the person in a persistent NameID,
// and the usual names of attributes. Mapping and the rest are for the connection
// to change as its owner tells.
func Portti() Config {
	return Config{
		Name:         "portti",
		AnyLevel:     true,
		NameIDFormat: Persistent,
		Mapping: Mapping{
			Organisation: oidOrganisation,
			Name:         []string{oidDisplayName, oidCommonName},
			GivenName:    []string{oidGivenName},
			FamilyName:   []string{oidFamilyName},
			Email:        []string{oidMail},
			Lang:         []string{oidLanguage},
		},
		Attributes: []Attribute{
			{oidOrganisation, "o", true},
			{oidDisplayName, "displayName", false},
			{oidCommonName, "cn", false},
			{oidGivenName, "givenName", true},
			{oidFamilyName, "sn", true},
			{oidMail, "mail", false},
			{oidLanguage, "preferredLanguage", false},
		},
	}
}
