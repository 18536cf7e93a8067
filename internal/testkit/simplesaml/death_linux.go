package simplesaml

import (
	"os/exec"
	"syscall"
)

// endWithUs has the process end when the test does, also when that is killed.
func endWithUs(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
