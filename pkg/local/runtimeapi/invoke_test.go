package runtimeapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/runtimeapi"
)

func event(do, text string, size int) []byte {
	b, _ := json.Marshal(map[string]any{"do": do, "text": text, "size": size})
	return b
}

var requestID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func TestInvoke(t *testing.T) {
	t.Parallel()
	const secret = "199.172.111.135"
	tests := map[string]struct {
		event  []byte
		answer string
		failed *runtimeapi.FunctionError
	}{
		"a response is returned unchanged": {event: event("echo", "héllo", 0), answer: `"héllo"`},
		"a response of 6 MB is returned":   {event: event("large", "", 6_291_554), answer: `"` + strings.Repeat("a", 6_291_554) + `"`},
		"a response over 6 MB is an error": {event: event("large", "", 6_291_555),
			failed: &runtimeapi.FunctionError{Type: "Function.ResponseSizeTooLarge", Message: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}},
		"a returned error has its Go type and text": {event: event("error", "no database", 0),
			failed: &runtimeapi.FunctionError{Type: "typedError", Message: "no database"}},
		"a panic with a text is an error with that text": {event: event("panic", "cannot continue", 0),
			failed: &runtimeapi.FunctionError{Type: "string", Message: "cannot continue"}},
		"an error in the middle of the response is an error": {event: event("stream", "", 0),
			failed: &runtimeapi.FunctionError{Type: "typedError", Message: "interrupted"}},
		"an exit error has the status and no part of the event": {event: event("exit", secret, 4),
			failed: &runtimeapi.FunctionError{Type: "Runtime.ExitError", Message: "RequestId: ID Error: Runtime exited with error: exit status 4"}},
		"an exit with status 0 is an error": {event: event("exit", secret, 0),
			failed: &runtimeapi.FunctionError{Type: "Runtime.ExitError", Message: "RequestId: ID Error: Runtime exited with error: exit status 0"}},
		"a function that hangs times out": {event: event("hang", secret, 0),
			failed: &runtimeapi.FunctionError{Type: "Sandbox.Timedout", Message: "RequestId: ID Error: Task timed out after 1.00 seconds"}},
		"a function whose child process hangs times out": {event: event("child", "", 0),
			failed: &runtimeapi.FunctionError{Type: "Sandbox.Timedout", Message: "RequestId: ID Error: Task timed out after 1.00 seconds"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if test.failed != nil && test.failed.Type == "Sandbox.Timedout" {
				timeout = time.Second
			}
			f := start(t, runtimeapi.Config{Timeout: timeout})
			answer, err := f.Invoke(t.Context(), test.event)
			if string(answer) != test.answer && test.failed == nil {
				t.Errorf("answer of %d bytes, want %d", len(answer), len(test.answer))
			}
			var failed *runtimeapi.FunctionError
			if errors.As(err, &failed) {
				failed.Message = requestID.ReplaceAllString(failed.Message, "ID")
			}
			if diff := cmp.Diff(test.failed, failed); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			again, err := f.Invoke(t.Context(), event("echo", "still there", 0))
			if err != nil || string(again) != `"still there"` {
				t.Errorf("the next invocation = %s, %v", again, err)
			}
		})
	}
}

func TestCountsAndReportsInvocations(t *testing.T) {
	t.Parallel()
	var reports []runtimeapi.Report
	f := start(t, runtimeapi.Config{Timeout: 2 * time.Second, Report: func(r runtimeapi.Report) { reports = append(reports, r) }})
	for _, e := range []string{"echo", "error", "exit", "hang", "echo"} {
		f.Invoke(t.Context(), event(e, "", 0))
	}
	got := f.Stats()
	if got.Init <= 0 || got.Init > 5*time.Second {
		t.Errorf("Init = %s", got.Init)
	}
	got.Init = 0
	want := runtimeapi.Stats{Invocations: 5, Errors: 3, Timeouts: 1, Crashes: 1, Restarts: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	if len(reports) != 5 {
		t.Fatalf("%d reports, want 5", len(reports))
	}
	for i, withInit := range []bool{true, false, false, true, true} {
		r := reports[i]
		if (r.Init > 0) != withInit {
			t.Errorf("report %d: Init %s, want more than 0: %t", i, r.Init, withInit)
		}
		if r.Billed < r.Duration+r.Init || r.Billed > r.Duration+r.Init+time.Millisecond || r.Billed%time.Millisecond != 0 {
			t.Errorf("report %d: billed %s for duration %s and init %s", i, r.Billed, r.Duration, r.Init)
		}
		if r.MaxMemory < 1<<20 || r.MaxMemory > 1<<30 {
			t.Errorf("report %d: peak memory of %d bytes", i, r.MaxMemory)
		}
		if !requestID.MatchString(r.RequestID) {
			t.Errorf("report %d: id %q", i, r.RequestID)
		}
	}
}

func TestFunctionSeesDeadlineIDAndTrace(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Config{Timeout: 20 * time.Second, FunctionName: "ingest"})
	answer, err := f.Invoke(t.Context(), event("context", "", 0))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Left                 int `json:"left_ms"`
		ID, ARN, Trace, Name string
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if got.Left < 15_000 || got.Left > 20_000 {
		t.Errorf("%d ms left until the deadline, want almost 20 s", got.Left)
	}
	if !requestID.MatchString(got.ID) || got.Name != "ingest" || !strings.HasSuffix(got.ARN, ":000000000000:function:ingest") {
		t.Errorf("%+v", got)
	}
	if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`).MatchString(got.Trace) {
		t.Errorf("trace %q", got.Trace)
	}
}

func TestRunsEnvironmentsConcurrently(t *testing.T) {
	t.Parallel()
	const n = 3
	f := start(t, runtimeapi.Config{Environments: n, Timeout: 700 * time.Millisecond})
	began := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { f.Invoke(t.Context(), event("hang", "", 0)) })
	}
	wg.Wait()
	if took := time.Since(began); took > 2*700*time.Millisecond {
		t.Errorf("%d hanging invocations took %s: they ran one after the other", n, took)
	}
}

func TestInvocationsWaitForAnIdleEnvironment(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Config{Environments: 2})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			want := fmt.Sprintf("%q", fmt.Sprint(i))
			if got, err := f.Invoke(t.Context(), event("echo", fmt.Sprint(i), 0)); err != nil || string(got) != want {
				t.Errorf("%s, %v, want %s", got, err, want)
			}
		})
	}
	wg.Wait()
}

func TestReplacesKilledIdleProcess(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Config{})
	pid := pidOf(t, f)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
	if pidOf(t, f) == pid {
		t.Error("the process is still the same")
	}
	if got := f.Stats(); got.Restarts != 1 || got.Crashes != 0 {
		t.Errorf("%+v, want one restart and no crash", got)
	}
}

func pidOf(t *testing.T, f *runtimeapi.Function) (pid int) {
	t.Helper()
	answer, err := f.Invoke(t.Context(), event("pid", "", 0))
	if err == nil {
		err = json.Unmarshal(answer, &pid)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// waitGone waits until the process is reaped, and then a moment longer until its environment counts
// as ended. Neither has an event that can be awaited from outside.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		if syscall.Kill(pid, 0) != nil {
			time.Sleep(50 * time.Millisecond)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("process %d is still there", pid)
}

func TestInvocationFailsIfTheProcessCannotRestart(t *testing.T) {
	t.Parallel()
	flag := filepath.Join(t.TempDir(), "fail")
	f := start(t, runtimeapi.Config{Env: []string{"BEHAVE_INIT=" + flag}})
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.Invoke(t.Context(), event("exit", "", 1))
	_, err := f.Invoke(t.Context(), event("echo", "", 0))
	var failed *runtimeapi.FunctionError
	if !errors.As(err, &failed) || failed.Type != "Runtime.ExitError" || !strings.HasSuffix(failed.Message, "(exit status 1): told to fail") {
		t.Errorf("error %v", err)
	}
	os.Remove(flag)
	if _, err := f.Invoke(t.Context(), event("echo", "", 0)); err != nil {
		t.Errorf("after the process can start again: %v", err)
	}
}

func TestContextEndAbortsTheInvocation(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Config{Timeout: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := f.Invoke(ctx, event("hang", "", 0)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := f.Invoke(t.Context(), event("echo", "", 0)); err != nil {
		t.Errorf("the next invocation: %v", err)
	}
}
