package runtimeapi_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"sqs2pg/pkg/runtimeapi"
)

var behave string // the bootstrap under test

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "runtimeapi")
	if err != nil {
		panic(err)
	}
	behave = filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", behave, "./testdata/behave")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s", out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func start(t *testing.T, c runtimeapi.Config) *runtimeapi.Function {
	t.Helper()
	if c.Bootstrap == "" {
		c.Bootstrap = behave
	}
	f, err := runtimeapi.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(context.Background()) })
	return f
}

func TestEcho(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Config{})
	got, err := f.Invoke(t.Context(), []byte(`{"do":"echo","text":"héllo"}`))
	if err != nil || string(got) != `"héllo"` {
		t.Fatalf("Invoke = %s, %v", got, err)
	}
}
