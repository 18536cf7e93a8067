package identity

// A Vault keeps what identifies people: sealed at rest, found through a keyed
// hash. Its keys roll over; see identity/pic.
type Vault interface {
	// Seal encrypts a text, bound to the row it stands in.
	Seal(plain, row string) (string, error)
	// Open is the reverse of Seal. It fails for another row and for a key that
	// is no longer there.
	Open(sealed, row string) (string, error)
	// Hashes returns the keyed hashes by which a value may be found, the one to
	// store first, then those under older keys.
	Hashes(value string) []string
}
