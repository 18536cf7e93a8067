package saml

import (
	"errors"

	"luvat/internal/identity"
)

// A cause is what is wrong with a message or with metadata, told to the log.
// Each is a constant: nothing of what came is in it.
type cause string

// Error tells the cause.
func (c cause) Error() string { return string(c) }

// What can be wrong with any message.
const (
	noMessage      cause = "no SAML message came, or more than one"
	notBase64      cause = "the message is not base64"
	notDeflated    cause = "the message is not deflated, or unpacks to too much"
	tooLarge       cause = "the message is too large"
	notXML         cause = "the message is not well-formed XML"
	doctype        cause = "the message has a DOCTYPE or another directive"
	instruction    cause = "the message has a processing instruction"
	comment        cause = "the message has a comment"
	tooDeep        cause = "the message is nested too deep or has too many elements"
	attributeTwice cause = "an element has an attribute twice"
	idTwice        cause = "two elements have the same ID"
	undeclared     cause = "a namespace is not declared"
	unstable       cause = "the message does not survive reading and writing"
	misshapen      cause = "an element stands where none may, or one is missing"
	notThisKind    cause = "the message is of another kind"
	notVersion2    cause = "the message is not of SAML 2.0"
	notHere        cause = "the destination is another address"
	noTime         cause = "a time is missing or is none"
	notNow         cause = "the message is from the future, or too old"
	otherIssuer    cause = "the issuer is not the identity provider that was asked"
	notSigned      cause = "the message is not signed"
	badSignature   cause = "the signature does not verify with any key of the signer"
	weakSignature  cause = "the signature, digest or canonicalisation algorithm is not allowed"
	otherSigned    cause = "the signature covers something else"
)

// What can be wrong with the answer to a sign-in.
const (
	overdue           cause = "the sign-in was begun too long ago"
	otherRequest      cause = "the message answers another request, or none"
	unsignedResponse  cause = "the response is not signed, and must be"
	noAssertion       cause = "the response has no assertion"
	notEncrypted      cause = "the assertion is not encrypted, and must be"
	weakCipher        cause = "the encryption algorithm is not allowed"
	notDecrypted      cause = "the assertion cannot be decrypted with any key of ours"
	unsignedAssertion cause = "the assertion is not signed"
	tooEarly          cause = "the assertion is not valid yet"
	tooLate           cause = "the assertion is not valid any more"
	otherAudience     cause = "the assertion is for another audience"
	notBearer         cause = "the subject is not confirmed by bearer"
	otherRecipient    cause = "the recipient is another address"
	noName            cause = "the subject has no name, or one of another format or for another service"
	twoAuthentication cause = "there is not exactly one authentication statement"
	notAnew           cause = "the person did not authenticate anew, as was asked"
	sessionOver       cause = "the provider's session is over"
	attributeDoubled  cause = "an attribute is there twice"
	attributeMany     cause = "an attribute that names somebody has several values"
	usedBefore        cause = "the assertion was used before"
	levelTooLow       cause = "the level of authentication is not among those accepted"
	otherHome         cause = "the identity provider may not speak for this home organisation"
	nobody            cause = "no attribute tells who the person is"
	notInRegister     cause = "the person was not verified from the population register"
	readersDisagree   cause = "the second reader disagrees with the first"
)

// What the provider itself says.
const (
	saidFailed      cause = "status AuthnFailed: the person came back without identity"
	saidDenied      cause = "status RequestDenied"
	saidNoContext   cause = "status NoAuthnContext"
	saidNoPassive   cause = "status NoPassive"
	saidNoName      cause = "status InvalidNameIDPolicy"
	saidUnsupported cause = "status RequestUnsupported"
	saidVersion     cause = "status VersionMismatch"
	saidUnknown     cause = "status UnknownPrincipal"
	saidNoProvider  cause = "status NoAvailableIDP or NoSupportedIDP"
	saidResponder   cause = "status Responder, without a reason that is known"
	saidRequester   cause = "status Requester, without a reason that is known"
	saidOther       cause = "a status that is not known"
	saidNothing     cause = "the discovery service came back without a choice"
)

// What can be wrong before anything came.
const (
	notLoaded  cause = "the provider's metadata is not loaded"
	stale      cause = "the provider's metadata is stale"
	notAllowed cause = "the identity provider is not allowed"
	notListed  cause = "the identity provider is not in the metadata"
)

// whys tells the reason for people where it is another than NotValid.
var whys = map[cause]identity.Why{
	notNow: identity.TooOld, overdue: identity.TooOld, tooEarly: identity.TooOld, tooLate: identity.TooOld,
	usedBefore: identity.TooOld, notAnew: identity.NotAnew, sessionOver: identity.TooOld, saidDenied: identity.TooOld,

	levelTooLow: identity.TooWeak,

	nobody: identity.NotKnown, notInRegister: identity.NotKnown, saidUnknown: identity.NotKnown, notAllowed: identity.NotKnown,

	saidFailed: identity.Cancelled, saidNothing: identity.Cancelled,
	saidNoPassive: identity.NotSilent,
	saidNoContext: identity.NotPossible, saidNoName: identity.NotPossible, saidUnsupported: identity.NotPossible,
	saidVersion: identity.NotPossible, saidRequester: identity.NotPossible, saidOther: identity.NotPossible,

	saidResponder: identity.NotThere, saidNoProvider: identity.NotThere,
	notLoaded: identity.NotThere, stale: identity.NotThere, notListed: identity.NotThere,
}

// told turns a cause into the refusal that the callers of the package know.
// Any other error is the hub's own and stays as it is.
func told(err error) error {
	c, ok := errors.AsType[cause](err)
	if !ok {
		return err
	}
	why, ok := whys[c]
	if !ok {
		why = identity.NotValid
	}
	return &identity.Refusal{Why: why, Cause: c}
}
