package app

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"luvat/internal/identity/pic"
)

// keyFile reads the two rings of keys of a file. Lines that begin with "seal "
// are of the ring that encrypts, those with "find " of the one that finds; the
// first of each makes what is new.
func keyFile(name string) (*pic.Vault, error) {
	text, err := os.ReadFile(name)
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

// newKeys makes the file with a new key of each kind, unless it is there.
func newKeys(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the file of the keys: %w", err)
	}
	_, err = f.WriteString("seal " + pic.NewKey("s1") + "\nfind " + pic.NewKey("f1") + "\n")
	return errors.Join(err, f.Close())
}
