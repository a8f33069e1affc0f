package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestFunctionsLinkNoLocalParts holds the direction of imports: the functions carry neither the local parts nor, for
// ingest, what changes a schema.
func TestFunctionsLinkNoLocalParts(t *testing.T) {
	t.Parallel()
	local := []string{"sqs2pg/pkg/local/eventsource", "sqs2pg/pkg/local/runtimeapi", "sqs2pg/pkg/local/sqsserver", "sqs2pg/pkg/local/localpg"}
	tests := map[string][]string{
		"sqs2pg/lambda/ingest":   append([]string{"sqs2pg/pkg/postgres/schema", "github.com/pressly/goose/v3"}, local...),
		"sqs2pg/lambda/maintain": local,
	}
	for program, forbidden := range tests {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command("go", "list", "-deps", program).Output()
			if err != nil {
				t.Fatal(err)
			}
			linked := strings.Fields(string(out))
			if len(linked) < 100 {
				t.Fatalf("only %d packages: the list is wrong", len(linked))
			}
			for _, path := range linked {
				for _, f := range forbidden {
					if path == f {
						t.Errorf("%s links %s", program, path)
					}
				}
			}
		})
	}
}
