package doctor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/queue"
)

func TestExamineLooksAtEverythingThatItCanReach(t *testing.T) {
	t.Parallel()
	setup := doctor.Setup{
		Contracts: func() (*routes.Set, error) { return nil, errors.New("no contract:\nname one") },
		Given:     &environment.Given{Getenv: func(string) string { return "" }, Keyrings: &home.Keyrings{Path: home.KeyringPath(t.TempDir())}, Vault: &home.Vault{Path: home.VaultPath(t.TempDir())}},
		Function:  func() (string, error) { return "", errors.New("no function") },
		Queue:     func(context.Context) (*queue.Queue, error) { return nil, errors.New("no queue") },
		Timeout:   30 * time.Second,
	}
	found := setup.Examine(t.Context())
	if diff := cmp.Diff([]string{"fix contract", "ok keyring", "fix function", "fix queue", "fix database"}, verdicts(found)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	db := postgrestest.New(t)
	setup.Given.DatabaseURL, setup.Given.From = db.URL, environment.Flag
	found = setup.Examine(t.Context())
	if last := found[len(found)-1]; last.Verdict != doctor.OK || last.Text != "reached" {
		t.Errorf("a database without a contract: %+v", last)
	}
	setup.Contracts = func() (*routes.Set, error) { return routes.Load(contracts.Files, "user_logins") }
	setup.Given.Keyrings.Text, setup.Given.Keyrings.From = keyring, "--keyring"
	found = setup.Examine(t.Context())
	if diff := cmp.Diff([]string{"ok contract", "ok keyring", "fix vault", "fix function", "fix queue", "ok database", "fix table"}, verdicts(found)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(found[1].Text, "--keyring: the current key is k1") {
		t.Errorf("keyring: %+v", found[1])
	}
}

func TestReportHasALineForEachFinding(t *testing.T) {
	t.Parallel()
	report := doctor.NewReport([]doctor.Finding{{doctor.OK, "queue", "logins"}, {doctor.Fix, "privileges", "grant it"}, {doctor.Note, "window", "short"}})
	var out strings.Builder
	report.Print(&out)
	const want = "ok   queue        logins\nfix  privileges   grant it\nnote window       short\n"
	if out.String() != want || report.Fixes != 1 {
		t.Errorf("%d fixes, prints:\n%s", report.Fixes, &out)
	}
}
