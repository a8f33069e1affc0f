package registry

import "sqs2pg/pkg/contract"

// MigratedBy is what a database knows right after a migration has made the table of a contract.
// With it two contracts can be compared without a database.
func MigratedBy(table contract.Table) Database {
	found := &Relation{Kind: kindOf(table.Mode), Key: KeyColumns(table), Guarded: table.Guarded()}
	for _, columns := range [][]contract.Column{table.Columns, table.Reserved()} {
		for _, c := range columns {
			found.Columns = append(found.Columns, ActualColumn{Name: c.Name, Type: typeName(c.Type), NotNull: c.Required})
		}
	}
	database := Database{Migrated: true, Found: found, Table: &Registration{
		Mode: table.Mode.String(), Key: table.Key, Columns: Describe(table), Width: "day", Recovered: table.Recover, Subject: table.Subject,
	}}
	if table.HasVault() {
		database.Vault = vaultRelation(table)
	}
	return database
}
