package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Recorder is a transaction that runs queries, and notes what would change something instead of
// running it. It is not safe for concurrent use.
type Recorder struct {
	pgx.Tx
	Steps Steps
}

// Exec notes the statement. A plain select changes nothing and is left out.
func (r *Recorder) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if !strings.HasPrefix(strings.TrimSpace(sql), "select from ") {
		r.Steps.Add(filledIn(sql, args))
	}
	return pgconn.CommandTag{}, nil
}

// filledIn is a statement with its arguments in place of $1, $2 and so on.
func filledIn(sql string, args []any) string {
	for i := len(args); i > 0; i-- { // $12 before $1
		sql = strings.ReplaceAll(sql, "$"+strconv.Itoa(i), literal(args[i-1]))
	}
	lines := strings.Split(strings.TrimSpace(sql), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "\t\t") // the indentation of Go
	}
	return strings.Join(lines, "\n")
}

// literal is a value as SQL: a number, or a string constant that Postgres turns into the type of the
// place where it stands.
func literal(value any) string {
	var text string
	switch v := value.(type) {
	case int:
		return strconv.Itoa(v)
	case string:
		text = v
	case []string:
		quoted, _ := json.Marshal(v) // strings only: cannot fail
		text = "{" + strings.Trim(string(quoted), "[]") + "}"
	default:
		document, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprintf("/* %v */ null", err)
		}
		text = string(document)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}
