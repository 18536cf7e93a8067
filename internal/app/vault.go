package app

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"luvat/internal/identity"
	"luvat/internal/identity/pic"
)

// vault is pic's vault as identity knows it.
type vault struct{ *pic.Vault }

var _ identity.Vault = vault{}

func (v vault) Seal(plain, row string) (string, error) { return v.SealText(row, []byte(plain)) }

func (v vault) Open(sealed, row string) (string, error) {
	plain, err := v.OpenText(row, sealed)
	return string(plain), err
}

func (v vault) Hashes(value string) []string { return v.HashesOfText(value) }

// keyFile reads the two rings of keys of a file, or makes the file with new keys
// if it is not there. Lines that begin with "seal " are of the ring that
// encrypts, those with "find " of the one that finds; the first of each makes
// what is new.
func keyFile(name string) (*pic.Vault, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte("seal " + pic.NewKey("s1") + "\nfind " + pic.NewKey("f1") + "\n")
		err = os.WriteFile(name, text, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	var seal, find []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "seal "); ok {
			seal = append(seal, rest)
		}
		if rest, ok := strings.CutPrefix(line, "find "); ok {
			find = append(find, rest)
		}
	}
	encrypts, err := pic.ParseKeys(strings.Join(seal, "\n"))
	if err != nil {
		return nil, fmt.Errorf("keys that seal: %w", err)
	}
	finds, err := pic.ParseKeys(strings.Join(find, "\n"))
	if err != nil {
		return nil, fmt.Errorf("keys that find: %w", err)
	}
	return pic.NewVault(encrypts, finds)
}
