package postgres_test

import (
	"strings"
	"testing"

	"sqs2pg/pkg/postgres"
)

// FuzzOpen checks that the error of Open never contains a part of the URL.
func FuzzOpen(f *testing.F) {
	for _, prefix := range []string{
		"", "postgres://me:", "postgres://me:p%", "postgresql://", // forms of a URL, whole and broken
		"host=h password='", "password=", // the keyword form
		"postgres://h/db?sslmode=", "postgres://h/db?pool_max_conns=", "postgres://h/db?sslrootcert=", // parameters that are read
	} {
		f.Add(prefix)
	}
	f.Fuzz(func(t *testing.T, prefix string) {
		pool, err := postgres.Open(t.Context(), postgres.Config{URL: prefix + "hunter2-hunter2"})
		if err == nil {
			pool.Close()
		} else if strings.Contains(err.Error(), "hunter2-hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error shows the URL: %q", err)
		}
	})
}
