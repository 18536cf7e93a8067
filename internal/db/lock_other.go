//go:build !unix

package db

// lockFile does nothing where there is no flock; SQLite's own locks remain.
func lockFile(string) (func() error, error) {
	return func() error { return nil }, nil
}
