package disclosure

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
)

// Selection says which rows of a table are looked for: those that meet all of its fields that are
// set.
type Selection struct {
	EventIDs [][16]byte
	Columns  []string // rows in which one of these columns has one of Values, as text
	Values   []string
	Where    string // a condition in SQL
	After    *Key   // rows behind this one, by time and event
}

// Row is a row of a contract's table as it is stored.
type Row struct {
	Key
	JSON []byte // its columns, as to_jsonb prints them
}

// conditionAdvice by SQLSTATE, for people who write a condition.
var conditionAdvice = map[string]string{
	"42501": advice["42501"],
	"42":    "the database refused the query: check the condition",
	"22":    "the database refused a value in the query: check the condition",
	"42P01": "a table is not there: run sqs2pg migrate, or correct the database or the condition",
	"42703": "a column is not there: correct the condition, or run sqs2pg migrate",
	"42601": "the condition has a mistake of syntax: write what stands behind where in SQL, without a semicolon",
	"25006": "the condition would change something: take that out",
}

// Find returns the first rows that a selection has, at most limit, by time and event. It reads the
// table only, and changes nothing, whatever the condition says. It
// needs a login that may read the table. The error is a *postgres.Unavailable.
func Find(ctx context.Context, pool *postgres.Pool, table contract.Table, s Selection, limit int) (rows []Row, err error) {
	sql, args := s.query(table, limit)
	err = pgx.BeginTxFunc(ctx, pool.Pgx(), pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		found, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (r Row, err error) {
			err = row.Scan(&r.SentAt, &r.EventID, &r.JSON)
			r.SentAt = r.SentAt.UTC()
			return r, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s: %w", table.FullName(), postgres.NewUnavailable(err, conditionAdvice))
	}
	return rows, nil
}

// query is the SELECT, with its arguments. The table has no alias, so that a condition may name it.
func (s Selection) query(table contract.Table, limit int) (sql string, args []any) {
	where, args := s.where()
	return fmt.Sprintf("select sent_at, event_id, to_jsonb(%s.*) from %s where %s order by sent_at, event_id limit %d",
		sqltext.Name(table.Name), sqltext.Table(table), where, limit), args
}

// where is the condition, with its arguments.
func (s Selection) where() (sql string, args []any) {
	argument := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	conditions := []string{"true"}
	if s.EventIDs != nil {
		conditions = append(conditions, "event_id = any("+argument(s.EventIDs)+")")
	}
	if s.Columns != nil {
		var texts []string
		for _, column := range s.Columns {
			texts = append(texts, sqltext.Name(column)+"::text")
		}
		conditions = append(conditions, "array["+strings.Join(texts, ", ")+"] && "+argument(s.Values)+"::text[]")
	}
	if s.After != nil {
		conditions = append(conditions, "(sent_at, event_id) > ("+argument(s.After.SentAt)+", "+argument(s.After.EventID)+")")
	}
	if s.Where != "" {
		conditions = append(conditions, "("+s.Where+"\n)") // the condition may end in a comment
	}
	return strings.Join(conditions, " and "), args
}
