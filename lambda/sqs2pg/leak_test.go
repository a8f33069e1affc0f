package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sqs2pg/pkg/postgres/postgrestest"
)

// TestNothingPersonalIsSaid has every kind of bad message read, refused, dead-lettered and listed, and searches all that the command writes
// on either stream. The bodies themselves are shown by dlq show --body and kept by invoke --record only, which are for that.
func TestNothingPersonalIsSaid(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, "alter table user_logins add constraint no_refused check (user_id not like 'refused%')")
	queue, _ := withDead(t, endpoint, "logins", 2)
	search := personal(people())
	var bodies []string
	for i, p := range people()[:10] {
		bodies = append(bodies, body(p, p.name))
		for _, wrong := range wrongs {
			bodies = append(bodies, wrong.body(p, p.name+fmt.Sprint(i)))
		}
	}
	sendAs(t, endpoint, queue, bodies, func(i int) string { return fmt.Sprint("message ", i) })
	said := func(stdin string, args ...string) (out string) {
		_, out, errs := sqs2pgIn(t.Context(), t.TempDir(), stdin, args...)
		search.Text(fmt.Sprint("standard output of ", args), out)
		search.Text(fmt.Sprint("standard error of ", args), errs)
		return out
	}
	recorded := filepath.Join(t.TempDir(), "recorded")
	at := []string{"--endpoint-url", endpoint, "--queue", "logins"}
	said("", append([]string{"invoke", "--database-url", db.URL, "--function", bootstrap, "--batch-size", "50", "--retry-delay", "0s", "--idle-timeout", "500ms", "--record", recorded}, at...)...)
	if n, want := db.QueryStrings(t, "select count(*) from user_logins")[0], "10"; n != want {
		t.Errorf("%s rows, want %s", n, want)
	}
	said("", append([]string{"dlq", "list"}, at...)...)
	var list struct{ Messages []letter }
	if err := json.Unmarshal([]byte(said("", append([]string{"dlq", "list", "--json"}, at...)...)), &list); err != nil || len(list.Messages) < len(wrongs) {
		t.Fatalf("%d dead letters, %v", len(list.Messages), err)
	}
	said("", append([]string{"dlq", "show", list.Messages[0].ID}, at...)...)
	said("", append([]string{"dlq", "redrive"}, at...)...)
	said("", append([]string{"doctor", "--database-url", db.URL}, at...)...)
	for _, wrong := range wrongs[:len(wrongs)-1] { // the last is sound by its contract, and try shows what its row would be
		said(wrong.body(people()[0], people()[0].name)+"\n", "contract", "try", "--keyring", `{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}`)
	}
	files, err := filepath.Glob(filepath.Join(recorded, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if out := said("", append([]string{"replay", "--database-url", db.URL, "--function", bootstrap}, files...)...); !strings.Contains(out, " failed: ") {
		t.Errorf("replay of %d files says %q, want messages that failed", len(files), out)
	}
	said(fmt.Sprintf(`{"Records":[{"messageId":1,"body":%q}]}`, bodies[0]), "replay", "--database-url", db.URL, "--function", bootstrap, "-")
	for _, found := range search.Found() {
		t.Error("leak: ", found)
	}
	t.Logf("searched %d bytes", search.Bytes())
	if search.Bytes() < 5000 {
		t.Errorf("only %d bytes were searched: the commands have not run", search.Bytes())
	}
}
