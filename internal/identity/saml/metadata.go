package saml

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"luvat/internal/i18n"
)

const nameFormatURI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

// Metadata returns our metadata, signed with the signing key in use. The same
// configuration and keys give the same bytes, so that a change shows in what is
// sent to the national service.
func (p *Provider) Metadata() ([]byte, error) {
	keys := p.state.Load().keys
	root := etree.NewElement("md:EntityDescriptor")
	for prefix, namespace := range map[string]string{
		"md": nsMetadata, "mdattr": nsAttribute, "mdui": nsUI, "saml": nsAssertion, "ds": nsSignature, "idpdisc": nsDiscovery,
		"xs": "http://www.w3.org/2001/XMLSchema", "xsi": "http://www.w3.org/2001/XMLSchema-instance",
	} {
		root.CreateAttr("xmlns:"+prefix, namespace)
	}
	root.SortAttrs()
	root.CreateAttr("entityID", p.c.EntityID)
	p.c.entityAttributes(root)
	p.c.role(root, keys)
	p.c.About.add(root)

	doc := etree.NewDocumentWithRoot(root)
	doc.Indent(2)
	plain, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("write our metadata: %w", err)
	}
	sum := sha256.Sum256(plain)
	root.CreateAttr("ID", "_"+hex.EncodeToString(sum[:16]))
	if err := sign(root, 0, keys.Signing[0]); err != nil {
		return nil, fmt.Errorf("sign our metadata: %w", err)
	}
	signed := etree.NewDocument()
	signed.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	signed.CreateText("\n")
	signed.AddChild(root)
	signed.CreateText("\n")
	return signed.WriteToBytes()
}

// sign puts an enveloped signature into el, as the child at the index.
func sign(el *etree.Element, index int, by Pair) error {
	context, err := dsig.NewSigningContext(by.Key, [][]byte{by.Certificate.Raw})
	if err != nil {
		return err
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	alone, err := detach(el)
	if err != nil {
		return err
	}
	signature, err := context.ConstructSignature(alone, true) // changes what it signs
	if err != nil {
		return err
	}
	el.InsertChildAt(index, signature)
	return nil
}

// entityAttributes adds what Suomi.fi-tunnistus reads there.
func (c *Config) entityAttributes(root *etree.Element) {
	s := c.SuomiFi
	if s == nil {
		return
	}
	all := root.CreateElement("md:Extensions").CreateElement("mdattr:EntityAttributes")
	add := func(name, friendly string, values ...string) {
		a := all.CreateElement("saml:Attribute")
		if friendly != "" {
			a.CreateAttr("FriendlyName", friendly)
		}
		a.CreateAttr("Name", name)
		a.CreateAttr("NameFormat", nameFormatURI)
		for _, v := range values {
			value := a.CreateElement("saml:AttributeValue")
			value.CreateAttr("xsi:type", "xs:string")
			value.SetText(v)
		}
	}
	support := "none"
	if eidas(c.Levels) {
		support = "full"
	}
	add("FinnishAuthMethod", "", c.Levels...)
	add("urn:oid:1.2.246.517.3003.111.3", "VtjVerificationRequired", strconv.FormatBool(s.Verify))
	add("urn:oid:1.2.246.517.3003.111.4", "SkipEndpointValidationWhenSigned", strconv.FormatBool(s.SkipEndpointValidation))
	add("urn:oid:1.2.246.517.3003.111.14", "EidasSupport", support)
	if onlyGCM(c.Ciphers) {
		add("urn:oid:1.2.246.517.3003.111.26", "CipherName", "AES-GCM")
	}
}

func onlyGCM(ciphers []string) bool {
	for _, c := range ciphers {
		if c == AES128CBC || c == AES256CBC {
			return false
		}
	}
	return true
}

// role adds our role as a service provider, in the order of the schema.
func (c *Config) role(root *etree.Element, keys Keys) {
	role := root.CreateElement("md:SPSSODescriptor")
	role.CreateAttr("protocolSupportEnumeration", nsProtocol)
	role.CreateAttr("AuthnRequestsSigned", "true")
	role.CreateAttr("WantAssertionsSigned", "true")

	extensions := role.CreateElement("md:Extensions")
	if c.Discovery != "" {
		d := extensions.CreateElement("idpdisc:DiscoveryResponse")
		d.CreateAttr("Binding", nsDiscovery)
		d.CreateAttr("Location", c.Discovery)
		d.CreateAttr("index", "0")
	}
	c.About.addUI(extensions)

	for _, k := range keys.Signing {
		addKey(role, "signing", k)
	}
	key := addKey(role, "encryption", keys.Encryption[0])
	for _, cipher := range c.Ciphers {
		key.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", cipher)
	}
	key.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", oaep)

	for _, binding := range []string{bindingRedirect, bindingPost} {
		slo := role.CreateElement("md:SingleLogoutService")
		slo.CreateAttr("Binding", binding)
		slo.CreateAttr("Location", c.SLO)
	}
	role.CreateElement("md:NameIDFormat").SetText(c.NameIDFormat)
	acs := role.CreateElement("md:AssertionConsumerService")
	acs.CreateAttr("Binding", bindingPost)
	acs.CreateAttr("Location", c.ACS)
	acs.CreateAttr("index", "0")
	acs.CreateAttr("isDefault", "true")
	c.attributes(role)
}

func (c *Config) attributes(role *etree.Element) {
	if len(c.Attributes) == 0 {
		return
	}
	service := role.CreateElement("md:AttributeConsumingService")
	service.CreateAttr("index", "0")
	service.CreateAttr("isDefault", "true")
	inLanguages(service, "md:ServiceName", c.About.Name)
	for _, a := range c.Attributes {
		el := service.CreateElement("md:RequestedAttribute")
		el.CreateAttr("FriendlyName", a.FriendlyName)
		el.CreateAttr("Name", a.Name)
		el.CreateAttr("NameFormat", nameFormatURI)
		el.CreateAttr("isRequired", strconv.FormatBool(a.Required))
	}
}

func addKey(role *etree.Element, use string, k Pair) *etree.Element {
	el := role.CreateElement("md:KeyDescriptor")
	el.CreateAttr("use", use)
	el.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(k.Certificate.Raw))
	return el
}

// addUI adds what the provider shows of us.
func (a About) addUI(extensions *etree.Element) {
	ui := extensions.CreateElement("mdui:UIInfo")
	inLanguages(ui, "mdui:DisplayName", a.Name)
	inLanguages(ui, "mdui:Description", a.Description)
	inLanguages(ui, "mdui:PrivacyStatementURL", a.Privacy)
	if a.Logo.URL != "" {
		logo := ui.CreateElement("mdui:Logo")
		logo.CreateAttr("width", strconv.Itoa(a.Logo.Width))
		logo.CreateAttr("height", strconv.Itoa(a.Logo.Height))
		logo.SetText(a.Logo.URL)
	}
}

// add adds the organisation and its people.
func (a About) add(root *etree.Element) {
	organisation := root.CreateElement("md:Organization")
	inLanguages(organisation, "md:OrganizationName", a.Organisation)
	inLanguages(organisation, "md:OrganizationDisplayName", a.Organisation)
	inLanguages(organisation, "md:OrganizationURL", a.OrganisationPage)
	for _, c := range a.Contacts {
		el := root.CreateElement("md:ContactPerson")
		el.CreateAttr("contactType", c.Type)
		email := c.Email
		if email != "" {
			email = "mailto:" + email
		}
		for _, part := range []struct{ name, value string }{
			{"Company", c.Company},
			{"GivenName", c.GivenName},
			{"SurName", c.FamilyName},
			{"EmailAddress", email},
			{"TelephoneNumber", c.Phone},
		} {
			if part.value != "" {
				el.CreateElement("md:" + part.name).SetText(part.value)
			}
		}
	}
}

func inLanguages(el *etree.Element, name string, t i18n.Text) {
	for _, l := range i18n.Langs {
		child := el.CreateElement(name)
		child.CreateAttr("xml:lang", string(l))
		child.SetText(t.In(l))
	}
}
