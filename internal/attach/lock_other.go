//go:build !unix

package attach

import "os"

// lock does nothing where there is no flock: there one node has the folder.
func lock(*os.File) bool { return true }

// flushDir does nothing: such systems flush names with the file itself.
func flushDir(*os.File) error { return nil }
