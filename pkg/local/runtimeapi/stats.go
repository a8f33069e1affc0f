package runtimeapi

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// Stats counts what happened since Start.
type Stats struct {
	Invocations int           // begun, whatever their end
	Errors      int           // ended with a *FunctionError, Timeouts and Crashes included
	Timeouts    int           // ended by the kill at the timeout
	Crashes     int           // ended by the exit of the process, in its start or later
	Restarts    int           // processes started in place of one that had ended
	Init        time.Duration // the longest time from the start of a process to its first call for an invocation
}

// Report is Lambda's REPORT line of one invocation.
type Report struct {
	RequestID string
	Duration  time.Duration
	Billed    time.Duration // Duration, and Init where there is one, up to the next millisecond
	Init      time.Duration // of the first invocation of a process only
	MaxMemory int64         // bytes, the most the process had resident so far; 0 where the system does not tell (not Linux)
	Err       error         // the invocation's
}

type counters struct {
	invocations, errors, timeouts, crashes, restarts, init atomic.Int64
}

func (c *counters) started(took time.Duration) {
	for {
		longest := c.init.Load()
		if int64(took) <= longest || c.init.CompareAndSwap(longest, int64(took)) {
			return
		}
	}
}

func (f *Function) account(err error) {
	f.stats.invocations.Add(1)
	var failed *FunctionError
	if !errors.As(err, &failed) {
		return
	}
	f.stats.errors.Add(1)
	switch failed.Type {
	case "Sandbox.Timedout":
		f.stats.timeouts.Add(1)
	case "Runtime.ExitError":
		f.stats.crashes.Add(1)
	}
}

// Stats returns the counts so far.
func (f *Function) Stats() Stats {
	return Stats{
		Invocations: int(f.stats.invocations.Load()),
		Errors:      int(f.stats.errors.Load()),
		Timeouts:    int(f.stats.timeouts.Load()),
		Crashes:     int(f.stats.crashes.Load()),
		Restarts:    int(f.stats.restarts.Load()),
		Init:        time.Duration(f.stats.init.Load()),
	}
}

func (e *environment) report(inv *invocation, took time.Duration, err error) {
	if e.config.Report == nil {
		return
	}
	r := Report{RequestID: inv.id, Duration: took, Err: err, MaxMemory: e.peakMemory()}
	r.Init, e.unreportedInit = e.unreportedInit, 0
	r.Billed = (r.Duration + r.Init + time.Millisecond - 1).Truncate(time.Millisecond)
	e.config.Report(r)
}

// peakMemory asks the kernel: of a live process in /proc, of a dead one by what it left behind.
func (e *environment) peakMemory() int64 {
	if !e.alive() {
		return peakOfDead(e.command.ProcessState)
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(e.command.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	number, _, _ := bytes.Cut(bytes.TrimSpace(after), []byte(" "))
	kilobytes, _ := strconv.ParseInt(string(number), 10, 64)
	return kilobytes << 10
}
