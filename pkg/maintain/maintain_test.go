package maintain_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/maintain"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/settings"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// environment has variables such as NAME=value.
func environment(variables ...string) *settings.Environment {
	values := map[string]string{"CONTRACT": "user_logins", "VAULT_PUBLIC_KEY": postgrestest.VaultKey().String()}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	return &settings.Environment{Folder: contracts.Files, Getenv: func(name string) string { return values[name] }}
}

// invoke gives the function one of infra/events and returns its answer and metrics; it must
// succeed.
func invoke(t *testing.T, event string, variables ...string) (maintain.Answer, map[string]any) {
	t.Helper()
	text, metrics, err := try(t, event, variables...)
	if err != nil {
		t.Fatal(err)
	}
	var a maintain.Answer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a, metrics
}

// try is invoke for a task that may fail. The metrics are sent in either case.
func try(t *testing.T, event string, variables ...string) (answer []byte, metrics map[string]any, err error) {
	t.Helper()
	var out bytes.Buffer
	h, stop, err := maintain.New(t.Context(), environment(variables...), &out)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	payload, err := os.ReadFile("../../infra/events/" + event)
	if err != nil {
		t.Fatal(err)
	}
	answer, err = lambda.NewHandler(h.Handle).Invoke(t.Context(), payload)
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if json.Unmarshal([]byte(line), &m) == nil && m["_aws"] != nil {
			metrics = m
		}
	}
	if metrics == nil {
		t.Fatalf("no metrics in %s", &out)
	}
	delete(metrics, "_aws")
	return answer, metrics, err
}

func TestMeasuresDaysAheadWhenAPartitionCannotBeMade(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	db := postgrestest.New(t, c.Table())
	last := "user_logins_p" + time.Now().UTC().AddDate(0, 0, 5).Format("20060102")
	db.Exec(t, "drop table "+last)
	db.Exec(t, "create table "+last+" (in_the_way int)")
	_, metrics, err := try(t, "maintain.json", "DATABASE_URL="+db.OwnerURL)
	if err == nil {
		t.Error("no error, although a partition could not be made")
	}
	if metrics["PartitionDaysAhead"] != 4.0 {
		t.Errorf("metrics %v, want 4 days ahead", metrics)
	}
}

func TestMigratesAnEmptyDatabaseAndThenMaintainsIt(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	database := "DATABASE_URL=" + db.OwnerURL
	name := "keeper_" + strings.ToLower(strings.Trim(databaseName(t, db.URL), "/"))
	t.Cleanup(func() { db.Exec(t, "drop role if exists "+name) })

	a, metrics := invoke(t, "migrate.json", database, "WRITER_USER="+name)
	if diff := cmp.Diff([]string{"public.user_logins", "sqs2pg_vault.user_logins"}, a.Migration.Created); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	want := map[string]any{"Contract": "user_logins", "FunctionName": "local", "PartitionDaysAhead": 7.0, "PartitionsDropped": 0.0, "RowsOutside": 0.0}
	if diff := cmp.Diff(want, metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if got := db.QueryStrings(t, "select public_key from sqs2pg_vault.recipients"); len(got) != 1 || got[0] != postgrestest.VaultKey().String() {
		t.Errorf("the vault is for %v", got)
	}
	if got := db.QueryStrings(t, "select pg_has_role($1, 'sqs2pg_writer', 'member')", name); got[0] != "t" {
		t.Errorf("the ingest function's user may not write")
	}

	a, _ = invoke(t, "migrate.json", database, "WRITER_USER="+name)
	if len(a.Migration.Created)+len(a.Migration.Migrations)+len(a.Upkeep[0].Partitions) > 0 {
		t.Errorf("the second migration did %+v", a)
	}
	db.Exec(t, "select sqs2pg.make_partition('user_logins', now() - interval '100 days')")
	a, metrics = invoke(t, "maintain.json", database, "RETENTION_DAYS=90")
	if a.Migration != nil || len(a.Upkeep[0].Dropped) != 2 || metrics["PartitionsDropped"] != 2.0 {
		t.Errorf("upkeep did %+v, metrics %v; want a partition of the table and one of the vault dropped", a, metrics)
	}
}

func databaseName(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func TestRefusesUnknownTask(t *testing.T) {
	t.Parallel()
	h, stop, err := maintain.New(t.Context(), environment("DATABASE_URL="+postgrestest.New(t).OwnerURL), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	const want = `unknown task "vacuum": send {"task": "maintain"}, {"task": "migrate"} or {"task": "inspect"}`
	if _, err := lambda.NewHandler(h.Handle).Invoke(t.Context(), []byte(`{"task": "vacuum"}`)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

// The schedule runs from the first deployment on, and the migration may come later.
func TestTableThatIsNotThereYetIsNoError(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h, stop, err := maintain.New(t.Context(), environment("DATABASE_URL="+postgrestest.New(t).OwnerURL), &out)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := h.Handle(t.Context(), maintain.Event{}); err != nil || !strings.Contains(out.String(), "nothing to maintain: the table is missing") {
		t.Errorf("error %v, log %s", err, &out)
	}
}

func TestNamesEveryBadSetting(t *testing.T) {
	t.Parallel()
	_, _, err := maintain.New(t.Context(), environment("CONTRACT=nowhere", "RETENTION_DAYS=-1", "PARTITION_WIDTH=week", "DATABASE_URL=postgres://u:hunter2@127.0.0.1:port/d"), &bytes.Buffer{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"CONTRACT: ", "RETENTION_DAYS is not", "PARTITION_WIDTH is neither", "DATABASE_URL: "} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
	if strings.Contains(err.Error(), "hunter2") || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("want four lines without the password: %v", err)
	}
}

func TestConfirmsTheKeyOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	db := postgrestest.New(t, c.Table())
	db.Exec(t, "update sqs2pg.tables set unconfirmed_key = 'k1'")
	h, stop, err := maintain.New(t.Context(), environment("CONTRACT=user_logins", "DATABASE_URL="+db.OwnerURL), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, wrong := range []string{"k1", "k1=", "=0123456789abcdef", "k1=0123"} {
		if _, err := h.Handle(t.Context(), maintain.Event{Task: "migrate", ConfirmKey: []string{wrong}}); err == nil || !strings.Contains(err.Error(), "confirm_key") {
			t.Errorf("%q: got %v, want a refusal that names confirm_key", wrong, err)
		}
	}
	if _, err := h.Handle(t.Context(), maintain.Event{Task: "migrate", ConfirmKey: []string{"k1=0123456789abcdef"}}); err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"k1", "0123456789abcdef", "0"}}
	got := db.Query(t, "select key_id, fingerprint, (select count(*) from sqs2pg.tables where unconfirmed_key is not null) from sqs2pg.keys")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys, and tables whose tokens are unconfirmed (-want +got):\n%s", diff)
	}
}

func TestWaitsForDatabaseThatIsStartingUp(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	proxy := postgrestest.NewProxy(t, postgrestest.StartingUp)
	h, stop, err := maintain.New(t.Context(), environment("DATABASE_URL="+proxy.URL(t, db.OwnerURL)), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	done := make(chan error, 1)
	go func() {
		_, err := h.Handle(t.Context(), maintain.Event{Task: "migrate"})
		done <- err
	}()
	proxy.AwaitConnections(2) // the start, and the invocation
	proxy.Forward(t, db.OwnerURL)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := db.QueryStrings(t, "select count(*) from sqs2pg.tables")[0]; n != "1" {
		t.Errorf("%s tables are migrated, want 1", n)
	}
}
