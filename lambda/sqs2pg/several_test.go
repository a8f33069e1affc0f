package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sqs2pg/pkg/postgres/postgrestest"
)

// TestEveryCommandTakesAFolderOfContracts takes the contracts of a folder from check to the rows and
// the dead letters.
func TestEveryCommandTakesAFolderOfContracts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const rest = `"type": "object", "properties": {"n": {"type": "integer"}, "email": {"type": "string", "x-mask": "token"}}, "required": ["n"]}`
	write("orders.json", `{"x-table": "orders", "x-envelope": "eventbridge", "x-match": {"envelope": {"source": ["shop"]}}, `+rest)
	write("refunds.json", `{"x-table": "refunds", "x-match": {"body": {"type": ["refund"]}}, `+rest)
	order := `{"version":"0","id":"i","detail-type":"OrderPlaced","source":"shop","time":"` + time.Now().UTC().Format(time.RFC3339) + `","detail":{"n":1,"email":"ursula@example.org"}}`
	const refund = `{"type":"refund","n":2,"email":"ursula@example.org"}`
	messages := write("messages.jsonl", strings.Join([]string{order, refund, `{"type":"refund"}`, `{"type":"other"}`}, "\n"))
	folder := dir + string(filepath.Separator)
	for _, command := range [][]string{{"contract", "check", folder}, {"contract", "ddl", folder}} {
		if out := succeed(t, command...); !strings.Contains(out, "orders") || !strings.Contains(out, "refunds") {
			t.Errorf("%s: %s", command[1], out)
		}
	}
	_, tried, _ := sqs2pg(t, "contract", "try", folder, messages, "--keyring", keyring)
	for _, want := range []string{"line 1: orders: n=1  email=k1:", "line 2: refunds: n=2  email=k1:", "line 3: refunds: refused: invalid: n: required", "line 4: refused: unmatched: x-match"} {
		if !strings.Contains(tried, want) {
			t.Errorf("contract try lacks %q:\n%s", want, tried)
		}
	}

	endpoint, db := startSQS(t), postgrestest.New(t)
	withDead(t, endpoint, "events", 1)
	owner, at := []string{"--database-url", db.OwnerURL, "--contract", folder}, []string{"--endpoint-url", endpoint, "--queue", "events"}
	plan := succeed(t, append([]string{"migrate", "--plan"}, owner...)...)
	if strings.Count(plan, "create schema") > 1 || !strings.Contains(plan, "refunds") {
		t.Errorf("the plan makes what all tables share once, and each table:\n%s", plan)
	}
	succeed(t, append([]string{"migrate"}, owner...)...)
	succeed(t, append([]string{"maintain"}, owner...)...)
	succeed(t, append([]string{"send", messages}, at...)...)
	at = append(at, "--contract", folder, "--keyring", keyring)
	_, found, _ := sqs2pg(t, append([]string{"doctor", "--database-url", db.URL, "--function", bootstrap}, at...)...)
	for _, want := range []string{"orders: 2 columns of public.orders", "refunds: 2 columns", "public.orders is as the contract says", "public.refunds is as the contract says", "public.refunds: made for"} {
		if !strings.Contains(found, want) {
			t.Errorf("doctor lacks %q:\n%s", want, found)
		}
	}
	sqs2pg(t, append([]string{"invoke", "--database-url", db.URL, "--function", bootstrap, "--idle-timeout", "500ms", "--retry-delay", "0s"}, at...)...)
	if got := db.Query(t, "select (select string_agg(n::text, ',') from orders), (select string_agg(n::text, ',') from refunds)")[0]; got[0] != "1" || got[1] != "2" {
		t.Errorf("orders has %s, refunds %s; want 1 and 2", got[0], got[1])
	}
	dead := succeed(t, "dlq", "list", "--endpoint-url", endpoint, "--queue", "events", "--contract", folder)
	for _, want := range []string{"CONTRACT", "refunds", "invalid: n required", "unmatched: x-match"} {
		if !strings.Contains(dead, want) {
			t.Errorf("dlq list lacks %q:\n%s", want, dead)
		}
	}
	if code, _, errs := sqs2pg(t, "migrate", "--database-url", db.OwnerURL, "--contract", folder+"orders.json,"+folder+"none.json"); code != 2 || !strings.Contains(errs, "none.json") {
		t.Errorf("a missing contract: exit code %d, %s", code, errs)
	}
}
