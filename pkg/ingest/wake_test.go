package ingest_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"testing"
	"time"

	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/postgres/postgrestest"
)

// TestWaitsForDatabaseThatIsWakingUp starts the function before its database can be reached,
// without a backoff. The first invocation waits and loads its batch.
func TestWaitsForDatabaseThatIsWakingUp(t *testing.T) {
	t.Parallel()
	table := loginContract(t).Table()
	for name, asleep := range map[string]func(net.Conn){"starting up": postgrestest.StartingUp, "paused": postgrestest.Silent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, table)
			proxy := postgrestest.NewProxy(t, asleep)
			waiting := invokeNew(t, proxy.URL(t, db.URL)+"&connect_timeout=1")
			proxy.AwaitConnections(2) // the start, and the invocation
			proxy.Forward(t, db.URL)
			waiting(t)
			if n := db.QueryStrings(t, "select count(*) from user_logins")[0]; n != "2" {
				t.Errorf("%s rows, want 2", n)
			}
		})
	}
	t.Run("not running", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		server := startPostgres(t, dir)
		migrated(t, server.URL("postgres"), table)
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		proxy := postgrestest.NewProxy(t, nil)
		waiting := invokeNew(t, proxy.URL(t, server.URL("postgres")))
		proxy.Forward(t, startPostgres(t, dir).URL("postgres"))
		waiting(t)
	})
}

// invokeNew starts the function and invokes it with two logins. It returns a function that waits
// for the answer.
func invokeNew(t *testing.T, database string) (wait func(*testing.T)) {
	t.Helper()
	var out bytes.Buffer
	h, stop, err := ingest.New(t.Context(), environment("DATABASE_URL="+database, "MASK_KEYRING="+keyring("0123456789abcdef")), &out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	h.Now = now
	done := make(chan error, 1)
	var answer []byte
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var err error
		answer, err = h.Invoke(ctx, payload(t, messages(standard, login(nil), login(nil))))
		done <- err
	}()
	return func(t *testing.T) {
		t.Helper()
		if err := <-done; err != nil || string(answer) != `{"batchItemFailures":[]}` {
			t.Errorf("answer %s, error %v; log:\n%s", answer, err, &out)
		}
	}
}

func startPostgres(t *testing.T, dir string) *localpg.Server {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Stop()
		os.RemoveAll(server.Dir()) // as root it is outside dir
	})
	return server
}
