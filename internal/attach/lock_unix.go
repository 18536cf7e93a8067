//go:build unix

package attach

import (
	"os"
	"syscall"
)

// lock takes an open file for whoever holds f, against other nodes that share
// the folder. It is freed when f is closed.
func lock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

func flushDir(f *os.File) error { return f.Sync() }
