package runtimeapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sqs2pg/pkg/local/runtimeapi"
)

func TestStartErrorsNameTheProblem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := map[string]struct {
		config runtimeapi.Config
		want   string
	}{
		"no path":                  {runtimeapi.Config{}, "no function named"},
		"the file does not exist":  {runtimeapi.Config{Bootstrap: filepath.Join(dir, "nothing")}, "correct the path"},
		"a folder":                 {runtimeapi.Config{Bootstrap: dir}, "is a folder"},
		"not executable":           {runtimeapi.Config{Bootstrap: write("plain", "", 0o600)}, "is not executable: chmod +x"},
		"for another machine":      {runtimeapi.Config{Bootstrap: write("foreign", "\x7fELF foreign", 0o700)}, "is not a program for"},
		"exits":                    {runtimeapi.Config{Bootstrap: behave, Env: []string{"BEHAVE_INIT=exit"}}, "(exit status 3): no setting DATABASE_URL"},
		"exits and prints nothing": {runtimeapi.Config{Bootstrap: write("silent", "#!/bin/sh\nexit 7\n", 0o700)}, "(exit status 7) and wrote no reason"},
		"reports an init error":    {runtimeapi.Config{Bootstrap: write("init-error", initError, 0o700)}, "Extension.NoSuchHandler: no handler"},
		"one of several fails":     {runtimeapi.Config{Bootstrap: behave, Environments: 3, Env: []string{"BEHAVE_INIT=exit"}}, "no setting DATABASE_URL"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := runtimeapi.Start(t.Context(), test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want it to contain %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has more than one line: %v", err)
			}
		})
	}
}

const initError = `#!/bin/bash
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
body='{"errorType":"Extension.NoSuchHandler","errorMessage":"no handler"}'
printf 'POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' ${#body} "$body" >&3
read -r status <&3
exit 1
`

func TestContextEndAbortsStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := runtimeapi.Start(ctx, runtimeapi.Config{Bootstrap: behave, Env: []string{"BEHAVE_INIT=hang"}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestFunctionSeesOnlyTheVariablesOfLambda(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "caller's")
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("DATABASE_URL", "caller's")
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "elsewhere:1")
	f := start(t, runtimeapi.Config{FunctionName: "ingest", Env: []string{"CONTRACT=user_logins", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256"}})
	answer, err := f.Invoke(t.Context(), event("environ", "", 0))
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	if err := json.Unmarshal(answer, &environ); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AWS_LAMBDA_FUNCTION_NAME=ingest", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/ingest", "_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=" + filepath.Dir(behave),
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=caller's", "CONTRACT=user_logins", "TZ=:UTC", "PATH=" + os.Getenv("PATH"),
	} {
		if !slices.Contains(environ, want) {
			t.Errorf("%s is missing in %q", want, environ)
		}
	}
	for _, setting := range environ {
		if strings.HasPrefix(setting, "DATABASE_URL=") || setting == "AWS_LAMBDA_RUNTIME_API=elsewhere:1" {
			t.Errorf("the function sees the caller's %s", setting)
		}
	}
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Invoke(t.Context(), event("folder", "", 0)); err != nil || string(got) != `"`+folder+`"` {
		t.Errorf("working directory %s, %v, want %s", got, err, folder)
	}
}

func TestCloseSendsSIGTERMOnlyToProcessesWithAnExtension(t *testing.T) {
	t.Parallel()
	note := filepath.Join(t.TempDir(), "note")
	f := start(t, runtimeapi.Config{Env: []string{"BEHAVE_SIGTERM=" + note}})
	pid := pidOf(t, f)
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(note); err != nil || string(text) != "told" {
		t.Errorf("note %q, %v", text, err)
	}
	waitGone(t, pid)
	if _, err := f.Invoke(t.Context(), event("echo", "", 0)); !errors.Is(err, runtimeapi.ErrClosed) {
		t.Errorf("Invoke after Close: %v", err)
	}
	if err := f.Close(t.Context()); err != nil {
		t.Errorf("Close again: %v", err)
	}

	without := start(t, runtimeapi.Config{})
	began := time.Now()
	if err := without.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 400*time.Millisecond {
		t.Errorf("Close took %s, although the process only had to be killed", took)
	}
}

func TestCloseWaitsForInvocationsUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Config{Timeout: time.Minute})
	var wg sync.WaitGroup
	defer wg.Wait()
	begun := make(chan struct{})
	wg.Go(func() {
		close(begun)
		_, err := f.Invoke(t.Context(), event("hang", "", 0))
		if err == nil {
			t.Error("a hanging invocation succeeded")
		}
	})
	<-begun
	time.Sleep(100 * time.Millisecond) // until the process has the invocation
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := f.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close = %v", err)
	}
}

// lineRecorder fails the test if a Write is not one whole line.
type lineRecorder struct {
	t     *testing.T
	mu    sync.Mutex
	lines []string
}

func (r *lineRecorder) Write(p []byte) (int, error) {
	if !r.mu.TryLock() {
		r.t.Error("two writes at once")
		r.mu.Lock()
	}
	defer r.mu.Unlock()
	if strings.Count(string(p), "\n") != 1 || p[len(p)-1] != '\n' {
		r.t.Errorf("not one line: %q", p)
	}
	r.lines = append(r.lines, strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func TestWritesOutputInWholeLines(t *testing.T) {
	t.Parallel()
	const lines = 500
	out := &lineRecorder{t: t}
	f := start(t, runtimeapi.Config{Environments: 2, Output: out})
	var wg sync.WaitGroup
	for _, text := range []string{strings.Repeat("a", 300), strings.Repeat("b", 5000)} {
		wg.Go(func() { f.Invoke(t.Context(), event("say", text, lines)) })
	}
	wg.Wait()
	f.Close(t.Context())
	counts := map[string]int{}
	for _, line := range out.lines {
		counts[line]++
	}
	for _, text := range []string{strings.Repeat("a", 300), strings.Repeat("b", 5000)} {
		for _, stream := range []string{"out ", "err "} {
			if got := counts[stream+text]; got != lines {
				t.Errorf("%d lines of %s%.3s..., want %d", got, stream, text, lines)
			}
		}
	}
	if counts["left open"] != 2 {
		t.Errorf("%d last lines without a newline arrived, want 2", counts["left open"])
	}
}
