package pic

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// A Vault keeps at rest what identifies people. It is an identity.Vault.
//
// To take a new key into use, write it as the last line of the ring on every
// node, then as the first; then let identity.Rotate pass over all rows; then take
// the old line away. What the old key made is readable until that.
type Vault struct {
	keys  Keys // of AES-256-GCM
	finds Keys // of HMAC-SHA256
}

// What can be wrong with a sealed text.
var (
	ErrNoKey  = errors.New("the text was sealed with a key that the ring no longer has")
	ErrSealed = errors.New("the text was not sealed by this vault for this row, or has been changed")
)

// NewVault makes a vault of two rings: one that encrypts and one that finds. No
// key may be in both.
func NewVault(encrypt, find Keys) (*Vault, error) {
	if len(encrypt.list) == 0 || len(find.list) == 0 {
		return nil, errors.New("a vault needs a key that encrypts and a key that finds")
	}
	for _, a := range encrypt.list {
		for _, b := range find.list {
			if same(a, b) {
				return nil, fmt.Errorf("key %s encrypts and, as %s, finds: each needs a key of its own", a.id, b.id)
			}
		}
	}
	return &Vault{encrypt, find}, nil
}

// Seal encrypts a text for the row it stands in: "key.text". In another row it
// does not open. Its length shows; a code's is always the same.
func (v *Vault) Seal(plain, row string) (string, error) {
	if row == "" {
		return "", errors.New("nothing is sealed for no row")
	}
	k := v.keys.list[0]
	aead, err := k.aead()
	if err != nil {
		return "", err
	}
	return k.id + "." + encoding.EncodeToString(aead.Seal(nil, nil, []byte(plain), bound(k.id, row))), nil
}

// Open decrypts what Seal, or Rotate, made for the row.
func (v *Vault) Open(sealed, row string) (string, error) {
	id, text, ok := strings.Cut(sealed, ".")
	if !ok || row == "" {
		return "", ErrSealed
	}
	k := v.keys.find(id)
	if k == nil {
		return "", ErrNoKey
	}
	b, err := encoding.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return "", ErrSealed
	}
	aead, err := k.aead()
	if err != nil {
		return "", err
	}
	plain, err := aead.Open(nil, nil, b, bound(id, row))
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}

// Rotate returns the text sealed anew when another key than the first made it,
// and tells whether it did.
func (v *Vault) Rotate(sealed, row string) (string, bool, error) {
	if id, _, ok := strings.Cut(sealed, "."); ok && id == v.keys.list[0].id {
		return sealed, false, nil
	}
	plain, err := v.Open(sealed, row)
	if err != nil {
		return "", false, err
	}
	fresh, err := v.Seal(plain, row)
	return fresh, err == nil, err
}

// Hash returns the keyed hash that a row is found by: "key.hash". It is always
// the same for the same value while the ring's first key is, and "" for "":
// those who have none do not look alike.
func (v *Vault) Hash(value string) string {
	if value == "" {
		return ""
	}
	return v.finds.list[0].hash(value)
}

// Hashes returns the hashes by every key, the newest first. While a ring is being
// rotated a row may bear any of them, so look for all, also before a new row is
// written.
func (v *Vault) Hashes(value string) []string {
	if value == "" {
		return nil
	}
	all := make([]string, len(v.finds.list))
	for i, k := range v.finds.list {
		all[i] = k.hash(value)
	}
	return all
}

// KeyOf returns the id of the key that made a sealed text or a hash; "" for what
// no key made.
func KeyOf(made string) string {
	id, _, ok := strings.Cut(made, ".")
	if !ok || !keyID.MatchString(id) {
		return ""
	}
	return id
}

// IDs returns the ids of the keys that encrypt and of those that find, the one
// that makes what is new first.
func (v *Vault) IDs() (encrypt, find []string) { return v.keys.ids(), v.finds.ids() }

// Stale tells whether another key than the first made the hash: the row's value
// is to be opened and hashed anew.
func (v *Vault) Stale(hash string) bool {
	id, _, _ := strings.Cut(hash, ".")
	return id != v.finds.list[0].id
}

var encoding = base64.RawURLEncoding.Strict()

// aead draws a nonce for every text and writes it before it.
func (k *key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.bytes())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is what a text is bound to: its use, its key's name and its row.
func bound(id, row string) []byte { return []byte("luvat personal code v1\x00" + id + "\x00" + row) }

func (k *key) hash(value string) string {
	mac := hmac.New(sha256.New, k.bytes())
	_, _ = mac.Write([]byte("luvat identifier v1\x00" + value)) // never fails
	return k.id + "." + encoding.EncodeToString(mac.Sum(nil))
}
