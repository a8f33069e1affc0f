package settings_test

import (
	"net/url"
	"strings"
	"testing"

	"sqs2pg/pkg/postgres/postgrestest"
)

func TestRefusesStartWhenDatabaseCannotBeReached(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change map[string]any // of the secret
		want   string
	}{
		"a wrong password":        {map[string]any{"password": hidden}, "DATABASE_SECRET_ID: database: user or password refused"},
		"no such user":            {map[string]any{"username": "nobody", "password": hidden}, "DATABASE_SECRET_ID: database: user or password refused"},
		"no such database":        {map[string]any{"dbname": "nowhere"}, "DATABASE_SECRET_ID: database: no such database"},
		"a port without a server": {map[string]any{"port": 1}, "DATABASE_SECRET_ID: database unavailable: connection refused: check host and port"},
		"an unknown host":         {map[string]any{"host": "nowhere.invalid"}, "the server's host name does not resolve"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			password, _ := u.User.Password()
			v := &vault{secret: map[string]any{
				"host": u.Hostname(), "port": u.Port(), "dbname": u.Path[1:], "username": u.User.Username(), "password": password,
			}}
			for member, value := range test.change {
				v.secret[member] = value
			}
			_, err := environment(v, "DATABASE_SECRET_ID=s").Open(t.Context())
			expectLines(t, err, test.want)
		})
	}
	for name, test := range map[string]struct{ url, want string }{
		"TLS that is not offered":   {db.URL + "&sslmode=verify-full", "DATABASE_URL: database: the server offers no TLS"},
		"a URL that cannot be read": {"postgres://u:hunter2@h:port/d", "DATABASE_URL: database settings: the URL cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := environment(nil, "DATABASE_URL="+strings.Replace(test.url, "sslmode=disable&", "", 1)).Open(t.Context())
			expectLines(t, err, test.want)
		})
	}
}

// A patient start succeeds only where waiting may help.
func TestStartsWithoutDatabaseIfTheFaultMayPass(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for name, test := range map[string]struct {
		url  string
		wait bool
	}{
		"nobody listens":               {"postgres://u:hunter2@127.0.0.1:1/d?sslmode=disable", true},
		"a server that is starting":    {postgrestest.NewProxy(t, postgrestest.StartingUp).URL(t, db.URL), true},
		"an unknown host":              {"postgres://u:hunter2@nowhere.invalid/d", false},
		"a wrong password":             {strings.Replace(db.URL, "@", "x@", 1), false},
		"a database that is not there": {strings.Replace(db.URL, "?", "x?", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := environment(nil, "DATABASE_URL="+test.url)
			e.Patient = true
			pool, err := e.Open(t.Context())
			if (err == nil) != test.wait {
				t.Errorf("error is %v", err)
			}
			if pool != nil {
				pool.Close()
			}
		})
	}
}

// The SDK reads the process's environment, so this test cannot run beside others.
func TestUsesAWSSettingsOfTheSDK(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", hidden)
	iam := []string{"DATABASE_IAM_AUTH=true", "DATABASE_USER=sqs2pg_ingest", "DATABASE_HOST=p.proxy-x.eu-west-1.rds.amazonaws.com", "DATABASE_NAME=d"}

	_, err := environment(nil, "DATABASE_SECRET_ID=s").Database(t.Context())
	expectLines(t, err, "DATABASE_SECRET_ID: no AWS region: set AWS_REGION")
	_, err = environment(nil, iam...).Database(t.Context())
	expectLines(t, err, "DATABASE_IAM_AUTH: no AWS region: set AWS_REGION")

	t.Setenv("AWS_REGION", "eu-west-1")
	d, err := environment(nil, iam...).Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, token, err := d.Credentials(t.Context())
	if err != nil || user != "sqs2pg_ingest" {
		t.Fatalf("user %q, %v", user, err)
	}
	for _, part := range []string{"p.proxy-x.eu-west-1.rds.amazonaws.com:5432", "Action=connect", "DBUser=sqs2pg_ingest", "X-Amz-Expires=900"} {
		if !strings.Contains(token, part) {
			t.Errorf("the token does not hold %s", part)
		}
	}
	if want := "postgres://p.proxy-x.eu-west-1.rds.amazonaws.com:5432/d?sslmode=verify-full"; d.URL != want || d.Refresh != nil {
		t.Errorf("URL %s, want %s, and nothing to refresh", d.URL, want)
	}
}
