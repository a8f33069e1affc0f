//go:build !linux

package localpg

import "syscall"

// dieWithParent does nothing, because this system has no parent-death signal: the server survives
// if our process is killed.
func dieWithParent(*syscall.SysProcAttr) {}
