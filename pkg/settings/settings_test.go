package settings_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/secrets"
	"sqs2pg/pkg/settings"
)

// hidden is part of every secret here, so that the tests find it in an error.
const hidden = "hunter2"

const keyring = `{"current":"k1","k1":"hunter2hunter2hunter2hunter2hunter2hunter2"}`

// secretsManager speaks the wire protocol of GetSecretValue. A value that starts with "!" makes it
// answer with that error code.
func secretsManager(t testing.TB, values map[string]string) *secretsmanager.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ SecretId string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		value, ok := values[in.SecretId]
		code, failed := strings.CutPrefix(value, "!")
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch {
		case !ok:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ResourceNotFoundException","message":"Secrets Manager can't find it"}`)
		case failed:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":%q,"message":"arn:aws:iam::123456789012:user/somebody %s"}`, code, hidden)
		default:
			_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": value})
		}
	}))
	t.Cleanup(server.Close)
	return clientOf(server.URL)
}

func clientOf(endpoint string) *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
}

// environment has variables such as NAME=value.
func environment(client secrets.Client, variables ...string) *settings.Environment {
	values := map[string]string{}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	return &settings.Environment{Folder: contracts.Files, Getenv: func(name string) string { return values[name] }, Client: client}
}

func TestReadsDatabaseFromEachSource(t *testing.T) {
	t.Parallel()
	client := secretsManager(t, map[string]string{
		"rotated":   `{"engine":"postgres","host":"db.example.com","username":"w","password":"hunter2","dbname":"logins","port":5433,"dbInstanceIdentifier":"db"}`,
		"as-string": `{"host":"db.example.com","username":"w","password":"hunter2","dbname":"logins","port":"5433"}`,
		"managed":   `{"username":"w @/","password":"hunter2"}`,
		"no-port":   ` {"host":"db.example.com","username":"w","password":"hunter2","dbname":"a b/c","port":null} `,
	})
	const user, password = "w", hidden
	for name, test := range map[string]struct {
		settings            []string
		url, user, password string
	}{
		"a URL is taken as it is":                {[]string{"DATABASE_URL=postgres://u:p@h/d?sslmode=require"}, "postgres://u:p@h/d?sslmode=require", "", ""},
		"a secret that RDS rotates is complete":  {[]string{"DATABASE_SECRET_ID=rotated"}, "postgres://db.example.com:5433/logins", user, password},
		"its port may be a string":               {[]string{"DATABASE_SECRET_ID=as-string"}, "postgres://db.example.com:5433/logins", user, password},
		"its port may be missing":                {[]string{"DATABASE_SECRET_ID=no-port", "DATABASE_NAME=logins"}, "postgres://db.example.com:5432/logins", user, password},
		"a name is escaped":                      {[]string{"DATABASE_SECRET_ID=no-port"}, "postgres://db.example.com:5432/a%20b/c", user, password},
		"a secret that RDS manages has no host":  {[]string{"DATABASE_SECRET_ID=managed", "DATABASE_HOST=h", "DATABASE_NAME=n"}, "postgres://h:5432/n", "w @/", password},
		"settings win, as for a proxy":           {[]string{"DATABASE_SECRET_ID=rotated", "DATABASE_HOST=proxy", "DATABASE_PORT=1"}, "postgres://proxy:1/logins", user, password},
		"a host may be an IPv6 address":          {[]string{"DATABASE_SECRET_ID=managed", "DATABASE_HOST=fd00::1", "DATABASE_NAME=n"}, "postgres://[fd00::1]:5432/n", "w @/", password},
		"IAM off is as if it were not mentioned": {[]string{"DATABASE_SECRET_ID=rotated", "DATABASE_IAM_AUTH=false"}, "postgres://db.example.com:5433/logins", user, password},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := environment(client, test.settings...).Database(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := []string{d.URL, "", ""}
			if d.Credentials != nil {
				if got[1], got[2], err = d.Credentials(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]string{test.url, test.user, test.password}, got); diff != "" {
				t.Errorf("URL, user, password (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamesEveryBadSettingAndShowsNoSecret(t *testing.T) {
	t.Parallel()
	client := secretsManager(t, map[string]string{
		"no-password": `{"username":"hunter2","host":"h","dbname":"d"}`,
		"no-host":     `{"username":"w","password":"hunter2"}`,
		"text":        `hunter2`,
		"list":        `["hunter2"]`,
		"cut off":     `{"username":"w","password":"hunter2`,
		"twice":       `{"username":"w","password":"hunter2","password":"hunter2"}`,
		"typed":       `{"username":"w","password":{"a":"hunter2"}}`,
		"mysql":       `{"engine":"mysql hunter2","username":"w","password":"hunter2","host":"h","dbname":"d"}`,
		"port":        `{"username":"w","password":"hunter2","host":"h","dbname":"d","port":"hunter2"}`,
		"port 0":      `{"username":"w","password":"hunter2","host":"h","dbname":"d","port":0}`,
		"url as host": `{"username":"w","password":"hunter2","host":"postgres://hunter2@h","dbname":"d"}`,
		"short key":   `{"current":"k1","k1":"hunter2"}`,
		"denied":      "!AccessDeniedException",
		"deleted":     "!InvalidRequestException",
		"token":       "!UnrecognizedClientException",
		"kms":         "!DecryptionFailure",
		"other":       "!InternalServiceError",
		"empty":       "",
	})
	for _, test := range []struct {
		name     string
		settings []string
		lines    []string // parts of the lines of the error, in order
	}{
		{"nothing is set", nil, []string{"no database: set DATABASE_URL, or DATABASE_SECRET_ID, or DATABASE_USER with DATABASE_IAM_AUTH=true"}},
		{"two databases", []string{"DATABASE_URL=postgres://x:hunter2@h/d", "DATABASE_SECRET_ID=s"}, []string{"set more than once"}},
		{"a secret and IAM", []string{"DATABASE_SECRET_ID=s", "DATABASE_IAM_AUTH=true", "DATABASE_USER=u", "DATABASE_HOST=h", "DATABASE_NAME=n"}, []string{"exclude each other"}},
		{"IAM is a word", []string{"DATABASE_IAM_AUTH=hunter2", "DATABASE_URL=postgres://h/d"}, []string{"DATABASE_IAM_AUTH is neither"}},
		{"IAM with nothing else", []string{"DATABASE_IAM_AUTH=true"}, []string{"DATABASE_USER is missing", "DATABASE_HOST is missing", "DATABASE_NAME is missing"}},
		{"a port out of range, and no database", []string{"DATABASE_PORT=65536"}, []string{"DATABASE_PORT is not", "no database"}},
		{"a port in the host", []string{"DATABASE_SECRET_ID=s", "DATABASE_HOST=h:5432"}, []string{"DATABASE_HOST is not"}},
		{"the secret is not there", []string{"DATABASE_SECRET_ID=nowhere"}, []string{"DATABASE_SECRET_ID: no secret nowhere"}},
		{"no permission", []string{"DATABASE_SECRET_ID=denied"}, []string{"DATABASE_SECRET_ID: not allowed to read secret denied: grant secretsmanager:GetSecretValue"}},
		{"scheduled for deletion", []string{"DATABASE_SECRET_ID=deleted"}, []string{"restore it"}},
		{"another account's token", []string{"DATABASE_SECRET_ID=token"}, []string{"DATABASE_SECRET_ID: the AWS credentials are not accepted"}},
		{"the key is gone", []string{"DATABASE_SECRET_ID=kms"}, []string{"DATABASE_SECRET_ID: the key of secret kms"}},
		{"another answer", []string{"DATABASE_SECRET_ID=other"}, []string{"Secrets Manager answered InternalServiceError"}},
		{"an empty secret", []string{"DATABASE_SECRET_ID=empty"}, []string{"DATABASE_SECRET_ID: the secret is not a JSON object"}},
		{"a secret without a password", []string{"DATABASE_SECRET_ID=no-password"}, []string{"DATABASE_SECRET_ID: the secret is wrong: it has no password"}},
		{"no host anywhere", []string{"DATABASE_SECRET_ID=no-host"}, []string{"DATABASE_HOST is missing, and the secret names no host", "DATABASE_NAME is missing"}},
		{"a secret that is text", []string{"DATABASE_SECRET_ID=text"}, []string{"not a JSON object"}},
		{"a secret that is a list", []string{"DATABASE_SECRET_ID=list"}, []string{"not a JSON object"}},
		{"a secret cut off", []string{"DATABASE_SECRET_ID=cut off"}, []string{"not a JSON object"}},
		{"a secret with a member twice", []string{"DATABASE_SECRET_ID=twice"}, []string{"not a JSON object"}},
		{"a password that is no string", []string{"DATABASE_SECRET_ID=typed"}, []string{"not a JSON object"}},
		{"another database's secret", []string{"DATABASE_SECRET_ID=mysql"}, []string{"DATABASE_SECRET_ID: the secret is wrong: its engine is not postgres"}},
		{"a port that is a word", []string{"DATABASE_SECRET_ID=port"}, []string{"its port is not"}},
		{"a port that is 0", []string{"DATABASE_SECRET_ID=port 0"}, []string{"its port is not"}},
		{"a URL for a host", []string{"DATABASE_SECRET_ID=url as host"}, []string{"its host is not"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := environment(client, test.settings...).Database(t.Context())
			expectLines(t, err, test.lines...)
		})
	}
	for _, test := range []struct {
		name     string
		settings []string
		line     string
	}{
		{"no keyring", nil, "no masking keyring: set MASK_SECRET_ID or MASK_KEYRING"},
		{"two keyrings", []string{"MASK_SECRET_ID=s", "MASK_KEYRING=" + keyring}, "set twice"},
		{"a short key in the environment", []string{`MASK_KEYRING={"current":"k1","k1":"hunter2"}`}, "MASK_KEYRING: "},
		{"a short key in the secret", []string{"MASK_SECRET_ID=short key"}, "MASK_SECRET_ID: "},
		{"the keyring's secret is not there", []string{"MASK_SECRET_ID=nowhere"}, "MASK_SECRET_ID: no secret nowhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := environment(client, test.settings...).Keyring(t.Context())
			expectLines(t, err, test.line)
		})
	}
}

func expectLines(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), hidden) {
		t.Errorf("the error shows a secret: %v", err)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %v", len(lines), len(want), err)
	}
	for i := range want {
		if !strings.Contains(lines[i], want[i]) {
			t.Errorf("line %q does not say %q", lines[i], want[i])
		}
	}
}

func TestExplainsMissingAnswerOfSecretsManager(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := environment(clientOf(server.URL), "DATABASE_SECRET_ID=s").Database(t.Context())
	expectLines(t, err, "DATABASE_SECRET_ID: no answer from Secrets Manager")
}

func TestReadsRefusedPasswordAgain(t *testing.T) {
	t.Parallel()
	values := map[string]string{"s": `{"username":"one","password":"old","host":"h","dbname":"d"}`}
	d, err := environment(secretsManager(t, values), "DATABASE_SECRET_ID=s").Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	values["s"] = `{"username":"two","password":"new","host":"h","dbname":"d"}` // alternating users
	if user, password, err := d.Credentials(t.Context()); err != nil || user != "one" || password != "old" {
		t.Errorf("before the refusal: %s, %s, %v", user, password, err)
	}
	if changed, err := d.Refresh(t.Context()); !changed || err != nil {
		t.Fatalf("changed: %v, %v", changed, err)
	}
	if user, password, err := d.Credentials(t.Context()); err != nil || user != "two" || password != "new" {
		t.Errorf("after the refusal: %s, %s, %v", user, password, err)
	}
}

func TestReadsKeyringFromSecretOrVariable(t *testing.T) {
	t.Parallel()
	client := secretsManager(t, map[string]string{"ring": keyring})
	var tokens []string
	for _, setting := range []string{"MASK_SECRET_ID=ring", "MASK_KEYRING=" + keyring} {
		get, err := environment(client, setting).Keyring(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		k, err := get(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, k.Token("ip", "192.0.2.1"))
	}
	if tokens[0] != tokens[1] {
		t.Errorf("the same keyring gives %s by its secret and %s by the environment", tokens[0], tokens[1])
	}
}

// fixed is a Secrets Manager with one secret and no network, which makes fuzzing fast.
type fixed string

func (f fixed) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(string(f))}, nil
}

func FuzzDatabaseSecret(f *testing.F) {
	for _, seed := range []string{
		`{"username":"w","password":"p","host":"h","dbname":"d","port":5432}`, // as RDS writes it
		`{"username":"w","password":"p","host":"h","dbname":"d","port":"5432"}`,
		`{"username":"w","password":"p"}`,                                  // as RDS manages it
		``, `{`, `null`, `[]`, `"x"`, `{}`, `{"username":`, `{"port":1}{}`, // not an object
		`{"username":"w","username":"x","password":"p"}`,                       // a member twice
		`{"username":"\u0000","password":"\ud800"}`, "{\"username\":\"\xff\"}", // not Unicode
		`{"port":-1}`, `{"port":1e3}`, `{"port":65536}`, `{"port":[]}`, // not ports
		`{"username":"w","password":"p","host":"h@e/v?i#l","dbname":"d"}`, // would move the parts of the URL
		`{"username":"w","password":"p","host":"%2f","dbname":"?sslmode=disable"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := environment(fixed(text), "DATABASE_SECRET_ID=s", "DATABASE_NAME=n").Database(t.Context())
		if err != nil {
			if !said.MatchString(err.Error()) {
				t.Fatalf("an error with unexpected words: %q", err)
			}
			return
		}
		user, password, err := d.Credentials(t.Context())
		if err != nil || user == "" || password == "" {
			t.Fatalf("accepted, but user %q, password %q, error %v", user, password, err)
		}
		checkURL(t, d.URL)
	})
}

// said matches what an error about a database's secret may say.
var said = regexp.MustCompile(`^DATABASE_SECRET_ID: (the secret is not a JSON object such as \{"username": .*\}|the secret is wrong: (it has no username|it has no password|its engine is not postgres, so it may be the secret of another database|its host is not a host name alone|its port is not a port number, 1 to 65535|; )+)$|^DATABASE_HOST is missing, and the secret names no host: set it$`)

func checkURL(t *testing.T, text string) {
	t.Helper()
	u, err := url.Parse(text)
	switch {
	case err != nil:
		t.Fatalf("no URL: %v", err)
	case u.Scheme != "postgres" || u.Hostname() == "" || u.Path == "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		t.Fatalf("the secret moved the parts of the URL %q", text)
	}
	if n, err := strconv.Atoi(u.Port()); err != nil || n < 1 || n > 65535 {
		t.Fatalf("port %q", u.Port())
	}
}

func TestReadsRotatedKeyringWithinFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{secret: map[string]any{"current": "k1", "k1": strings.Repeat("a", 32)}}
		get, err := environment(v, "MASK_SECRET_ID=s").Keyring(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token := func() string {
			k, err := get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return k.Token("ip", "192.0.2.1")[:3]
		}
		v.secret = map[string]any{"current": "k2", "k1": strings.Repeat("a", 32), "k2": strings.Repeat("b", 32)}
		if got := token(); got != "k1:" {
			t.Errorf("at once the key is %s, want k1: a fetch for each batch would cost", got)
		}
		time.Sleep(5 * time.Minute)
		if got := token(); got != "k2:" {
			t.Errorf("five minutes later the key is %s, want k2", got)
		}
		v.secret = map[string]any{"current": "k3"} // broken by hand
		time.Sleep(time.Hour)
		if got := token(); got != "k2:" {
			t.Errorf("with a broken secret the key is %s, want the last good one", got)
		}
	})
}

func TestRefusesToGuessTheContract(t *testing.T) {
	t.Parallel()
	for _, variables := range [][]string{nil, {"CONTRACT="}} {
		_, err := environment(nil, variables...).Contracts()
		if err == nil || !strings.Contains(err.Error(), "CONTRACT is missing: set it to user_logins") {
			t.Errorf("%q: got %v, want a refusal that names the contracts", variables, err)
		}
	}
	set, err := environment(nil, "CONTRACT=user_logins").Contracts()
	if err != nil || len(set.Contracts()) != 1 || set.Contracts()[0].Name() != "user_logins" {
		t.Errorf("got %v, %v, want the contract that was named", set, err)
	}
}
