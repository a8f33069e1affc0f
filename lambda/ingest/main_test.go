package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestFunctionsLinkNoLocalParts checks that the functions link nothing that plays AWS on one
// machine, and that ingest links nothing that changes a schema.
func TestFunctionsLinkNoLocalParts(t *testing.T) {
	t.Parallel()
	const local = "sqs2pg/pkg/local/"
	tests := map[string][]string{
		"sqs2pg/lambda/ingest":   {local, "sqs2pg/pkg/postgres/schema", "sqs2pg/pkg/postgres/partitions", "github.com/pressly/goose/v3"},
		"sqs2pg/lambda/maintain": {local},
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
					if strings.HasPrefix(path, f) {
						t.Errorf("%s links %s", program, path)
					}
				}
			}
		})
	}
}
