package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/generate"
	"sqs2pg/pkg/postgres/postgrestest"
)

// contractOfREADME writes the contract of the README to a file, with some texts replaced by others.
func contractOfREADME(t *testing.T, name string, replacements ...string) (file string) {
	t.Helper()
	text := readREADME(t)
	start, end := block(t, text, "contract")
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(strings.NewReplacer(replacements...).Replace(text[start:end])), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAnOrderFromItsContractToMaskedRows follows the README: it takes an event with people in it
// from a contract of one screen to rows in which nothing personal is in clear. The messages are
// generated.
func TestAnOrderFromItsContractToMaskedRows(t *testing.T) {
	t.Parallel()
	const count, bad = 100, 5
	file := contractOfREADME(t, "orders.json")
	code, _, errs := sqs2pg(t, "contract", "check", file)
	if code != 0 || errs != "" {
		t.Fatalf("contract check exits with %d and says %s", code, errs)
	}
	endpoint := startSQS(t)
	withDead(t, endpoint, "orders", 1)
	db := postgrestest.New(t)
	succeed(t, "migrate", "--database-url", db.OwnerURL, "--contract", file)
	at := []string{"--endpoint-url", endpoint, "--queue", "orders", "--contract", file}
	succeed(t, append([]string{"send", "--count", "100", "--bad", "5", "--seed", "7"}, at...)...)
	if code, _, errs = sqs2pg(t, append([]string{"invoke", "--database-url", db.URL, "--function", bootstrap, "--idle-timeout", "500ms", "--retry-delay", "0s", "--keyring", keyring}, at...)...); code != 1 {
		t.Errorf("invoke exits with %d, want 1 for the bad messages: %s", code, errs)
	}
	rows := strings.Join(db.QueryStrings(t, "select to_jsonb(o)::text from orders o"), "\n")
	if n := strings.Count(rows, `"order_id"`); n != count-bad {
		t.Errorf("%d rows, want %d", n, count-bad)
	}
	for _, value := range personalValues(t, file, count, bad) {
		if strings.Contains(rows, value) {
			t.Errorf("%s is in the table", value)
		}
	}
	if got := db.QueryStrings(t, "select count(*)::text from orders where customer like 'k1:%' and customer_domain like 'example.%' and customer_birth_year is not distinct from date_trunc('year', customer_birth_year)"); got[0] != "95" {
		t.Errorf("%s rows are masked as the contract says", got[0])
	}
}

// personalValues are those of the messages that the command has sent, which are made again.
func personalValues(t *testing.T, file string, count int, bad float64) (values []string) {
	t.Helper()
	type person struct{ Name, Email, Phone, BirthDate string }
	c, err := contract.Load(contracts.Files, file)
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range generate.Messages([]*contract.Contract{c}, count, bad, 7) {
		if err != nil {
			t.Fatal(err)
		}
		var event struct {
			Detail struct {
				Customer person
				Card     string
				Items    []struct{ Recipient person }
			}
		}
		if json.Unmarshal(m.Body, &event) != nil {
			continue
		}
		people := []person{event.Detail.Customer}
		for _, item := range event.Detail.Items {
			people = append(people, item.Recipient)
		}
		for _, p := range people {
			values = append(values, p.Email, p.Phone)
		}
		values = append(values, event.Detail.Customer.BirthDate, event.Detail.Card)
	}
	var found []string
	for _, v := range values {
		if len(v) >= 8 && !strings.HasSuffix(v, "-01-01") {
			found = append(found, v)
		}
	}
	if len(found) < count {
		t.Fatalf("%d personal values in %d messages: the test shows nothing", len(found), count)
	}
	return found
}

// TestSendSetsTheAttributesThatAContractReads also sends events in notifications of SNS, which
// carry the attributes themselves.
func TestSendSetsTheAttributesThatAContractReads(t *testing.T) {
	t.Parallel()
	for name, wrapper := range map[string]string{"plain": "", "sns": `"x-envelope": "sns", `} {
		file := filepath.Join(t.TempDir(), name+".json")
		document := `{"x-table": "` + name + `", ` + wrapper + `"type": "object", "required": ["tenant"],
			"properties": {"tenant": {"type": "string", "x-attribute": "tenant", "pattern": "^t[0-9]{3}$"}, "n": {"type": "integer"}}}`
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		endpoint := startSQS(t)
		createQueue(t, endpoint, "events", nil)
		db := postgrestest.New(t)
		succeed(t, "migrate", "--database-url", db.OwnerURL, "--contract", file)
		at := []string{"--endpoint-url", endpoint, "--queue", "events", "--contract", file}
		succeed(t, append([]string{"send", "--count", "20", "--bad", "0"}, at...)...)
		succeed(t, append([]string{"invoke", "--database-url", db.URL, "--function", bootstrap, "--idle-timeout", "500ms", "--keyring", keyring}, at...)...)
		if got := db.QueryStrings(t, "select count(*)::text from "+name+" where tenant ~ '^t[0-9]{3}$'"); got[0] != "20" {
			t.Errorf("%s: %s rows have the attribute, want 20", name, got[0])
		}
	}
}

func TestCheckWarnsOfPersonalPropertiesAndNamesThePlaceOfMistakes(t *testing.T) {
	t.Parallel()
	unmasked := contractOfREADME(t, "unmasked.json", `, "x-mask": "drop"}`, `}`)
	if code, _, errs := sqs2pg(t, "contract", "check", unmasked); code != 0 || !strings.Contains(errs, "warning: line 11, column 7: /properties/customer/properties/name: name looks personal") {
		t.Errorf("exits with %d and says %s", code, errs)
	}
	misspelt := contractOfREADME(t, "misspelt.json", "x-normalize", "x-normalise")
	if code, _, errs := sqs2pg(t, "contract", "check", misspelt); code != 2 || !strings.Contains(errs, `line 13, column 64: /properties/customer/properties/phone/x-normalise: unknown keyword "x-normalise": did you mean "x-normalize"?`) {
		t.Errorf("exits with %d and says %s", code, errs)
	}
}

func TestDiffFailsIfTheNewContractIsNotCompatible(t *testing.T) {
	t.Parallel()
	old := contractOfREADME(t, "orders.json")
	changed := func(replacements ...string) string { return contractOfREADME(t, "new.json", replacements...) }
	for _, test := range []struct {
		name, file string
		code       int
		says       string
	}{
		{"the same", old, 0, "migrate would do nothing"},
		{"a value less", changed(`, "shipped"`, ``), 1, "new.json refuses messages that " + old + " accepts"},
		{"another mask", changed(`date-year`, `date-month`), 1, "migrate would refuse "},
	} {
		code, out, errs := sqs2pg(t, "contract", "diff", old, test.file, "--count", "200")
		if code != test.code || !strings.Contains(out+errs, test.says) {
			t.Errorf("%s: exits with %d, want %d and %q: %s%s", test.name, code, test.code, test.says, out, errs)
		}
	}
	var got struct {
		ByNew []struct{ Field, Rule string } `json:"refused_by_new"`
	}
	_, out, _ := sqs2pg(t, "contract", "diff", old, changed(`, "shipped"`, ``), "--count", "200", "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.ByNew) != 1 || got.ByNew[0].Rule != "enum" {
		t.Errorf("--json prints %s", out)
	}
}
