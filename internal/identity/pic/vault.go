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

// A Vault keeps codes at rest.
//
// To take a new key into use, write it as the first line of the ring; then let
// Rotate pass over all rows; then take the old line away. What the old key made
// is readable until that.
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

// Seal encrypts a code for the row whose id is given: "key.text". In another row
// it does not open.
func (v *Vault) Seal(row string, c Code) (string, error) {
	if c.IsZero() {
		return "", errors.New("there is no code to seal")
	}
	return v.SealText(row, []byte(c.Reveal()))
}

// Open decrypts what Seal, or Rotate, made for the row.
func (v *Vault) Open(row, sealed string) (Code, error) {
	plain, err := v.OpenText(row, sealed)
	if err != nil {
		return Code{}, err
	}
	return Parse(string(plain))
}

// Rotate returns the text sealed anew when another key than the first made it,
// and tells whether it did.
func (v *Vault) Rotate(row, sealed string) (string, bool, error) {
	if id, _, ok := strings.Cut(sealed, "."); ok && id == v.keys.list[0].id {
		return sealed, false, nil
	}
	plain, err := v.OpenText(row, sealed)
	if err != nil {
		return "", false, err
	}
	fresh, err := v.SealText(row, plain)
	return fresh, err == nil, err
}

// SealText encrypts any short secret that belongs to a row, such as a memo that
// holds a code.
func (v *Vault) SealText(row string, plain []byte) (string, error) {
	if row == "" {
		return "", errors.New("nothing is sealed for no row")
	}
	k := v.keys.list[0]
	aead, err := k.aead()
	if err != nil {
		return "", err
	}
	return k.id + "." + encoding.EncodeToString(aead.Seal(nil, nil, plain, bound(k.id, row))), nil
}

// OpenText decrypts what SealText made for the row.
func (v *Vault) OpenText(row, sealed string) ([]byte, error) {
	id, text, ok := strings.Cut(sealed, ".")
	if !ok || row == "" {
		return nil, ErrSealed
	}
	k := v.keys.find(id)
	if k == nil {
		return nil, ErrNoKey
	}
	b, err := encoding.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, ErrSealed
	}
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, b, bound(id, row))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Hash returns the keyed hash that a row of the code is found by: "key.hash".
// It is always the same for the same code while the ring's first key is, and ""
// for no code: those who have none do not look alike.
func (v *Vault) Hash(c Code) string {
	if c.IsZero() {
		return ""
	}
	return v.finds.list[0].hash(c)
}

// Hashes returns the hashes by every key, the newest first. While a ring is being
// rotated a person's row may bear any of them, so look for all, also before a new
// row is written.
func (v *Vault) Hashes(c Code) []string {
	if c.IsZero() {
		return nil
	}
	all := make([]string, len(v.finds.list))
	for i, k := range v.finds.list {
		all[i] = k.hash(c)
	}
	return all
}

// HashesOfText returns the keyed hashes by which a row of any text that
// identifies somebody is found, the newest key's first: of what is no personal
// identity code, such as a provider's own name of a person.
func (v *Vault) HashesOfText(text string) []string {
	all := make([]string, len(v.finds.list))
	for i, k := range v.finds.list {
		mac := hmac.New(sha256.New, k.bytes())
		_, _ = mac.Write([]byte("luvat identifier v1\x00" + text)) // never fails
		all[i] = k.id + "." + encoding.EncodeToString(mac.Sum(nil))
	}
	return all
}

// Stale tells whether another key than the first made the hash: the row's code
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

func (k *key) hash(c Code) string {
	mac := hmac.New(sha256.New, k.bytes())
	_, _ = mac.Write([]byte("luvat personal code v1\x00" + c.Reveal())) // never fails
	return k.id + "." + encoding.EncodeToString(mac.Sum(nil))
}
