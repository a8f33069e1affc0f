//go:build !linux

package localpg

import "syscall"

// dieWithParent needs a facility that this system has not: a server survives a parent that was killed.
func dieWithParent(*syscall.SysProcAttr) {}
