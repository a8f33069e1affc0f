//go:build unix

package runtimeapi

import (
	"os"
	"runtime"
	"syscall"
)

// ownGroup keeps Ctrl-C in the terminal from reaching the function, so that it can finish the
// invocation in progress.
var ownGroup = &syscall.SysProcAttr{Setpgid: true}

// signalGroup sends the signal to the process and its children. The process must not have been
// waited for.
func signalGroup(p *os.Process, s syscall.Signal) { syscall.Kill(-p.Pid, s) }

// peakOfDead returns the largest resident memory of an ended process in bytes; 0 if it is unknown.
func peakOfDead(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok || runtime.GOOS != "linux" {
		return 0
	}
	return int64(usage.Maxrss) << 10
}
