package schema_test

import (
	"testing"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// logins is a table like that of the first contract.
func logins() contract.Table {
	return contract.Table{Schema: "public", Name: "user_logins", Columns: []contract.Column{
		{Name: "user_id", Required: true, Path: "user_id"},
		{Name: "device_type", Required: true, Path: "device_type"},
		{Name: "masked_ip", Required: true, Mask: mask.Token, Path: "ip"},
		{Name: "masked_device_id", Required: true, Mask: mask.Token, Path: "device_id"},
		{Name: "locale", Path: "locale"},
		{Name: "app_version", Required: true, Path: "app_version"},
	}}
}

// profiles is an upsert table with a column of every type.
func profiles() contract.Table {
	return contract.Table{Schema: "public", Name: "profiles", Mode: contract.Upsert, Key: []string{"tenant", "user_id"}, Columns: []contract.Column{
		{Name: "tenant", Type: contract.BigInt, Required: true, Path: "tenant"},
		{Name: "user_id", Type: contract.UUID, Required: true, Path: "user.id"},
		{Name: "score", Type: contract.Double, Path: "score"},
		{Name: "active", Type: contract.Boolean, Path: "active"},
		{Name: "born", Type: contract.Date, Path: "born"},
		{Name: "seen", Type: contract.Timestamptz, Path: "seen"},
		{Name: "tags", Type: contract.JSONB, Path: "tags"},
		{Name: "ip_network", Mask: mask.Network, Path: "ip"},
		{Name: "ssn", Mask: mask.Drop, Path: "ssn"},
	}}
}

// with returns the table with its columns changed.
func with(table contract.Table, change func([]contract.Column) []contract.Column) contract.Table {
	table.Columns = change(append([]contract.Column{}, table.Columns...))
	return table
}

// owner is a pool that may do everything in the test's database.
func owner(t *testing.T, db *postgrestest.Database) *postgres.Pool {
	return postgrestest.Open(t, db.OwnerURL)
}

func apply(t *testing.T, db *postgrestest.Database, tables ...contract.Table) schema.Report {
	t.Helper()
	report, err := schema.Apply(t.Context(), owner(t, db), tables...)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
