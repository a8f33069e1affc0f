package environment_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/settings"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// getenv is an environment with these settings, "NAME=value".
func getenv(all ...string) func(string) string {
	return func(name string) string {
		for _, setting := range all {
			if value, ok := strings.CutPrefix(setting, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func login(t *testing.T) contract.Table {
	t.Helper()
	c, err := contract.Load(contracts.Folder(), "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	return c.Table()
}

func TestOpensTheDatabaseThatWins(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	const nowhere = "postgres://u:hunter2@127.0.0.1:1/d?sslmode=disable"
	for _, test := range []struct {
		name, url, from string
		env             []string
		want            string // what the error holds
	}{
		{"a flag alone", db.URL, "--database-url", nil, ""},
		{"a variable", db.URL, "DATABASE_URL", []string{"DATABASE_URL=" + db.URL}, ""},
		{"a flag over a variable", db.URL, "--database-url", []string{"DATABASE_URL=" + nowhere}, ""},
		{"a flag over a secret and IAM", db.URL, "--database-url", []string{"DATABASE_SECRET_ID=s", "DATABASE_IAM_AUTH=true"}, ""},
		{"nothing", "", "", nil, environment.ErrNoDatabase.Error()},
		{"a wrong flag", nowhere, "--database-url", []string{"DATABASE_SECRET_ID=s"}, "--database-url: database unavailable: connection refused"},
		{"a wrong line of a file", nowhere, "sqs2pg.toml:2: database_url", []string{"DATABASE_URL=" + nowhere}, "sqs2pg.toml:2: database_url: database unavailable"},
		{"a variable and a secret", db.URL, "DATABASE_URL", []string{"DATABASE_URL=" + db.URL, "DATABASE_SECRET_ID=s"}, "the database is set more than once"},
	} {
		g := environment.Given{Getenv: getenv(test.env...), DatabaseURL: test.url, From: test.from}
		pool, err := g.Open(t.Context())
		if pool != nil {
			pool.Close()
		}
		if got := errorText(err); (got == "") != (test.want == "") || !strings.Contains(got, test.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: the error is %q, want %q", test.name, got, test.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Commands tell a wrong setting from a database that is down by the type of the error.
func TestOpenKeepsTheKindOfAnError(t *testing.T) {
	t.Parallel()
	wrong := environment.Given{Getenv: getenv("DATABASE_IAM_AUTH=perhaps")}
	if _, err := wrong.Open(t.Context()); !isA[*settings.WrongError](err) {
		t.Errorf("a wrong variable: %v", err)
	}
	unreadable := environment.Given{Getenv: getenv(), DatabaseURL: "postgres://h:port/d", From: environment.Flag}
	if _, err := unreadable.Open(t.Context()); !errors.Is(err, postgres.ErrConfig) {
		t.Errorf("a URL that cannot be read: %v", err)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// known is the vault whose key the databases of tests know.
func known() *home.Vault { return &home.Vault{Public: postgrestest.VaultKey().String()} }

func TestFunctionFindsWhatWasNamed(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, login(t))
	keyring := string(mask.GenerateKeyring())
	g := environment.Given{
		Getenv: getenv("DATABASE_SECRET_ID=s", "AWS_REGION=eu-west-1", "MASK_KEYRING=old"), DatabaseURL: db.URL, From: environment.Flag,
		Contract: "user_logins", Keyrings: &home.Keyrings{Text: keyring, From: "--keyring", Talk: io.Discard}, Vault: known(),
	}
	var talk strings.Builder
	env, err := g.Function(t.Context(), []contract.Table{login(t)}, &talk)
	if err != nil || talk.Len() > 0 {
		t.Fatalf("%v, says %q", err, &talk)
	}
	for _, want := range []string{"DATABASE_URL=" + db.URL, "CONTRACT=user_logins", "MASK_KEYRING=" + keyring, "VAULT_PUBLIC_KEY=" + postgrestest.VaultKey().String()} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s", strings.SplitN(want, "=", 2)[0])
		}
	}
	if slices.ContainsFunc(env, func(s string) bool { return strings.HasPrefix(s, "DATABASE_SECRET_ID=") }) {
		t.Error("the flag does not win over DATABASE_SECRET_ID")
	}
}

func TestRefusesAFunctionWhoseTableIsMissing(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	g := environment.Given{
		Getenv: getenv(), DatabaseURL: db.URL, From: environment.Flag, Contract: "user_logins",
		Keyrings: &home.Keyrings{Text: string(mask.GenerateKeyring()), Talk: io.Discard}, Vault: known(),
	}
	if _, err := g.Function(t.Context(), []contract.Table{login(t)}, io.Discard); !strings.Contains(errorText(err), "migrate") {
		t.Errorf("got %v", err)
	}
}

func TestMakesAKeyringOnlyWhereNoneIsNamed(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, login(t))
	function := func(ctx context.Context, keyrings home.Keyrings) error {
		keyrings.Talk = io.Discard
		g := environment.Given{Getenv: getenv(), DatabaseURL: db.URL, From: environment.Flag, Contract: "user_logins", Keyrings: &keyrings, Vault: known()}
		_, err := g.Function(ctx, []contract.Table{login(t)}, io.Discard)
		return err
	}
	path := home.KeyringPath(t.TempDir())
	if err := function(t.Context(), home.Keyrings{Path: path, Exists: true}); !isA[home.KeyringError](err) {
		t.Errorf("a named file that is missing: %v", err)
	}
	for range 2 { // the second time it is there
		if err := function(t.Context(), home.Keyrings{Path: path}); err != nil {
			t.Error(err)
		}
	}
}
