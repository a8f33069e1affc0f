package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/project"
)

const sound = `# shared
contract = "user_logins"
default_env = "local"
database_host = "10.0.0.1"

[local]
queue = "login-queue"
aws_endpoint_url = "http://127.0.0.1:4566"
database_url = "postgres://postgres:postgres@127.0.0.1:5432/logins"

[prod]
contract = "contracts/logins.json, orders"
queue = "logins"
database_secret_id = 'sqs2pg/owner'
database_port = 6432
database_iam_auth = false
mask_keyring_file = "keyring.json"
`

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), project.FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// unset returns what counts in an environment, as VARIABLE=value.
func unset(t *testing.T, path, env string, variables map[string]string) (settings, notes []string) {
	t.Helper()
	e, err := project.Read(path, env)
	if err != nil {
		t.Fatal(err)
	}
	values, notes := e.Unset(func(name string) string { return variables[name] })
	for _, s := range values {
		settings = append(settings, s.Variable+"="+s.Value)
	}
	return settings, notes
}

func TestEnvironmentIsItsTableOverTheTop(t *testing.T) {
	t.Parallel()
	path := write(t, sound)
	dir := filepath.Dir(path)
	for env, want := range map[string][]string{
		"": {"AWS_ENDPOINT_URL=http://127.0.0.1:4566", "CONTRACT=user_logins", "DATABASE_URL=postgres://postgres:postgres@127.0.0.1:5432/logins", "SQS2PG_QUEUE=login-queue"},
		// A host at the top belongs to no URL of an environment, but a secret may name its own.
		"prod": {"CONTRACT=" + dir + "/contracts/logins.json,orders", "DATABASE_IAM_AUTH=false", "DATABASE_PORT=6432", "DATABASE_SECRET_ID=sqs2pg/owner",
			"MASK_KEYRING_FILE=" + dir + "/keyring.json", "SQS2PG_QUEUE=logins"},
	} {
		settings, notes := unset(t, path, env, nil)
		if diff := cmp.Diff(want, settings); diff != "" || notes != nil {
			t.Errorf("%q: notes %v, settings (-want +got):\n%s", env, notes, diff)
		}
	}
}

// A contract may be a name, and a key file is always a path.
func TestPathsStartAtTheFolderOfTheFile(t *testing.T) {
	t.Parallel()
	path := write(t, "contract = 'logins,x.json'\nmask_keyring_file = 'keyring'\nvault_key_file = 'new.key, keys/old.key,/abs.key'")
	dir := filepath.Dir(path)
	settings, _ := unset(t, path, "", nil)
	want := []string{"CONTRACT=logins," + dir + "/x.json", "MASK_KEYRING_FILE=" + dir + "/keyring", "VAULT_KEY_FILE=" + dir + "/new.key," + dir + "/keys/old.key,/abs.key"}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestVariableWinsOverTheFile(t *testing.T) {
	t.Parallel()
	path := write(t, sound)
	settings, notes := unset(t, path, "local", map[string]string{
		"DATABASE_SECRET_ID": "other", "CONTRACT": "user_logins", "SQS2PG_ENDPOINT_URL": "http://sqs:4566",
	})
	if diff := cmp.Diff([]string{"SQS2PG_QUEUE=login-queue"}, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	want := []string{
		"the variable SQS2PG_ENDPOINT_URL is set and wins over " + path + ":8: aws_endpoint_url",
		"the variable DATABASE_SECRET_ID is set and wins over " + path + ":9: database_url",
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestFindsTheFileInAFolderAbove(t *testing.T) {
	t.Parallel()
	path := write(t, sound)
	inner := filepath.Join(filepath.Dir(path), "a", "b")
	if err := os.MkdirAll(filepath.Join(inner, project.FileName), 0o700); err != nil { // a folder of that name is none
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(path), inner} {
		if found, err := project.Find(dir); err != nil || found != path {
			t.Errorf("in %s found %q, %v; want %s", dir, found, err, path)
		}
	}
	if found, err := project.Find(t.TempDir()); err != nil || found != "" {
		t.Errorf("found %q, %v where no folder has one", found, err)
	}
}

func TestMistakesNameFileLineAndKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, env, want string }{
		{"contract = 'a'\nqeue = 'b'", "", `:2: qeue: unknown key: did you mean "queue"?`},
		{"[prod]\nendpoint-url = 'b'", "", `:2: endpoint-url: unknown key: did you mean "aws_endpoint_url"?`},
		{"batch = 1", "", ":1: batch: unknown key: remove it"},
		{"queue = 'a'\nqueue = 'b'", "", ":2: not TOML: "},
		{"queue = logins", "", ":1: not TOML: "},
		{"queue = ['a']", "", ":1: queue: the value must be a text in quotes"},
		{"queue = 1.5", "", ":1: queue: the value must be a text in quotes"},
		{"queue = \"a\\nb\"", "", ":1: queue: the value has a line break"},
		{"prod = {queue = 'a'}", "", ":1: prod: unknown key"},
		{"[prod.eu]\nqueue = 'a'", "", ":1: [prod.eu]: an environment has no tables in it"},
		{"[[prod]]\nqueue = 'a'", "", ":1: [[prod]]: write [prod]"},
		{"[prod]\ndefault_env = 'prod'", "", ":2: default_env: write it above the first table"},
		{"default_env = 'prd'\n[prod]\n[test]", "", `:1: default_env: no environment "prd": it has prod, test`},
		{"[prod]\n[test]", "prd", ` has no environment "prd": it has prod, test`},
		{"queue = 'a'", "prod", ` has no environment "prod": add it as a table such as [prod]`},
		{"\n[prod]\ndatabase_url = 'postgres://u:secret-pw@db.example.com/d'", "", ":3: database_url: it holds a password, and this file is for sharing: use database_secret_id"},
		{"database_url = 'postgres://db.example.com/d?user=u&password=secret-pw'", "", ":1: database_url: it holds a password"},
		{"database_url = 'host=db.example.com user=u password=secret-pw'", "", ":1: database_url: it holds a password"},
		{"mask_keyring = '{\"k1\":\"secret-pw\"}'", "", ":1: mask_keyring is a secret"},
		{"aws_secret_access_key = 'secret-pw'", "", ":1: aws_secret_access_key is a secret, and this file is for sharing: name a profile by aws_profile"},
	} {
		path := write(t, test.text)
		_, err := project.Read(path, test.env)
		if _, ok := errors.AsType[*project.MistakeError](err); !ok || !strings.HasPrefix(err.Error(), path+test.want) || strings.Contains(err.Error(), "secret-pw") {
			t.Errorf("%s\nerror %v\nwant  %s%s", test.text, err, path, test.want)
		}
	}
	for _, text := range []string{
		"", "# nothing", "queue = ''", "database_url = 'postgres://u@db.example.com/d'",
		"database_url = 'postgres://u:p@localhost/d'", "database_url = 'host=/tmp user=u password=p'",
	} {
		if _, err := project.Read(write(t, text), ""); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzParse looks for a file that ends the program, or a mistake that does not name its line.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{sound, "queue = 'a", "[", "[a.b]", "[[a]]", "a.b = 1", "queue = 1979-05-27", "database_url = 'postgres://u:p@[::1'", "\"\" = 1", "[\"\"]", "contract = ',,'"} {
		f.Add(seed, "prod")
	}
	f.Fuzz(func(t *testing.T, text, env string) {
		e, err := project.Parse("folder/sqs2pg.toml", []byte(text), env)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "folder/sqs2pg.toml") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		e.Unset(os.Getenv)
	})
}
