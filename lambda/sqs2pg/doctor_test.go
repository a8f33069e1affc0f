package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/postgres/postgrestest"
)

var verdict = regexp.MustCompile(`(?m)^(ok|fix) +(dead letters|\S+)`)

// verdicts returns the first two columns of what doctor prints.
func verdicts(out string) []string {
	var all []string
	for _, m := range verdict.FindAllStringSubmatch(out, -1) {
		all = append(all, m[1]+" "+m[2])
	}
	return all
}

func TestDoctorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	sound := createQueue(t, endpoint, "sound-dead", map[string]string{"MessageRetentionPeriod": "1209600"})
	createQueue(t, endpoint, "sound", map[string]string{
		"VisibilityTimeout": "180", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:sound-dead","maxReceiveCount":"5"}`,
	})
	withDead(t, endpoint, "hasty", 2)
	createQueue(t, endpoint, "alone", map[string]string{"VisibilityTimeout": "180"})
	migrated, empty := postgrestest.New(t, load(t, "user_logins")), postgrestest.New(t)
	tests := []struct {
		name  string
		queue string
		url   string
		code  int
		want  []string
	}{
		{"everything is right", "sound", migrated.URL, 0, []string{"ok contract", "ok keyring", "ok vault", "ok function", "ok queue", "ok visibility", "ok redrive", "ok dead letters", "ok database", "ok table", "ok tokens", "ok vault", "ok privileges", "ok partitions"}},
		{"a queue that loses messages", "hasty", migrated.URL, 1, []string{"ok contract", "ok keyring", "ok vault", "ok function", "ok queue", "fix visibility", "fix redrive", "fix dead letters", "ok database", "ok table", "ok tokens", "ok vault", "ok privileges", "ok partitions"}},
		{"a queue without a policy", "alone", migrated.URL, 1, []string{"ok contract", "ok keyring", "ok vault", "ok function", "ok queue", "ok visibility", "fix redrive", "ok database", "ok table", "ok tokens", "ok vault", "ok privileges", "ok partitions"}},
		{"no queue, no table", "nowhere", empty.URL, 1, []string{"ok contract", "ok keyring", "ok vault", "ok function", "fix queue", "ok database", "fix table"}},
		{"no database", "sound", "postgres://u:secret-pw@127.0.0.1:1/d", 1, []string{"ok contract", "ok keyring", "ok vault", "ok function", "ok queue", "ok visibility", "ok redrive", "ok dead letters", "fix database"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := sqs2pg(t, "doctor", "--endpoint-url", endpoint, "--queue", test.queue, "--database-url", test.url, "--function", bootstrap)
			if code != test.code {
				t.Errorf("exits with %d, want %d: %s", code, test.code, errs)
			}
			if diff := cmp.Diff(test.want, verdicts(out)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s%s", diff, out)
			}
			if strings.Contains(out, "secret-pw") {
				t.Errorf("shows a password:\n%s", out)
			}
		})
	}
	if n := count(t, endpoint, sound); n != "0" {
		t.Errorf("%s messages", n)
	}
}

// soundQueue makes a queue that doctor finds nothing wrong with, for a function with 30 seconds.
func soundQueue(t *testing.T, endpoint, name string) {
	t.Helper()
	createQueue(t, endpoint, "dead-"+name, map[string]string{"MessageRetentionPeriod": "1209600"})
	createQueue(t, endpoint, name, map[string]string{
		"VisibilityTimeout": "180", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead-` + name + `","maxReceiveCount":"5"}`,
	})
}

func TestDoctorFindsGapsInThePartitions(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	soundQueue(t, endpoint, "logins")
	db := postgrestest.New(t, load(t, "user_logins"))
	at := []string{"doctor", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL, "--function", bootstrap}
	db.Exec(t, "select sqs2pg.make_partition('user_logins', '2026-01-05Z')")
	if out := succeed(t, at...); !strings.Contains(out, "note partitions   none from 2026-01-06 to ") {
		t.Errorf("a gap in the past:\n%s", out)
	}
	const inThreeDays = "to_char(now() at time zone 'UTC' + interval '3 days', '%s')"
	db.Exec(t, "do $$ begin execute 'drop table user_logins_p' || "+fmt.Sprintf(inThreeDays, "YYYYMMDD")+"; end $$")
	day := db.QueryStrings(t, "select "+fmt.Sprintf(inThreeDays, "YYYY-MM-DD"))[0]
	code, out, _ := sqs2pg(t, at...)
	if code != 1 || !strings.Contains(out, "fix  partitions   none from "+day+" to ") || !strings.Contains(out, "ok   partitions   made for 2 days ahead") {
		t.Errorf("a gap in three days: exit %d\n%s", code, out)
	}
}

func TestDoctorCountsTheBatchWindowInTheVisibilityTimeout(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	soundQueue(t, endpoint, "logins")
	db := postgrestest.New(t, load(t, "user_logins"))
	at := []string{"doctor", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL, "--function", bootstrap}
	code, out, _ := sqs2pg(t, append(at, "--window", "5s")...)
	if code != 1 || !strings.Contains(out, "fix  visibility   180 s is less than 6 times the function's 30s and the batch window of 5s: set VisibilityTimeout=185 on logins") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out, _ := sqs2pg(t, append(at, "--window", "6s", "--timeout", "29s")...); code != 0 {
		t.Errorf("6 x 29 s and 6 s are 180 s: exit %d\n%s", code, out)
	}
}

// The project file names a queue for all commands; --stack is about another one.
func TestDoctorLooksAtTheStackDespiteTheProjectsQueue(t *testing.T) {
	t.Parallel()
	dir, _ := projectFolder(t, "[local]\nqueue = \"logins\"\n")
	code, out, errs := process(t, dir, "", nil, "doctor", "--env", "local", "--stack", "logins", "--endpoint-url", startSQS(t))
	if code != 1 || !strings.HasPrefix(out, "fix  stack ") || strings.Contains(out, "queue") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestDoctorPrintsJSON(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	code, out, errs := sqs2pg(t, "doctor", "--json", "--endpoint-url", endpoint, "--queue", "nowhere", "--database-url=", "--contract=", "--function", bootstrap)
	var got struct {
		Fixes    int
		Findings []doctor.Finding
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var verdicts []string
	for _, f := range got.Findings {
		verdicts = append(verdicts, string(f.Verdict)+" "+f.Subject)
	}
	want := []string{"fix contract", "ok keyring", "ok function", "fix queue", "fix database"}
	if diff := cmp.Diff(want, verdicts); diff != "" || code != 1 || got.Fixes != 3 || errs != "sqs2pg: 3 to fix\n" {
		t.Errorf("exit %d, %d fixes, %q, findings (-want +got):\n%s", code, got.Fixes, errs, diff)
	}
}

// TestDoctorReadsTheKeyringWhereTheFunctionWill gives the keyring as a file and as a secret.
func TestDoctorReadsTheKeyringWhereTheFunctionWill(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	const good, short = `{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}`, `{"current":"k1","k1":"secret-pw"}`
	secrets := map[string]string{"good": good, "short": short}
	manager := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ SecretId string }
		_ = json.NewDecoder(r.Body).Decode(&in) // an empty id is answered below
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if secrets[in.SecretId] == "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ResourceNotFoundException"}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": secrets[in.SecretId]})
	}))
	t.Cleanup(manager.Close)
	for name, test := range map[string]struct {
		secret, file string
		mode         os.FileMode
		want         string
	}{
		"a good secret":               {secret: "good", want: "ok   keyring      the secret good: the current key is k1, with the fingerprint fceb2167d9606588\n"},
		"a secret with a short key":   {secret: "short", want: "fix  keyring      MASK_SECRET_ID: "},
		"a missing secret":            {secret: "gone", want: "fix  keyring      MASK_SECRET_ID: no secret gone"},
		"a good file":                 {file: good, mode: 0o600, want: "ok   keyring      .sqs2pg/keyring.json: the current key is k1, with the fingerprint fceb2167d9606588\n"},
		"a file with a short key":     {file: short, mode: 0o600, want: "fix  keyring      .sqs2pg/keyring.json: "},
		"a file that others may read": {file: good, mode: 0o640, want: "fix  keyring      others may read or change .sqs2pg/keyring.json (mode 0640): chmod 600 .sqs2pg/keyring.json\n"},
		"no file":                     {want: "ok   keyring      no keyring yet: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if test.file != "" {
				path := filepath.Join(dir, home.Dir, "keyring.json")
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(os.WriteFile(path, []byte(test.file), 0o600), os.Chmod(path, test.mode)); err != nil {
					t.Fatal(err)
				}
			}
			_, out, errs := process(t, dir, "", []string{
				"MASK_SECRET_ID=" + test.secret, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + manager.URL, "AWS_ENDPOINT_URL=" + endpoint,
				"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
			}, "doctor", "--queue", "nowhere")
			if !strings.Contains(out, test.want) || strings.Contains(out+errs, "secret-pw") {
				t.Errorf("want %q:\n%s%s", test.want, out, errs)
			}
		})
	}
}

func TestDoctorComparesTheKeyringWithTheTokensInTheDatabase(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	soundQueue(t, endpoint, "logins")
	db := postgrestest.New(t, load(t, "user_logins"))
	at := []string{"--endpoint-url", endpoint, "--queue", "logins"}
	succeed(t, append([]string{"send", "--count", "3"}, at...)...)
	at = append(at, "--database-url", db.URL, "--function", bootstrap)
	first, second := `{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}`, `{"current":"k1","k1":"fedcba9876543210fedcba9876543210"}`
	succeed(t, append([]string{"invoke", "--idle-timeout", "300ms", "--keyring", first}, at...)...)
	succeed(t, append([]string{"doctor", "--keyring", first}, at...)...)
	code, out, _ := sqs2pg(t, append([]string{"doctor", "--keyring", second}, at...)...)
	if code != 1 || !strings.Contains(out, "fix  tokens       the masking key k1 has the fingerprint ") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out, _ := sqs2pgIn(t.Context(), t.TempDir(), "", append([]string{"doctor"}, at...)...); code != 1 || !strings.Contains(out, "fix  keyring      no masking keyring in ") || !strings.Contains(out, ", and the database holds tokens: copy the keyring") {
		t.Errorf("without a keyring: exit %d\n%s", code, out)
	}
	if code, out, _ := sqs2pg(t, append([]string{"doctor", "--keyring-file", "/nowhere/k.json"}, at...)...); code != 1 || !strings.Contains(out, "fix  keyring      no file /nowhere/k.json: correct MASK_KEYRING_FILE") {
		t.Errorf("with a missing file: exit %d\n%s", code, out)
	}
}
