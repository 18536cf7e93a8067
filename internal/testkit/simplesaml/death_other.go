//go:build !linux

package simplesaml

import "os/exec"

// endWithUs can do nothing here: a test that is killed leaves the process.
func endWithUs(*exec.Cmd) {}
