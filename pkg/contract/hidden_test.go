package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sqs2pg/pkg/contract"
)

// A Record, a Row or a Value prints none of its text, also inside of something else.
func TestRecordsAndRowsPrintAsHidden(t *testing.T) {
	t.Parallel()
	c := load(t, "user_logins")
	record, err := c.Decode([]byte(loginWith("u-1", "Ann Secret")))
	if err != nil {
		t.Fatal(err)
	}
	row := c.Mask(keyring(t), record)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		expectHidden(t, verb, fmt.Sprintf(verb, row.Value(0)))
		expectHidden(t, verb, fmt.Sprintf(verb, []contract.Value{row.Value(0)}))
	}
	type unexported struct {
		record contract.Record
		row    *contract.Row
		rows   []contract.Row
	}
	for _, thing := range []any{
		record, &record, row, &row, []contract.Record{record}, map[string]contract.Row{"row": row},
		unexported{record, &row, []contract.Row{row}}, &unexported{record, &row, []contract.Row{row}},
		fmt.Errorf("wrapped: %v", row),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%p", "%20v"} {
			expectHidden(t, verb, fmt.Sprintf(verb, thing))
		}
		text, err := json.Marshal(thing)
		if err != nil {
			t.Error(err)
		}
		expectHidden(t, "JSON", string(text))
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "thing", thing)
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "thing", thing)
		expectHidden(t, "slog", log.String())
	}
}

func expectHidden(t *testing.T, how, text string) {
	t.Helper()
	for _, secret := range []string{"Ann", "416e6e", "65 110 110", "android", "616e64", "k1:", "6b313a"} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
			t.Errorf("%s printed %s", how, text)
		}
	}
}

func TestMaskPanicsForRecordOfAnotherContract(t *testing.T) {
	t.Parallel()
	record, err := load(t, "user_logins").Decode([]byte(login))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("Mask took a record that another contract decoded")
		}
	}()
	load(t, "testdata/order_placed.json").Mask(keyring(t), record)
}

// The record of a batch is overwritten by the next one. A row of the wrong values must not be
// written.
func TestMaskPanicsForRecordAfterTheNextOneOfItsBatch(t *testing.T) {
	t.Parallel()
	rows := load(t, "user_logins").Rows(keyring(t), 2)
	record, err := rows.Decode(contract.Message{Body: []byte(login)})
	if err != nil {
		t.Fatal(err)
	}
	rows.Decode(contract.Message{Body: []byte(login)})
	defer func() {
		if recover() == nil {
			t.Error("Mask took a record after the next one was decoded")
		}
	}()
	rows.Mask(record)
}
