package runtimeapi

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// Stats holds counts since Start.
type Stats struct {
	Invocations int // all, with any result
	Errors      int // invocations that failed with a *FunctionError, including Timeouts and Crashes
	Timeouts    int // invocations whose process was killed at the timeout
	Crashes     int // invocations whose process exited, or did not start
	Restarts    int // processes that replaced an ended one

	// Init is the longest time from the start of a process to its first request for an invocation.
	Init time.Duration
}

// Report holds the values of Lambda's REPORT log line for one invocation.
type Report struct {
	RequestID string
	Duration  time.Duration
	Billed    time.Duration // Duration and Init, rounded up to a millisecond
	Init      time.Duration // only for the first invocation of a process, otherwise 0
	MaxMemory int64         // peak resident memory of the process in bytes; 0 if not on Linux
	Err       error         // of the invocation
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

// peakMemory returns the peak resident memory of the process in bytes: from /proc while the process
// runs, from its resource usage after it has ended.
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
