package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
)

// A Pair is a private RSA key with its certificate.
type Pair struct {
	Certificate *x509.Certificate
	Key         *rsa.PrivateKey
}

// Keys are what the hub signs with and what is encrypted for it. The first of
// each is the one in use: it signs, and our metadata asks to encrypt for it.
//
// Roll-over of a signing key: add the new pair as the second, so that our
// metadata names both; when the provider has read that, let them change places;
// later take the old one away. Of an encryption key: put the new pair first and
// keep the old one behind it, which goes on opening what is encrypted for it,
// until the provider has read the metadata. Nothing is restarted: Refresh reads
// the keys again.
type Keys struct {
	Signing    []Pair
	Encryption []Pair
}

// check tells what is wrong with the keys.
func (k Keys) check() error {
	var errs []error
	if len(k.Signing) == 0 {
		errs = append(errs, errors.New("there is no signing key"))
	}
	if len(k.Encryption) == 0 {
		errs = append(errs, errors.New("there is no encryption key"))
	}
	for i, p := range append(slices.Clone(k.Signing), k.Encryption...) {
		switch {
		case p.Key == nil || p.Certificate == nil:
			errs = append(errs, fmt.Errorf("key %d of %d lacks its certificate or itself", i+1, len(k.Signing)+len(k.Encryption)))
		case !p.Key.PublicKey.Equal(p.Certificate.PublicKey):
			errs = append(errs, fmt.Errorf("key %d of %d does not belong to its certificate", i+1, len(k.Signing)+len(k.Encryption)))
		case !trustworthy(p.Certificate):
			errs = append(errs, fmt.Errorf("key %d of %d has fewer than %d bits", i+1, len(k.Signing)+len(k.Encryption), leastBits))
		}
	}
	return errors.Join(errs...)
}

// PairFile names the PEM files of a Pair. Both may be one file.
type PairFile struct{ Certificate, Key string }

// KeyFiles reads keys from PEM files, anew whenever it is asked: it fills
// Config.Keys.
func KeyFiles(signing, encryption []PairFile) func() (Keys, error) {
	return func() (Keys, error) {
		var k Keys
		var errs []error
		for _, f := range signing {
			p, err := ReadPair(f)
			k.Signing, errs = append(k.Signing, p), append(errs, err)
		}
		for _, f := range encryption {
			p, err := ReadPair(f)
			k.Encryption, errs = append(k.Encryption, p), append(errs, err)
		}
		return k, errors.Join(errs...)
	}
}

// ReadPair reads a certificate and an RSA key (PKCS #8 or #1) from PEM files.
func ReadPair(f PairFile) (Pair, error) {
	certs, err := ReadCertificates(f.Certificate)
	if err != nil {
		return Pair{}, err
	}
	body, err := os.ReadFile(f.Key)
	if err != nil {
		return Pair{}, fmt.Errorf("read a key: %w", err)
	}
	for block, rest := pem.Decode(body); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			continue
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return Pair{certs[0], key}, nil
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := key.(*rsa.PrivateKey); ok {
				return Pair{certs[0], key}, nil
			}
		}
	}
	return Pair{}, fmt.Errorf("%s holds no RSA key that can be read", f.Key)
}

// ReadCertificates reads all certificates of a PEM file, of which there must be
// one at least.
func ReadCertificates(file string) ([]*x509.Certificate, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(body); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read certificates: %s: %w", file, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return all, nil
}
