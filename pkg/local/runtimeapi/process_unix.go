//go:build unix

package runtimeapi

import (
	"os"
	"runtime"
	"syscall"
)

// ownGroup keeps a Ctrl-C in the terminal from the function: the invocation in progress is to finish.
var ownGroup = &syscall.SysProcAttr{Setpgid: true}

// signalGroup reaches the process and whatever it started. It must not have been waited for yet.
func signalGroup(p *os.Process, s syscall.Signal) { syscall.Kill(-p.Pid, s) }

// peakOfDead is the most memory an ended process had resident, in bytes.
func peakOfDead(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok || runtime.GOOS != "linux" {
		return 0
	}
	return int64(usage.Maxrss) << 10
}
