package saml

import (
	"crypto/cipher"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/beevik/etree"
	"github.com/russellhaering/gosaml2/types"
)

// Encryption of contents, by its name in XML Encryption.
const (
	AES128GCM = types.MethodAES128GCM
	AES192GCM = types.MethodAES192GCM
	AES256GCM = types.MethodAES256GCM
	AES128CBC = types.MethodAES128CBC
	AES256CBC = types.MethodAES256CBC
)

// GCM lists the ciphers that notice when what they hide was changed.
var GCM = []string{AES128GCM, AES192GCM, AES256GCM}

// sha1 is allowed in one place only: as the digest inside RSA-OAEP, where it
// need not resist collisions and where rsa-oaep-mgf1p has no other.
const (
	sha1Digest = "http://www.w3.org/2000/09/xmldsig#sha1"
	oaep       = types.MethodRSAOAEP
)

// decrypt opens an EncryptedAssertion or EncryptedID with any of our keys and
// returns what is in it. Whatever goes wrong with the decryption itself is one
// cause, and one to whoever sent it: CBC would tell him more.
func decrypt(el *etree.Element, keys []Pair, ciphers []string) (*etree.Element, Pair, error) {
	e, err := readEncrypted(el, ciphers)
	if err != nil {
		return nil, Pair{}, err
	}
	for _, k := range keys {
		block, err := e.key.DecryptSymmetricKey(&tls.Certificate{Certificate: [][]byte{k.Certificate.Raw}, PrivateKey: k.Key})
		if err != nil {
			continue
		}
		plain, ok := e.open(block)
		if !ok {
			return nil, Pair{}, notDecrypted
		}
		inner, err := messageGate.open(plain)
		switch {
		case err == nil:
			return inner, k, nil
		case errors.Is(err, notXML), errors.Is(err, unstable), errors.Is(err, noMessage):
			return nil, Pair{}, notDecrypted
		default:
			return nil, Pair{}, err
		}
	}
	return nil, Pair{}, notDecrypted
}

type encrypted struct {
	method string
	key    types.EncryptedKey
	data   []byte
}

// readEncrypted reads the one EncryptedData and the one EncryptedKey, which
// stands in the data's KeyInfo or beside it.
func readEncrypted(el *etree.Element, ciphers []string) (e encrypted, err error) {
	outer, err := shape(el, "xenc:EncryptedData", "xenc:EncryptedKey?")
	if err != nil {
		return e, err
	}
	data, err := shape(outer[0][0], "xenc:EncryptionMethod", "ds:KeyInfo?", "xenc:CipherData")
	if err != nil {
		return e, err
	}
	keys := outer[1]
	for _, info := range data[1] {
		for _, k := range info.ChildElements() {
			if is(k, "xenc:EncryptedKey") {
				keys = append(keys, k)
			}
		}
	}
	if len(keys) != 1 {
		return e, misshapen
	}
	if e.method = attr(data[0][0], "Algorithm"); !slices.Contains(ciphers, e.method) {
		return e, weakCipher
	}
	if e.data, err = cipherValue(data[2][0]); err != nil {
		return e, err
	}
	e.key, err = readKey(keys[0])
	return e, err
}

func readKey(el *etree.Element) (key types.EncryptedKey, err error) {
	parts, err := shape(el, "xenc:EncryptionMethod", "ds:KeyInfo?", "xenc:CipherData", "xenc:ReferenceList?", "xenc:CarriedKeyName?")
	if err != nil {
		return key, err
	}
	method := parts[0][0]
	digest, err := shape(method, "ds:DigestMethod?")
	if err != nil {
		return key, err
	}
	if attr(method, "Algorithm") != oaep || len(digest[0]) == 1 && attr(digest[0][0], "Algorithm") != sha1Digest {
		return key, weakCipher
	}
	raw, err := cipherValue(parts[2][0])
	key.EncryptionMethod.Algorithm = oaep
	key.CipherValue = base64.StdEncoding.EncodeToString(raw)
	return key, err
}

func cipherValue(el *etree.Element) ([]byte, error) {
	parts, err := shape(el, "xenc:CipherValue") // a CipherReference would have us fetch something
	if err != nil {
		return nil, err
	}
	return unbase64(parts[0][0])
}

// open decrypts the content. Not left to gosaml2, which panics on content that
// is too short or wrongly padded.
func (e encrypted) open(block cipher.Block) ([]byte, bool) {
	if slices.Contains(GCM, e.method) {
		c, err := cipher.NewGCM(block)
		if err != nil || len(e.data) < c.NonceSize()+c.Overhead() {
			return nil, false
		}
		plain, err := c.Open(nil, e.data[:c.NonceSize()], e.data[c.NonceSize():], nil)
		return plain, err == nil
	}
	size := block.BlockSize()
	if len(e.data) < 2*size || len(e.data)%size != 0 {
		return nil, false
	}
	plain := make([]byte, len(e.data)-size)
	cipher.NewCBCDecrypter(block, e.data[:size]).CryptBlocks(plain, e.data[size:])
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > size {
		return nil, false
	}
	return plain[:len(plain)-padding], true
}
