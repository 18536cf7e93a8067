package pic

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// keySize is the size of every key, of AES-256 and of HMAC-SHA256 alike.
const keySize = 32

// A Keys is a ring of keys with names. The first makes what is new; all of them
// read what is old. It shows no key however it is printed.
type Keys struct{ list []*key }

// A key keeps its bytes in a function: of that fmt knows an address only, while
// with the wrong verb it prints all that a pointer points to.
type key struct {
	id    string
	bytes func() []byte
}

// MaxID is how long the id of a key may be.
const MaxID = 16

// keyID is what a key may be called: it stands in every text the key made.
var keyID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,15}$`)

// ParseKeys reads a ring from configuration: a line "id:key" for every key, the
// one to use first, the key being 32 random bytes in base64, as
// openssl rand -base64 32 writes them. Empty lines and those that begin with #
// do not count. All mistakes are told at once, by line, without showing a key.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err == nil {
			err = keys.add(k)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", i+1, err))
		}
	}
	if len(keys.list) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New(`no key: write a line "id:key", the key being 32 random bytes in base64`))
	}
	if err := errors.Join(errs...); err != nil {
		return Keys{}, err
	}
	return keys, nil
}

// parseKey reads a line. Of a line that has no proper id nothing is repeated: it
// may be a key that lost its id.
func parseKey(line string) (*key, error) {
	id, encoded, ok := strings.Cut(line, ":")
	if !ok || !keyID.MatchString(id) {
		return nil, errors.New(`does not begin with an id and a colon: an id is up to 16 of a-z, 0-9 and "-"`)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, fmt.Errorf("key %s is not base64", id)
	}
	if len(b) != keySize {
		return nil, fmt.Errorf("key %s has %d bytes, and must have %d", id, len(b), keySize)
	}
	return &key{id, func() []byte { return b }}, nil
}

func (ks *Keys) add(k *key) error {
	for _, other := range ks.list {
		if other.id == k.id {
			return fmt.Errorf("key %s stands there twice: every key has an id of its own, for ever", k.id)
		}
		if same(other, k) {
			return fmt.Errorf("key %s is key %s again", k.id, other.id)
		}
	}
	ks.list = append(ks.list, k)
	return nil
}

func same(a, b *key) bool { return subtle.ConstantTimeCompare(a.bytes(), b.bytes()) == 1 }

// find returns the key with the id, or nil.
func (ks Keys) find(id string) *key {
	for _, k := range ks.list {
		if k.id == id {
			return k
		}
	}
	return nil
}

// ids returns the keys' ids in their order.
func (ks Keys) ids() []string {
	all := make([]string, len(ks.list))
	for i, k := range ks.list {
		all[i] = k.id
	}
	return all
}

// NewKey makes a key and returns it as a line of configuration.
func NewKey(id string) string {
	var b [keySize]byte
	_, _ = rand.Read(b[:]) // never fails
	return id + ":" + base64.StdEncoding.EncodeToString(b[:])
}
