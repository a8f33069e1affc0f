package schema_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
)

// A database that has run a migration never runs it again. So a change comes in a new file.
func TestReleasedMigrationsNeverChange(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"0001_shared.sql":   "e41526666d16821158dfba523f414db941f03fb66fde20cb1400abc4e7bcf319",
		"0002_registry.sql": "a752cbe068bba4ee26bbe8893cade4f17c77b7853cc9f9314c2b0770f8e6d021",
		"0003_time.sql":     "e6bdab6486fad4e7df7b3fb24e75fc210bf87275e3ce14d19a9c005de6f40b0f",
		"0004_vault.sql":    "65357092f8d36e7a194aff209d6a1d21c4f0efb35a34ce3ccf496de3d009f195",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != want {
			t.Errorf("%s has changed: its digest is %s, want %s. Make a new migration", file, got, want)
		}
	}
}
