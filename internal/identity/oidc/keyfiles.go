package oidc

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A KeyFile names the PEM file of a Key.
type KeyFile struct {
	ID    string    `json:"id"`
	Use   Use       `json:"use"`
	File  string    `json:"file"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// reread is how long keys that were read from files are used before the files
// are looked at again.
const reread = time.Minute

// KeyFiles reads keys from PEM files and fills Config.Keys. The files are read
// again each minute, so a key is rolled over without a restart; when one cannot
// be read by then, the keys stay as they were, and the log says so.
func KeyFiles(files []KeyFile, now func() time.Time, log *slog.Logger) (func() []Key, error) {
	var mu sync.Mutex
	keys, err := readFiles(files)
	if err != nil {
		return nil, err
	}
	at := now()
	return func() []Key {
		mu.Lock()
		defer mu.Unlock()
		if t := now(); t.Sub(at) >= reread {
			at = t
			if fresh, err := readFiles(files); err != nil {
				log.Error("the keys of a connection cannot be read, the old ones stay", "err", err)
			} else {
				keys = fresh
			}
		}
		return keys
	}, nil
}

func readFiles(files []KeyFile) ([]Key, error) {
	var keys []Key
	var errs []error
	for _, f := range files {
		private, err := readKey(f.File)
		keys, errs = append(keys, Key{ID: f.ID, Use: f.Use, Private: private, From: f.From, Until: f.Until}), append(errs, err)
	}
	return keys, errors.Join(errs...)
}

// readKey reads an RSA key (PKCS #8 or #1).
func readKey(file string) (*rsa.PrivateKey, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	for block, rest := pem.Decode(body); block != nil; block, rest = pem.Decode(rest) {
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := key.(*rsa.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%s holds no RSA key that can be read", file)
}
