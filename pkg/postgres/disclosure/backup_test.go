package disclosure_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// keptServer starts a server whose data stay when it is stopped.
func keptServer(t *testing.T, dir string) *localpg.Server {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Options{Dir: dir, Download: os.Getenv("TEST_POSTGRES") == "download"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

// addSealed seals a value for the key and stores it with its session and its row, as the writer does.
func (v ledger) addSealed(key vault.PublicKey, at disclosure.Key, values string) {
	v.t.Helper()
	v.add(at)
	session, err := vault.NewSealer(key, time.Now).Session(v.t.Context(), func(_ context.Context, s *vault.Session) error {
		v.Exec(v.t, "insert into sqs2pg_vault.sessions (id, recipient, enc) values ($1, $2, $3)", s.ID, s.Recipient, s.Enc)
		return nil
	})
	if err != nil {
		v.t.Fatal(err)
	}
	sealed := session.Seal(vault.Row{Table: "public.visits", SentAt: at.SentAt, EventID: at.EventID}, []byte(values))
	v.Exec(v.t, "update sqs2pg_vault.visits set session = $1, sealed = $2 where event_id = $3", session.ID, sealed.Bytes(), at.EventID)
}

// revealed requests and opens the events, and returns the ip of each.
func (v ledger) revealed(key *open.Key, keys ...disclosure.Key) (ips []string) {
	v.t.Helper()
	pool := postgrestest.Open(v.t, v.OwnerURL) // its login is in the backup
	var sealed []disclosure.Sealed
	var ids [][16]byte
	err := disclosure.Fetch(v.t.Context(), pool, v.request(pool, inquiry(keys...)), func(s disclosure.Sealed) error {
		sealed, ids = append(sealed, s), append(ids, s.Session)
		return nil
	})
	if err != nil {
		v.t.Fatal(err)
	}
	openers := map[[16]byte]*open.Opener{}
	for _, id := range ids {
		var enc []byte
		if err := pool.Pgx().QueryRow(v.t.Context(), "select enc from sqs2pg_vault.sessions where id = $1", id).Scan(&enc); err != nil {
			v.t.Fatal(err)
		}
		if openers[id], err = key.Session(v.t.Context(), open.Session{ID: id, Recipient: key.Public().ID(), Enc: enc}); err != nil {
			v.t.Fatal(err)
		}
	}
	for _, s := range sealed {
		values, err := openers[s.Session].Open(vault.Row{Table: "public.visits", SentAt: s.SentAt, EventID: s.EventID}, s.Value)
		if err != nil {
			v.t.Fatal(err)
		}
		ips = append(ips, string(values.Raw("ip")))
	}
	return ips
}

// A backup has sessions, sealed values and audit, and the key is elsewhere. What it holds can be
// revealed after a restore, and the audit goes on where the backup ended.
func TestABackupIsRestoredAndRevealed(t *testing.T) {
	t.Parallel()
	key, err := open.MakeFile(filepath.Join(t.TempDir(), "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	server := keptServer(t, t.TempDir())
	v := ledger{&postgrestest.Database{OwnerURL: server.URL("postgres")}, t}
	owner := postgrestest.Open(t, v.OwnerURL)
	if _, err := schema.Apply(t.Context(), owner, visits(contract.Insert)); err != nil {
		t.Fatal(err)
	}
	public := key.Public()
	if _, err := schema.Register(t.Context(), owner, schema.Recipient{ID: public.ID(), KEM: public.KEM(), PublicKey: public.String()}); err != nil {
		t.Fatal(err)
	}
	v.addSealed(public, event(1), `{"ip":"192.0.2.1"}`)
	v.addSealed(public, event(2), `{"ip":"192.0.2.2"}`)
	want := []string{`"192.0.2.1"`, `"192.0.2.2"`}
	if diff := cmp.Diff(want, v.revealed(key, event(1), event(2)), sortedText); diff != "" {
		t.Errorf("before the backup (-want +got):\n%s", diff)
	}
	head, err := disclosure.Verify(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	owner.Close()

	restored := restore(t, server)
	w := ledger{&postgrestest.Database{OwnerURL: restored.URL("postgres")}, t}
	if diff := cmp.Diff(want, w.revealed(key, event(1), event(2)), sortedText); diff != "" {
		t.Errorf("of the backup (-want +got):\n%s", diff)
	}
	last, err := disclosure.Verify(t.Context(), postgrestest.Open(t, w.OwnerURL), head)
	if err != nil || last.Seq != head.Seq+1 {
		t.Errorf("audit ends at %d, %v; want the entry after %d", last.Seq, err, head.Seq)
	}
}

var sortedText = cmpopts.SortSlices(strings.Compare)

// restore stops a server, and starts another one on a copy of its files.
func restore(t *testing.T, server *localpg.Server) *localpg.Server {
	t.Helper()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	empty := keptServer(t, dir)
	if err := empty.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][]string{{"rm", "-rf", filepath.Join(empty.Dir(), "cluster")}, {"cp", "-a", filepath.Join(server.Dir(), "cluster"), empty.Dir()}} {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", step, err, out)
		}
	}
	return keptServer(t, dir)
}
