package schema

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
)

// Preview returns the newest rows of a table, at most n, with the names of all columns. Each value
// is as Postgres prints it, and NULL is "NULL". It is for people to look at. It needs a role that
// may read the table, which the writer may not. The error is a *postgres.Unavailable.
func Preview(ctx context.Context, pool *postgres.Pool, table contract.Table, n int) (columns []string, rows [][]string, err error) {
	result, err := pool.Pgx().Query(ctx, "select * from "+sqltext.Table(table)+" order by sent_at desc, event_id limit $1",
		pgx.QueryResultFormats{pgx.TextFormatCode}, n)
	if err != nil {
		return nil, nil, safe(err)
	}
	defer result.Close()
	for _, field := range result.FieldDescriptions() {
		columns = append(columns, field.Name)
	}
	for result.Next() {
		var row []string
		for _, value := range result.RawValues() {
			if value == nil {
				value = []byte("NULL")
			}
			row = append(row, string(value))
		}
		rows = append(rows, row)
	}
	if err := result.Err(); err != nil {
		return nil, nil, safe(err)
	}
	return columns, rows, nil
}
