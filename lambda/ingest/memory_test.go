package main

import (
	"encoding/json"
	"testing"
	"time"

	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sample"
)

// It takes 55 to 60 MB. If garbage were not collected before and after a batch, it would take 102.
func TestLargestBatchesTakeLittleMemory(t *testing.T) {
	t.Parallel()
	const limit = 80e6
	var peak int64
	f, err := runtimeapi.Start(t.Context(), runtimeapi.Config{
		Bootstrap: bootstrap, Env: functionOn(t), Timeout: time.Minute, Report: func(r runtimeapi.Report) { peak = r.MaxMemory },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(t.Context())
	payload, err := json.Marshal(eventOf(sample.Messages(10_000, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if _, err := f.Invoke(t.Context(), payload); err != nil {
			t.Fatal(err)
		}
	}
	if peak == 0 || peak > limit {
		t.Errorf("%.1f MB, want at most %.1f", float64(peak)/1e6, limit/1e6)
	}
}
