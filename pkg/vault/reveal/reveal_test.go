package reveal_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/login"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/settings"
	"sqs2pg/pkg/telemetry"
	"sqs2pg/pkg/telemetry/leaktest"
	"sqs2pg/pkg/terminal/exit"
	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
	"sqs2pg/pkg/vault/reveal"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const masking = `{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}`

// filled is a table with events that the function has loaded.
type filled struct {
	db       *postgrestest.Database
	files    fstest.MapFS
	contract *contract.Contract
	keyring  *mask.Keyring
	revealer *postgres.Pool
	dir      string
}

func fill(t *testing.T, document string, bodies ...string) filled {
	t.Helper()
	files := fstest.MapFS{"user_logins.json": {Data: []byte(document)}}
	set, err := routes.Load(files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := mask.ParseKeyring([]byte(masking))
	if err != nil {
		t.Fatal(err)
	}
	f := filled{files: files, contract: set.Contracts()[0], keyring: keyring, dir: t.TempDir()}
	f.db = postgrestest.New(t, f.contract.Table())
	f.write(t, "vault.key", postgrestest.VaultKeyFile())
	f.revealer = f.as(t, "reveal", func(ctx context.Context, owner *postgres.Pool, name, password string) error {
		return login.ToReveal(ctx, owner, name, password)
	})
	f.load(t, postgrestest.VaultKey(), bodies...)
	return f
}

// load starts the function with a public key of the vault, and has it load events.
func (f *filled) load(t *testing.T, key vault.PublicKey, bodies ...string) {
	t.Helper()
	values := map[string]string{"CONTRACT": "user_logins", "DATABASE_URL": f.db.URL, "MASK_KEYRING": masking, "VAULT_PUBLIC_KEY": key.String()}
	env := &settings.Environment{Folder: f.files, Getenv: func(name string) string { return values[name] }, Log: telemetry.NewLogger(io.Discard, "")}
	h, stop, err := ingest.New(t.Context(), env, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	var e events.SQSEvent
	for _, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: uuid.NewString(), Body: body, EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:logins",
			Attributes: map[string]string{"SentTimestamp": strconv.FormatInt(time.Now().UnixMilli(), 10), "ApproximateReceiveCount": "1"},
		})
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := h.Invoke(t.Context(), payload); err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Fatalf("load: %s, %v", answer, err)
	}
}

// as opens the database as a login that grant makes.
func (f *filled) as(t *testing.T, prefix string, grant func(context.Context, *postgres.Pool, string, string) error) *postgres.Pool {
	t.Helper()
	name := strings.Replace(f.db.QueryStrings(t, "select current_database()")[0], "sqs2pg_", "sqs2pg_"+prefix+"_", 1)
	if err := grant(t.Context(), postgrestest.Open(t, f.db.OwnerURL), name, "secret"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Exec(t, "drop role if exists "+name) })
	u, err := url.Parse(f.db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "secret")
	return postgrestest.Open(t, u.String())
}

func (f *filled) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run reveals, and returns what was printed.
func (f *filled) run(ctx context.Context, t *testing.T, change func(*reveal.Reveal)) (out, talk string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	r := reveal.Reveal{
		Ask:  reveal.Ask{Fields: []string{"ip"}, Purpose: "support", Ticket: "ABC-1"},
		Pool: f.revealer, Contract: f.contract, Keyring: f.keyring, Caller: "tester",
		Key: f.keys("vault.key"), In: strings.NewReader(""), Out: &stdout, Talk: &stderr, JSON: true,
	}
	change(&r)
	err = r.Run(ctx)
	return stdout.String(), stderr.String(), err
}

// keys looks for private keys in files of the folder.
func (f *filled) keys(files ...string) func(context.Context, disclosure.Recipient) (*open.Key, error) {
	for i := range files {
		files[i] = filepath.Join(f.dir, files[i])
	}
	vault := home.Vault{Path: files[0], Others: files[1:], Talk: io.Discard}
	return func(ctx context.Context, r disclosure.Recipient) (*open.Key, error) {
		return vault.Private(ctx, account.Place{}, r)
	}
}

type revealed struct {
	SentAt   time.Time                  `json:"sent_at"`
	EventID  string                     `json:"event_id"`
	Values   map[string]json.RawMessage `json:"values"`
	Verified map[string]string          `json:"verified"`
}

func parse(t *testing.T, out string) (all []revealed) {
	t.Helper()
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var r revealed
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

func logins(t *testing.T) string {
	t.Helper()
	text, err := contracts.Files.ReadFile("user_logins.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func body(user, ip string) string {
	return fmt.Sprintf(`{"user_id":%q,"device_type":"iOS","ip":%q,"device_id":"device of %s","locale":null,"app_version":"2.3.0"}`, user, ip, user)
}

// Each way to name events finds them, and what was sent comes back.
func TestRevealsWhatWasSentByEachWayToNameIt(t *testing.T) {
	t.Parallel()
	people := map[string]string{
		"a raw subject":     logins(t),
		"a subject's token": strings.Replace(logins(t), `"x-subject": true`, `"x-subject": true, "x-mask": "token"`, 1),
		"an upsert table":   strings.Replace(logins(t), `"x-table": "user_logins",`, `"x-table": "user_logins", "x-write": {"mode": "upsert", "key": ["user_id"]},`, 1),
	}
	for name, document := range people {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fill(t, document, body("ann", "192.0.2.1"), body("bob", "192.0.2.2"))
			row := f.db.Query(t, "select event_id, masked_ip from user_logins where masked_ip in (select masked_ip from user_logins order by sent_at, event_id)")
			byIP := map[string]string{} // event ids by address
			out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.Event = []string{row[0][0], row[1][0]} })
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range parse(t, out) {
				byIP[string(e.Values["ip"])] = e.EventID
				if e.Verified["ip"] != "verified" || len(e.Values) != 1 {
					t.Errorf("%+v, want the ip alone, verified", e)
				}
			}
			ann := byIP[`"192.0.2.1"`]
			if ann == "" || byIP[`"192.0.2.2"`] == "" {
				t.Fatalf("revealed %v", byIP)
			}
			token := f.db.QueryStrings(t, "select masked_ip from user_logins where event_id = $1", ann)[0]
			for way, change := range map[string]func(*reveal.Ask){
				"a subject in a file":   func(a *reveal.Ask) { a.SubjectFile = f.write(t, "subject", "ann\n") },
				"a subject with a mark": func(a *reveal.Ask) { a.SubjectFile = f.write(t, "marked", "\ufeffann\r\n") },
				"a token":               func(a *reveal.Ask) { a.Token = token },
				"a condition":           func(a *reveal.Ask) { a.Where = f.write(t, "where", "event_id = '"+ann+"' -- ann\n") },
				"a marked condition":    func(a *reveal.Ask) { a.Where = f.write(t, "where2", "\ufeffevent_id = '"+ann+"'\r\n") },
				"a field with blanks":   func(a *reveal.Ask) { a.Event, a.Fields = []string{ann}, []string{" ip "} },
				"an event":              func(a *reveal.Ask) { a.Event = []string{ann} },
			} {
				out, talk, err := f.run(t.Context(), t, func(r *reveal.Reveal) { change(&r.Ask) })
				if got := parse(t, out); err != nil || len(got) != 1 || got[0].EventID != ann || string(got[0].Values["ip"]) != `"192.0.2.1"` {
					t.Errorf("by %s: %+v, %v", way, got, err)
				}
				if talk != "revealed 1 of 1 event; the audit has it\n" {
					t.Errorf("by %s it says %q", way, talk)
				}
			}
			out, _, err = f.run(t.Context(), t, func(r *reveal.Reveal) {
				r.Ask.SubjectFile, r.In = "-", strings.NewReader("ann")
				r.Ask.Fields, r.JSON = []string{"device_id", "ip"}, false
			})
			if err != nil || !strings.Contains(out, "192.0.2.1") || !strings.Contains(out, "device of ann") || strings.Contains(out, "bob") {
				t.Errorf("as a table: %v\n%s", err, out)
			}
			want := []string{"support ABC-1 public.user_logins {ip} 2 tester"}
			if got := f.db.QueryStrings(t, "select concat_ws(' ', purpose, ticket, target, fields, n, caller) from sqs2pg.audit where seq = 1"); !cmp.Equal(want, got) {
				t.Errorf("audit %v, want %v", got, want)
			}
		})
	}
}

// Nothing is asked for in vain: each mistake is refused before the audit has an entry, and no text of a
// refusal holds what a person typed or has in a file.
func TestRefusesWhatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"))
	const personal = "hunter2-person"
	for name, test := range map[string]struct {
		change func(*reveal.Ask)
		want   string
	}{
		"no events":                     {func(a *reveal.Ask) { a.Event = nil }, "nothing is asked for"},
		"two ways":                      {func(a *reveal.Ask) { a.Token = "k1:9c56cc51b374c3ba189210d5b6d4bf57" }, "named in two ways"},
		"no fields":                     {func(a *reveal.Ask) { a.Fields = nil }, "--fields is missing"},
		"a field that is not sealed":    {func(a *reveal.Ask) { a.Fields = []string{"user_id"} }, "--fields: user_id cannot be revealed: choose from ip, device_id"},
		"a value for a field":           {func(a *reveal.Ask) { a.Fields = []string{personal} }, "--fields: one of them cannot be revealed"},
		"no purpose":                    {func(a *reveal.Ask) { a.Purpose = "" }, "--purpose is missing: it is one of fraud"},
		"another purpose":               {func(a *reveal.Ask) { a.Purpose = personal }, "--purpose is none that the audit knows"},
		"no ticket":                     {func(a *reveal.Ask) { a.Ticket = "" }, "--ticket is missing"},
		"a name for a ticket":           {func(a *reveal.Ask) { a.Ticket = personal }, "--ticket is not the name of a ticket"},
		"a subject on the command line": {func(a *reveal.Ask) { a.Subject = personal }, "stands on the command line"},
		"an event that is no id":        {func(a *reveal.Ask) { a.Event = []string{personal} }, "--event number 1 is not an event_id"},
		"a value for a token":           {func(a *reveal.Ask) { a.Event, a.Token = nil, personal }, "--token is not a token"},
		"a file that is not there":      {func(a *reveal.Ask) { a.Event, a.SubjectFile = nil, personal }, "--subject-file: no such file or directory: name a file"},
		"a condition for its file":      {func(a *reveal.Ask) { a.Event, a.Where = nil, "user_id = '"+personal+"'" }, "--where: no such file or directory: name a file"},
		"a folder":                      {func(a *reveal.Ask) { a.Event, a.SubjectFile = nil, f.dir }, "--subject-file: is a directory: name a file"},
		"a file of another encoding":    {func(a *reveal.Ask) { a.Event, a.SubjectFile = nil, f.write(t, "latin", "\xe9"+personal) }, "--subject-file: the file is not UTF-8"},
		"an empty file":                 {func(a *reveal.Ask) { a.Event, a.SubjectFile = nil, f.write(t, "empty", "\n") }, "--subject-file: the file is empty"},
		"two people":                    {func(a *reveal.Ask) { a.Event, a.SubjectFile = nil, f.write(t, "two", "ann\n"+personal+"\n") }, "the file has 2 lines"},
		"a subject that is too long":    {func(a *reveal.Ask) { a.Event, a.SubjectFile = nil, f.write(t, "long", strings.Repeat(personal, 10)) }, "refuses this subject"},
		"an empty condition":            {func(a *reveal.Ask) { a.Event, a.Where = nil, f.write(t, "nothing", " ") }, "--where: the file is empty"},
		"a place that is none":          {func(a *reveal.Ask) { a.After = personal }, "--after is not a place"},
	} {
		out, talk, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
			r.Ask.Event = []string{uuid.NewString()}
			test.change(&r.Ask)
		})
		if !exit.IsMisuse(err) || !strings.Contains(fmt.Sprint(err), test.want) || strings.Contains(fmt.Sprint(err, talk), personal) || out != "" {
			t.Errorf("%s: %v, printed %q and %q, want a misuse with %q", name, err, out, talk, test.want)
		}
	}
	if n := f.db.QueryStrings(t, "select count(*) from sqs2pg.audit")[0]; n != "0" {
		t.Errorf("%s entries in the audit", n)
	}
}

// With another keyring no person would be found, and no value verified.
func TestRefusesAKeyringThatDidNotMakeTheTokens(t *testing.T) {
	t.Parallel()
	f := fill(t, strings.Replace(logins(t), `"x-subject": true`, `"x-subject": true, "x-mask": "token"`, 1), body("ann", "192.0.2.1"))
	other, err := mask.ParseKeyring([]byte(strings.Replace(masking, "0123", "3210", 1)))
	if err != nil {
		t.Fatal(err)
	}
	ids := f.db.QueryStrings(t, "select event_id from user_logins")
	for way, change := range map[string]func(*reveal.Ask){
		"a subject":         func(a *reveal.Ask) { a.SubjectFile = f.write(t, "subject", "ann") },
		"a subject's count": func(a *reveal.Ask) { a.SubjectFile, a.DryRun = f.write(t, "subject", "ann"), true },
		"an event":          func(a *reveal.Ask) { a.Event = ids },
	} {
		out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Keyring = other; change(&r.Ask) })
		if err == nil || !strings.Contains(err.Error(), "use the keyring that made them") || out != "" {
			t.Errorf("by %s: %v, printed %q", way, err, out)
		}
	}
	if n := f.db.QueryStrings(t, "select count(*) from sqs2pg.audit")[0]; n != "0" {
		t.Errorf("%s entries in the audit", n)
	}
}

// A condition can read, and do nothing else.
func TestConditionChangesNothing(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"))
	for _, condition := range []string{"true); delete from user_logins; select (true", "(select count(*) from sqs2pg_vault.user_logins) > 0", "nextval('nothing') > 0", "ip ="} {
		out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.Where = f.write(t, "where", condition) })
		if _, ok := errors.AsType[*postgres.Unavailable](err); !ok || out != "" {
			t.Errorf("%s: %v, printed %q, want a refusal by Postgres", condition, err, out)
		}
	}
}

func TestSaysWhatIsNotRevealed(t *testing.T) {
	t.Parallel()
	gone := uuid.NewString()
	for name, test := range map[string]struct {
		sql    string
		key    string // the vault's file; "" is the right one
		asked  []string
		want   string // in the error; "" for none
		values int
	}{
		"nothing is wrong":        {"", "", nil, "", 2},
		"an event that is gone":   {"", "", []string{gone}, "of 3 events: 1 not in the table: erased, past its retention, or never there", 2},
		"rows without a seal":     {"delete from sqs2pg_vault.user_logins", "", nil, "of 2 events: 2 without a sealed value", 0},
		"rows that are too old":   {"delete from sqs2pg_vault.user_logins; update sqs2pg.tables set vault_retention_days = 1; select sqs2pg.enter('user_logins', 1); update user_logins set sent_at = sent_at - interval '2 days'", "", nil, "2 past the retention of the vault, 1 days", 0},
		"a lost session":          {"alter table sqs2pg_vault.sessions disable trigger all; delete from sqs2pg_vault.sessions", "", nil, "2 do not open: their session is lost", 0},
		"seals that were swapped": {"update sqs2pg_vault.user_logins v set sealed = (select sealed from sqs2pg_vault.user_logins o where o.event_id <> v.event_id)", "", nil, "2 do not open: ", 0},
		"a row that was changed":  {"select sqs2pg.enter('user_logins', 1); update user_logins set masked_ip = 'k1:00000000000000000000000000000000'", "", nil, "2 values are not those that the row was made from", 2},
		"another key":             {"", "PRIVATE-MLKEM768-X25519:" + strings.Repeat("A", 43) + "=", nil, "2 not asked for: sealed for the key " + postgrestest.VaultKey().ID() + ": ", 0},
		"no key":                  {"", "-", nil, "2 not asked for: sealed for the key " + postgrestest.VaultKey().ID() + ": there is no file", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fill(t, logins(t), body("ann", "192.0.2.1"), body("bob", "192.0.2.2"))
			if test.sql != "" {
				if strings.Contains(test.sql, "interval") {
					f.db.Exec(t, "select sqs2pg.make_partition('user_logins', now() - interval '2 days')")
				}
				f.db.Exec(t, test.sql)
			}
			switch test.key {
			case "":
			case "-":
				os.Remove(filepath.Join(f.dir, "vault.key"))
			default:
				f.write(t, "vault.key", test.key)
			}
			out, talk, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
				r.Ask.Event = append(f.db.QueryStrings(t, "select event_id from user_logins"), test.asked...)
			})
			if got := parse(t, out); len(got) != test.values || test.want == "" != (err == nil) || !strings.Contains(fmt.Sprint(err), test.want) || exit.IsMisuse(err) {
				t.Errorf("%d events, %v, want %d and %q", len(got), err, test.values, test.want)
			}
			if strings.Contains(talk+fmt.Sprint(err), "192.0.2") {
				t.Errorf("says %q, %v", talk, err)
			}
		})
	}
}

// After a rotation each event is opened by the key that it was sealed for. Events whose key is not at
// hand are not asked for, so another run with that key asks for them alone.
func TestRevealsByBothKeysAfterARotation(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"), body("bob", "192.0.2.2"))
	before := postgrestest.VaultKey().ID()
	key, err := open.MakeFile(filepath.Join(f.dir, "new.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.MakeFile(filepath.Join(f.dir, "wrong.key")); err != nil {
		t.Fatal(err)
	}
	after := key.Public().ID()
	if _, err := schema.Register(t.Context(), postgrestest.Open(t, f.db.OwnerURL), schema.RecipientOf(key.Public(), "")); err != nil {
		t.Fatal(err)
	}
	f.db.Exec(t, "update sqs2pg_vault.recipients set state = 'revoked' where id = $1", before)
	f.load(t, key.Public(), body("cid", "192.0.2.3"))
	waiting := func(n int, id, files string) string {
		return fmt.Sprintf("of 3 events: %d not asked for: sealed for the key %s: %s: name the files of all keys by VAULT_KEY_FILE=FILE,FILE", n, id, files)
	}
	has := func(file, id string) string { return fmt.Sprintf("%s has the key %s", filepath.Join(f.dir, file), id) }
	for _, test := range []struct {
		name  string
		files []string
		ips   []string
		want  string // the error
		audit string // how many events the audit's last entry is for, "" for no entry
	}{
		{"the wrong key", []string{"wrong.key"}, nil, "sealed for the key " + after, ""},
		{"no key", []string{"none.key"}, nil, "2 not asked for: sealed for the key " + before + ": there is no file " + filepath.Join(f.dir, "none.key"), ""},
		{"the old key", []string{"vault.key"}, []string{"192.0.2.1", "192.0.2.2"}, waiting(1, after, has("vault.key", before)), "2"},
		{"the new key and a wrong one", []string{"new.key", "none.key"}, []string{"192.0.2.3"}, waiting(2, before, has("new.key", after)+", and there is no file "+filepath.Join(f.dir, "none.key")), "1"},
		{"both keys", []string{"new.key", "vault.key"}, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, "<nil>", "3"},
	} {
		out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
			r.Ask.Where, r.Key = f.write(t, "where", "true"), f.keys(test.files...)
		})
		var ips []string
		for _, e := range parse(t, out) {
			ips = append(ips, strings.Trim(string(e.Values["ip"]), `"`))
		}
		slices.Sort(ips)
		if diff := cmp.Diff(test.ips, ips); diff != "" || !strings.Contains(fmt.Sprint(err), test.want) {
			t.Errorf("with %s: %v, want %q; revealed (-want +got):\n%s", test.name, err, test.want, diff)
		}
		if got := strings.Join(f.db.QueryStrings(t, "select n from sqs2pg.audit order by seq desc limit 1"), ""); got != test.audit {
			t.Errorf("with %s: the audit's last entry is for %q events, want %q", test.name, got, test.audit)
		}
	}
}

// With a key in KMS and one in a file, each event is opened where its key is.
func TestSaysWhichKeyInKMSRefuses(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"), body("bob", "192.0.2.2"))
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := vault.NewPublicKey(vault.P256, private.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:kms:eu-west-1:123456789012:key/vault"
	if _, err := schema.Register(t.Context(), postgrestest.Open(t, f.db.OwnerURL), schema.RecipientOf(key, arn)); err != nil {
		t.Fatal(err)
	}
	f.load(t, key, body("cid", "192.0.2.3"))
	calls := 0
	kms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "AccessDeniedException"}`)
	}))
	t.Cleanup(kms.Close)
	files := home.Vault{Path: filepath.Join(f.dir, "vault.key"), Talk: io.Discard}
	out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
		r.Ask.Where = f.write(t, "where", "true")
		r.Key = func(ctx context.Context, to disclosure.Recipient) (*open.Key, error) {
			return files.Private(ctx, account.Place{URL: kms.URL}, to)
		}
	})
	want := fmt.Sprintf("of 3 events: 1 do not open: sealed for the key %s: key of the vault: %s is not for this identity: ", key.ID(), arn)
	if !strings.Contains(fmt.Sprint(err), want) || len(parse(t, out)) != 2 || calls != 1 {
		t.Errorf("%v after %d calls, want %q after one; revealed\n%s", err, calls, want, out)
	}
}

func TestDryRunAsksForNothing(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"), body("bob", "192.0.2.2"))
	out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
		r.Ask = reveal.Ask{Where: f.write(t, "where", "true"), Fields: []string{"ip"}, DryRun: true}
	})
	if _, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.SubjectFile = f.write(t, "quoted", `"ann"`) }); err == nil || !strings.Contains(err.Error(), "no event of this person is found: write the value exactly as messages have it") {
		t.Errorf("a subject in quotes: %v", err)
	}
	if want := `{"events":2,"fields":["ip"],"table":"public.user_logins"}` + "\n"; err != nil || out != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
	if n := f.db.QueryStrings(t, "select count(*) from sqs2pg.audit")[0]; n != "0" {
		t.Errorf("%s entries in the audit", n)
	}
}

// stopAfter ends a context when a number of lines was printed.
type stopAfter struct {
	io.Writer
	lines int
	stop  func()
}

func (s *stopAfter) Write(p []byte) (int, error) {
	if s.lines -= bytes.Count(p, []byte("\n")); s.lines <= 0 {
		s.stop()
	}
	return s.Writer.Write(p)
}

// ofPeople are n messages, each of another person and address.
func ofPeople(n int) (all []string) {
	for i := range n {
		all = append(all, body(fmt.Sprint("person", i), fmt.Sprintf("192.0.%d.%d", i/250, i%250)))
	}
	return all
}

// An interrupted command goes on behind what it printed: every event is revealed once.
func TestInterruptedCommandGoesOn(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), ofPeople(900)...)
	ctx, stop := context.WithCancel(t.Context())
	where := f.write(t, "where", "true")
	var first bytes.Buffer
	_, talk, err := f.run(ctx, t, func(r *reveal.Reveal) {
		r.Ask.Where, r.Out = where, &stopAfter{&first, 1, stop}
	})
	_, place, found := strings.Cut(fmt.Sprint(err), "stopped after 500 of 900 events: to go on, add --after ")
	if !found || !strings.Contains(talk, "500 of 900 events\n") {
		t.Fatalf("%v, says %q", err, talk)
	}
	out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.Where, r.Ask.After = where, place })
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range parse(t, first.String()+out) {
		if seen[e.EventID] || e.Verified["ip"] != "verified" {
			t.Errorf("%s twice, or %s", e.EventID, e.Verified["ip"])
		}
		seen[e.EventID] = true
	}
	if len(seen) != 900 {
		t.Errorf("%d events, want 900", len(seen))
	}
	_, _, err = f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.Where = where })
	if !errors.Is(err, disclosure.ErrLimit) || !strings.Contains(err.Error(), "wait, or let the owner raise sqs2pg.reveal_limit") {
		t.Errorf("after 900 of 1000 in an hour: %v", err)
	}
}

// Whoever reveals learns that events were deleted after they were counted.
func TestSaysThatEventsWereDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), ofPeople(501)...)
	out, talk, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
		r.Ask.Where = f.write(t, "where", "true")
		key := r.Key
		r.Key = func(ctx context.Context, to disclosure.Recipient) (*open.Key, error) { // it is looked for once, with the first 500
			f.db.Exec(t, "delete from user_logins where (sent_at, event_id) in (select sent_at, event_id from user_logins order by 1 desc, 2 desc limit 1)")
			return key(ctx, to)
		}
	})
	want := "of 501 events: 1 not in the table: erased, past its retention, or never there"
	if len(parse(t, out)) != 500 || fmt.Sprint(err) != want || !strings.Contains(talk, "revealed 500 of 501 events") {
		t.Errorf("%v, want %q; says %q", err, want, talk)
	}
}

// Where nothing can be written any more, no further events are asked for.
func TestStopsWhenTheOutputIsFull(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), ofPeople(501)...)
	for requests, asJSON := range []bool{true, false} {
		_, talk, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
			r.Ask.Where, r.Out, r.JSON = f.write(t, "where", "true"), full{}, asJSON
			f.db.Exec(t, "update sqs2pg.reveal_limit set events_per_hour = 10000")
		})
		if !errors.Is(err, syscall.ENOSPC) || talk != "" {
			t.Errorf("JSON %v: %v, says %q", asJSON, err, talk)
		}
		if n := f.db.QueryStrings(t, "select count(*) from sqs2pg.audit")[0]; n != fmt.Sprint(requests+1) {
			t.Errorf("JSON %v: %s requests, want one for each run", asJSON, n)
		}
	}
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// Only a login that may reveal gets values, and what it lacks is said.
func TestOthersAreRefused(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"))
	ids := f.db.QueryStrings(t, "select event_id from user_logins")
	out, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.Event, r.Pool = ids, f.db.Pool })
	if _, ok := errors.AsType[*postgres.Unavailable](err); !ok || !strings.Contains(err.Error(), "make it a member of sqs2pg_revealer") || out != "" {
		t.Errorf("the writer: %v, printed %q", err, out)
	}
}

// The values are on standard output, and nowhere else: not in the audit, not in Postgres's messages.
func TestValuesAreInNoOtherPlace(t *testing.T) {
	t.Parallel()
	people := sample.People()[:10]
	var bodies []string
	for _, p := range people {
		bodies = append(bodies, p.Login(p.Name))
	}
	f := fill(t, logins(t), bodies...)
	search := leaktest.For(sample.PersonalValues()...)
	for _, p := range people {
		out, talk, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.SubjectFile, r.In = "-", strings.NewReader(p.Name) })
		if err != nil || len(parse(t, out)) == 0 {
			t.Errorf("%d bytes, %v", len(out), err)
		}
		search.Text("standard error", talk)
	}
	for _, row := range f.db.QueryStrings(t, "select to_jsonb(a)::text from sqs2pg.audit a") {
		search.Text("the audit", row)
	}
	for _, found := range search.Found() {
		t.Error("leak: ", found)
	}
}

// An account's name may have what the audit refuses, as a domain's has on Windows and with winbind.
func TestEveryAccountMayReveal(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"))
	for _, caller := range []string{`EXAMPLE\änn Doe`, "", strings.Repeat("é", 300)} {
		if _, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) {
			r.Caller, r.Ask.Event = caller, f.db.QueryStrings(t, "select event_id from user_logins")
		}); err != nil {
			t.Errorf("%q: %v", caller, err)
		}
	}
	if diff := cmp.Diff([]string{"EXAMPLE__nn_Doe", "", strings.Repeat("_", 255)}, f.db.QueryStrings(t, "select caller from sqs2pg.audit order by seq")); diff != "" {
		t.Errorf("callers (-want +got):\n%s", diff)
	}
}

// What verify prints of an audit that is still empty is an anchor, too, so a script needs no first case.
func TestHeadOfAnEmptyAuditIsAnAnchor(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"))
	owner := postgrestest.Open(t, f.db.OwnerURL)
	var kept []disclosure.Head
	for run, asJSON := range []bool{false, true, false} {
		var head bytes.Buffer
		if err := reveal.Verify(t.Context(), owner, kept, &head, io.Discard, asJSON); err != nil {
			t.Fatal(err)
		}
		var err error
		if kept, err = reveal.Heads("-", &head); err != nil || len(kept) != 1 || kept[0].Seq != int64(run/2) {
			t.Fatalf("run %d: %v, %v", run, kept, err)
		}
		if run == 1 {
			if _, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.Event = f.db.QueryStrings(t, "select event_id from user_logins") }); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAuditIsListedAndVerified(t *testing.T) {
	t.Parallel()
	f := fill(t, logins(t), body("ann", "192.0.2.1"))
	owner := postgrestest.Open(t, f.db.OwnerURL)
	for range 2 {
		if _, _, err := f.run(t.Context(), t, func(r *reveal.Reveal) { r.Ask.Event = f.db.QueryStrings(t, "select event_id from user_logins") }); err != nil {
			t.Fatal(err)
		}
	}
	var list, head, talk bytes.Buffer
	if err := reveal.List(t.Context(), owner, 1, &list, true); err != nil || !strings.HasPrefix(list.String(), `{"seq":2,`) || strings.Count(list.String(), "\n") != 1 {
		t.Errorf("%v: %s", err, &list)
	}
	list.Reset()
	if err := reveal.List(t.Context(), owner, 0, &list, false); err != nil || strings.Count(list.String(), "ABC-1") != 2 {
		t.Errorf("%v: %s", err, &list)
	}
	if err := reveal.Verify(t.Context(), owner, nil, &head, &talk, false); err != nil || talk.String() != "the audit is whole: 2 entries\n" {
		t.Errorf("%v, says %q", err, &talk)
	}
	kept, err := reveal.Heads(f.write(t, "heads", head.String()), nil)
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	var asJSON bytes.Buffer
	if err := reveal.Verify(t.Context(), owner, kept, &asJSON, io.Discard, true); err != nil {
		t.Error(err)
	}
	if again, err := reveal.Heads("-", &asJSON); err != nil || !cmp.Equal(kept, again) {
		t.Errorf("the head as JSON is read as %v, %v, want %v", again, err, kept)
	}
	foreign := "sqs2pg audit head of other: 1 " + strings.Repeat("0a", 32) + "\n"
	shared, err := reveal.Heads(f.write(t, "shared", foreign+head.String()), nil)
	if err != nil || len(shared) != 2 {
		t.Fatalf("%v, %v", shared, err)
	}
	talk.Reset()
	if err := reveal.Verify(t.Context(), owner, shared, io.Discard, &talk, true); err != nil || !strings.Contains(talk.String(), "and 1 head that was kept is in it") {
		t.Errorf("with a log of two databases: %v, says %q", err, &talk)
	}
	if err := reveal.Verify(t.Context(), owner, shared[:1], io.Discard, io.Discard, true); !exit.IsMisuse(err) {
		t.Errorf("with the log of another database: %v", err)
	}
	f.db.Exec(t, "alter table sqs2pg.audit disable trigger all; update sqs2pg.audit set ticket = 'XYZ-1' where seq = 1")
	if err := reveal.Verify(t.Context(), owner, kept, io.Discard, io.Discard, true); !errors.Is(err, disclosure.ErrBroken) {
		t.Errorf("a changed entry: %v", err)
	}
	if _, err := reveal.Heads(f.write(t, "none", "nothing"), nil); !exit.IsMisuse(err) {
		t.Errorf("a file without heads: %v", err)
	}
}
