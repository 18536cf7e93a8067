// Package saml lets people sign in by SAML 2.0: Suomi.fi-tunnistus, Virtu, and
// Portti as far as it speaks SAML. A Provider is one connection, the hub as one
// service provider; it fills identity.Provider and identity.Ender.
//
//	c := saml.SuomiFi()          // or Virtu, Portti: what such a connection has in common
//	c.EntityID, c.ACS, … = …     // what is ours
//	p, err := saml.New(c)        // all mistakes at once; fetches nothing
//	go p.Run(ctx)                // metadata and keys, now and on schedule
//	p.Metadata()                 // to be sent to the national service
//
// # Who is trusted
//
// The keys of identity providers come from their metadata and from nowhere else,
// and the metadata counts only with the signature of its pinned signer, checked
// before anything in it is looked at: certificates, or a certificate that an
// authority vouches for now and that has the signer's name. Reference "#id" and
// "" are both taken, as Suomi.fi-tunnistus has one in production and the other
// in its test environment. Metadata that is over (validUntil, or MaxAge after it
// was fetched last) is not used; a document that is refused leaves the one before
// in place. Of an aggregate only the allowed providers are read, each speaks for
// its own home organisations, and whoever is there twice is not used at all.
//
// # What is checked of a response, and in which order
//
// Each step refuses with a cause of its own (cause.go); the causes are constants,
// so neither log nor error holds anything personal.
//
//  1. The memo of Begin: the sign-in was begun not too long ago, with a provider
//     that is allowed and whose metadata is fresh.
//  2. The form: one SAMLResponse, by POST, base64.
//  3. The bytes, before a tree is made of them (gate.go): size, depth, number of
//     elements; well-formed, UTF-8, one root; no DOCTYPE, so no entities; no
//     processing instructions; no comments, which split a NameID for some readers;
//     no attribute or ID twice; no undeclared prefix; the same after a round trip
//     through encoding/xml.
//  4. The shape (shape.go), by namespace: an element that is not expected where it
//     stands is an error, for signatures are wrapped with what lenient readers
//     step over.
//  5. The envelope: version, Destination is our ACS, InResponseTo is our request,
//     Issuer is who was asked, IssueInstant lies between the request and now.
//  6. The signature of the response, if it has one or must have one; then the
//     envelope again, on what the signature covers.
//  7. The status: each of the profile's errors has its identity.Why.
//  8. Decryption with any of our keys: RSA-OAEP, AES-GCM, AES-CBC where allowed;
//     the gate again for what was hidden.
//  9. The signature of the assertion, which there always must be.
//  10. What that signature covers, read anew from the bytes that were hashed, and
//     nothing else: version, Issuer; Conditions (both ends, and our entity id in
//     every audience restriction); bearer confirmation (Recipient, InResponseTo,
//     NotOnOrAfter); NameID; when the person authenticated, anew if that was
//     asked; the level; attributes, each once.
//  11. Who it is: see Mapping.
//  12. A second reader, gosaml2, reads the bytes on its own and must find the same;
//     its warnings are errors.
//  13. The assertion was not used before; last, so that nobody can use up another's.
//
// Signatures are RSA with SHA-256 or longer, digests likewise, canonicalisation
// is exclusive and without comments; one reference, to the element the signature
// stands in; keys of 2048 bits at least, whose certificate is in force. SHA-1 is in one place only, inside
// RSA-OAEP, where the profile has it. Clocks may differ by a minute unless told,
// never by more than three.
//
// # Logout
//
// End asks the provider by HTTP-Redirect. Ended reads what comes to our SLO
// address, by HTTP-Redirect (the signature is checked over the octets of the
// query as they came, in the order message, RelayState, SigAlg) or HTTP-POST. A
// provider that ends sessions everywhere does so in hidden frames, without our
// cookies: the answer of Ended names sessions by NameID and SessionIndex. The ID
// of our LogoutRequest is made of its RelayState, so that its answer is known
// without a memo.
//
// # Sources
//
// SAML 2.0 core, bindings (3.4.4.1: the signature of HTTP-Redirect), profiles
// (4.1.4: what a service provider checks), metadata, with errata 05; Identity
// Provider Discovery; Metadata for Login and Discovery User Interface; XML
// Signature and XML Encryption. Suomi.fi-tunnistus: creating metadata, technical
// interface description, messages, sign-out (kehittajille.suomi.fi). Virtu: SP
// deployment plan and discovery (wiki.eduuni.fi, CSCVIRTU). Attacks: Somorovsky
// and others, "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security
// 2012), whose wrappings XSW1–XSW8 the tests try; CVE-2026-33487 (goxmldsig).
package saml
