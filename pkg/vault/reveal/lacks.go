package reveal

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/disclosure"
)

var errNoSession = errors.New("their session is lost: restore sqs2pg_vault.sessions from a backup")

// lacks counts what was asked for and is not revealed, by reason.
type lacks struct {
	days    int // how old an event may be to be sealed
	reasons []string
	counts  map[string]int
}

func (l *lacks) add(reason string) { l.reasons = append(l.reasons, reason) }

// closed counts an event whose values do not open.
func (l *lacks) closed(err error) {
	l.inc("%d do not open: " + strings.ReplaceAll(err.Error(), "%", "%%"))
}

// notAsked counts an event whose key is not at hand.
func (l *lacks) notAsked(err error) {
	l.inc("%d not asked for: " + strings.ReplaceAll(err.Error(), "%", "%%"))
}

func (l *lacks) inc(format string) {
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[format]++
}

// note counts the events that have nothing sealed although their row shows that there was a value.
func (l *lacks) note(table contract.Table, keys []disclosure.Key, rows map[disclosure.Key][]byte, sealed []disclosure.Sealed) {
	has := map[disclosure.Key]bool{}
	for _, s := range sealed {
		has[s.Key] = true
	}
	oldest := time.Now().AddDate(0, 0, -l.days)
	for _, key := range keys {
		switch {
		case has[key] || !holds(table, rows[key]):
		case key.SentAt.Before(oldest):
			l.inc(fmt.Sprintf("%%d past the retention of the vault, %d days", l.days))
		case table.Mode == contract.Upsert:
			l.inc("%d without a sealed value: replaced by a newer event meanwhile, or loaded before x-recover")
		default:
			l.inc("%d without a sealed value, such as one that was loaded before x-recover")
		}
	}
}

// holds reports whether a row has a value in a column of a property that can be recovered.
func holds(table contract.Table, row []byte) bool {
	var columns map[string]json.RawMessage
	if json.Unmarshal(row, &columns) != nil {
		return false
	}
	return slices.ContainsFunc(table.Columns, func(c contract.Column) bool {
		return slices.Contains(table.Recover, c.Path) && string(columns[c.Name]) != "null"
	})
}

// all lists the reasons with their counts.
func (l *lacks) all() []string {
	all := slices.Clone(l.reasons)
	for format, n := range l.counts {
		all = append(all, fmt.Sprintf(format, n))
	}
	slices.Sort(all)
	return all
}
