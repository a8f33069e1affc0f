package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/telemetry/leaktest"
)

// TestPrintsNoPersonalValue reads, refuses, dead-letters and lists every kind of bad message, and
// searches everything that the commands print. Only dlq show --body prints bodies and only invoke
// --record keeps them: that is what they are for.
func TestPrintsNoPersonalValue(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, "alter table user_logins add constraint no_refused check (user_id not like 'refused%')")
	queue, _ := withDead(t, endpoint, "logins", 2)
	search := leaktest.For(sample.PersonalValues()...)
	var bodies []string
	for i, p := range sample.People()[:10] {
		bodies = append(bodies, p.Login(p.Name))
		for _, bad := range sample.AllBad {
			bodies = append(bodies, bad.Body(p, p.Name+fmt.Sprint(i)))
		}
	}
	sendAs(t, endpoint, queue, bodies, func(i int) string { return fmt.Sprint("message ", i) })
	printed := func(stdin string, args ...string) (out string) {
		_, out, errs := sqs2pgIn(t.Context(), folder(t), stdin, args...)
		search.Text(fmt.Sprint("standard output of ", args), out)
		search.Text(fmt.Sprint("standard error of ", args), errs)
		return out
	}
	recorded := filepath.Join(t.TempDir(), "recorded")
	at := []string{"--endpoint-url", endpoint, "--queue", "logins"}
	printed("", append([]string{"invoke", "--database-url", db.URL, "--function", bootstrap, "--batch-size", "50", "--retry-delay", "0s", "--idle-timeout", "500ms", "--record", recorded}, at...)...)
	if n, want := db.QueryStrings(t, "select count(*) from user_logins")[0], "10"; n != want {
		t.Errorf("%s rows, want %s", n, want)
	}
	printed("", append([]string{"dlq", "list"}, at...)...)
	var list struct{ Messages []deadletter.Line }
	if err := json.Unmarshal([]byte(printed("", append([]string{"dlq", "list", "--json"}, at...)...)), &list); err != nil || len(list.Messages) < len(sample.AllBad) {
		t.Fatalf("%d dead letters, %v", len(list.Messages), err)
	}
	printed("", append([]string{"dlq", "show", list.Messages[0].ID}, at...)...)
	printed("", append([]string{"dlq", "redrive"}, at...)...)
	printed("", append([]string{"doctor", "--database-url", db.URL}, at...)...)
	for _, bad := range sample.AgainstContract { // not of a valid message: try shows its row; twice, since a single array is a list of messages
		p := sample.People()[0]
		line := bad.Body(p, p.Name) + "\n"
		printed(line+line, "contract", "try", "--keyring", keyring)
	}
	files, err := filepath.Glob(filepath.Join(recorded, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if out := printed("", append([]string{"replay", "--database-url", db.URL, "--function", bootstrap}, files...)...); !strings.Contains(out, " failed: ") {
		t.Errorf("replay of %d files says %q, want messages that failed", len(files), out)
	}
	printed(fmt.Sprintf(`{"Records":[{"messageId":1,"body":%q}]}`, bodies[0]), "replay", "--database-url", db.URL, "--function", bootstrap, "-")
	for _, found := range search.Found() {
		t.Error("leak: ", found)
	}
	t.Logf("searched %d bytes", search.Bytes())
	if search.Bytes() < 5000 {
		t.Errorf("only %d bytes were searched: the commands have not run", search.Bytes())
	}
}
