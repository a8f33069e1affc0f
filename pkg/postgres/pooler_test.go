package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// Several writers through a pooler in transaction mode: their batches get one server process and
// then another. They may even ask for prepared statements, which are then lost all the time.
func TestWritesThroughAPooler(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", "cache_statement", "cache_describe", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins.Table())
			u := db.PoolerURL(t)
			if mode != "" {
				u += "&default_query_exec_mode=" + mode
			}
			var writers sync.WaitGroup
			for range 6 {
				w := postgres.NewWriter(postgrestest.Open(t, u), logins.Table())
				var batches [][]postgres.Event
				for i := range 15 {
					batches = append(batches, someLogins(t, []int{1, 10, 120}[i%3]))
				}
				writers.Go(func() {
					for _, events := range batches {
						got, err := w.Write(t.Context(), events)
						if diff := cmp.Diff(postgres.Result{Written: len(events)}, got); err != nil || diff != "" {
							t.Errorf("%v (-want +got):\n%s", err, diff)
						}
					}
				})
			}
			writers.Wait()
			if got := db.QueryStrings(t, "select count(*) from user_logins")[0]; got != "3930" {
				t.Errorf("%s rows, want 3930", got)
			}
		})
	}
}

func TestPreparesOnDirectConnectionsOnly(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	direct := strings.Replace(db.OwnerURL, "?", "?pool_max_conns=1&", 1)
	u, err := url.Parse(db.PoolerURL(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, url, want string }{
		{"direct", direct, "1"},
		{"direct, but the URL says no", direct + "&default_query_exec_mode=exec", "0"},
		{"through a pooler", u.String() + "&pool_max_conns=1", "0"},
	} {
		pool := postgrestest.Open(t, test.url)
		write(t, postgres.NewWriter(pool, logins.Table()), someLogins(t, 1))
		var got string
		err := pool.Pgx().QueryRow(t.Context(), "select count(*)::text from pg_prepared_statements where name like 'sqs2pg%'").Scan(&got)
		if err != nil || got != test.want {
			t.Errorf("%s: %s statements are prepared, want %s; %v", test.name, got, test.want, err)
		}
	}
}

// onTheConnection runs SQL on the only connection of a pool.
func onTheConnection(t *testing.T, pool *postgres.Pool, sql string) string {
	t.Helper()
	results, err := func() (string, error) {
		conn, err := pool.Pgx().Acquire(t.Context())
		if err != nil {
			return "", err
		}
		defer conn.Release()
		all, err := conn.Conn().PgConn().Exec(t.Context(), sql).ReadAll()
		if err != nil || len(all[0].Rows) == 0 {
			return "", err
		}
		return string(all[0].Rows[0][0]), nil
	}()
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestHealsLostPreparedStatements(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	pool := postgrestest.Open(t, strings.Replace(db.OwnerURL, "?", "?pool_max_conns=1&", 1))
	w := postgres.NewWriter(pool, logins.Table())
	write(t, w, someLogins(t, 1))
	name := onTheConnection(t, pool, "select name from pg_prepared_statements where name like 'sqs2pg%'")

	onTheConnection(t, pool, "deallocate all")
	if diff := cmp.Diff(postgres.Result{Written: 10}, write(t, w, someLogins(t, 10))); diff != "" {
		t.Errorf("26000 (-want +got):\n%s", diff)
	}
	pool.Pgx().Reset()
	onTheConnection(t, pool, "prepare "+name+" as select 1")
	if diff := cmp.Diff(postgres.Result{Written: 10}, write(t, w, someLogins(t, 10))); diff != "" {
		t.Errorf("42P05 (-want +got):\n%s", diff)
	}
	if got := onTheConnection(t, pool, "select count(*) from pg_prepared_statements where statement <> 'prepare "+name+" as select 1' and name = '"+name+"'"); got != "1" {
		t.Error("it has given up preparing")
	}
}

// A statement that is lost again when it has just been prepared is lost every time.
func TestPreparesNoMoreAfterTwoLossesInAWrite(t *testing.T) {
	t.Parallel()
	for losses, want := range map[int]string{1: "1", 2: "0"} {
		db := postgrestest.New(t, logins.Table())
		db.Exec(t, failingTrigger("26000", losses))
		pool := postgrestest.Open(t, strings.Replace(db.OwnerURL, "?", "?pool_max_conns=1&", 1))
		write(t, postgres.NewWriter(pool, logins.Table()), someLogins(t, 1))
		if got := onTheConnection(t, pool, "select count(*) from pg_prepared_statements where name like 'sqs2pg%'"); got != want {
			t.Errorf("after %d losses %s statements are prepared, want %s", losses, got, want)
		}
	}
}

// A statement that returns a table's columns cannot be used any more when the table gets another
// one.
func TestHealsACachedPlan(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	pool := postgrestest.Open(t, strings.Replace(db.OwnerURL, "?", "?pool_max_conns=1&default_query_exec_mode=cache_statement&", 1))
	read := func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(t.Context(), "select * from user_logins")
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	}
	for _, change := range []string{"select 1", "alter table user_logins add column note text"} {
		db.Exec(t, change)
		if err := pool.Do(t.Context(), read); err != nil {
			t.Errorf("after %s: %v", change, err)
		}
	}
}

// rotation makes a pool whose password is wrong until Refresh has been called.
func rotation(t *testing.T, address string, refreshes *atomic.Int32) *postgres.Pool {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	right, _ := u.User.Password()
	user := u.User.Username()
	u.User = url.User("nobody")
	pool, err := postgres.Open(t.Context(), postgres.Config{
		URL: u.String(),
		Credentials: func(context.Context) (string, string, error) {
			if refreshes.Load() < 2 {
				return user, "hunter2", nil
			}
			return user, right, nil
		},
		Refresh: func(context.Context) (bool, error) { return refreshes.Add(1) > 1, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestNoticesARotation(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	for name, address := range map[string]string{"direct": db.URL, "through a pooler": db.PoolerURL(t)} {
		var refreshes atomic.Int32
		pool := rotation(t, address, &refreshes)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		got, err := postgres.NewWriter(pool, logins.Table()).Write(ctx, someLogins(t, 3))
		cancel()
		if err != nil || got.Written != 3 || refreshes.Load() != 2 {
			t.Errorf("%s: %+v, %v after %d refreshes, want 2", name, got, err, refreshes.Load())
		}
	}
}

// A protocol violation after the connection was made says nothing of the credentials.
func TestDoesNotRefreshCredentialsOfAWorkingConnection(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, failingTrigger("08P01", 2))
	var refreshes atomic.Int32
	refreshes.Store(2)
	if got := write(t, postgres.NewWriter(rotation(t, db.URL, &refreshes), logins.Table()), someLogins(t, 3)); got.Written != 3 {
		t.Errorf("got %+v", got)
	}
	if n := refreshes.Load(); n != 2 {
		t.Errorf("%d refreshes, want none", n-2)
	}
}
