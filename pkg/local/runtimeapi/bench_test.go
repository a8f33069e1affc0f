package runtimeapi_test

import (
	"context"
	"strings"
	"testing"

	"sqs2pg/pkg/local/runtimeapi"
)

// BenchmarkInvoke measures an invocation with an empty handler: two calls of the Runtime API.
func BenchmarkInvoke(b *testing.B) {
	f, err := runtimeapi.Start(b.Context(), runtimeapi.Config{Bootstrap: behave})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close(context.Background())
	for name, size := range map[string]int{"of 100 bytes": 100, "of 1 MB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			payload := event("", strings.Repeat("a", size), 0)
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				f.Invoke(b.Context(), payload)
			}
		})
	}
	b.Logf("start to first next: %s", f.Stats().Init)
}
