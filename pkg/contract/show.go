package contract

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Texts shows a masked row as name=value, in the order of the columns. It is for messages that a
// person has given to be tried: values of the plain columns are personal data.
func (c *Contract) Texts(row Row) []string {
	texts := make([]string, row.Len())
	for i, col := range c.Table().Columns {
		texts[i] = col.Name + "=" + text(col.Type, row.Value(i))
	}
	return texts
}

// Values returns a masked row as encoding/json prints it, by the names of its columns. Times, numeric
// and other types that JSON lacks are text. Values of the plain columns are personal data, too.
func (c *Contract) Values(row Row) map[string]any {
	values := map[string]any{}
	for i, col := range c.Table().Columns {
		switch v := row.Value(i); {
		case v.IsNull():
			values[col.Name] = nil
		case col.Type == BigInt:
			values[col.Name] = v.Int()
		case col.Type == Double:
			values[col.Name] = v.Float()
		case col.Type == Boolean:
			values[col.Name] = v.Bool()
		case col.Type == JSONB:
			values[col.Name] = json.RawMessage(text(col.Type, v))
		default:
			values[col.Name] = text(col.Type, v)
		}
	}
	return values
}

func text(t Type, v Value) string {
	switch {
	case v.IsNull():
		return "NULL"
	case t == BigInt:
		return fmt.Sprint(v.Int())
	case t == Double:
		return fmt.Sprint(v.Float())
	case t == Boolean:
		return fmt.Sprint(v.Bool())
	case t == UUID:
		return uuid.UUID(v.UUID()).String()
	case t == Date:
		return v.Time().Format(time.DateOnly)
	case t == Timestamptz:
		return v.Time().Format(time.RFC3339Nano)
	default:
		return v.Text()
	}
}
