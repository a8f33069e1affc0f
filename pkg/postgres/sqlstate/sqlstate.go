// Package sqlstate says what the error codes of Postgres mean for a writer: what happened in our
// words, and whether a row, the set-up or the moment is at fault.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
package sqlstate

// The codes of sqs2pg.enter, and of tables that were not entered. Their class is no class of
// Postgres.
const (
	Outdated       = "SQ001" // what was read of the table before is no longer true
	wrongIsolation = "SQ002"
	Unentered      = "SQ007" // whoever writes knows nothing of the table's vault or subject
)

// reasons are looked up by SQLSTATE, then by its class.
var reasons = map[string]string{
	"08":     "the connection was lost",
	"26000":  "a pooler lost a prepared statement",
	"42P05":  "a pooler lost a prepared statement",
	"28":     "user or password refused: check the credentials",
	"3D000":  "no such database: create it, or correct the name",
	"40":     "the transaction was rolled back",
	"42501":  "the role may not do this: run sqs2pg migrate, make the role a member of sqs2pg_writer, and check the table's row-level security",
	"42704":  "the server does not know a parameter of the connection: check what follows the ? in the URL",
	"42703":  "a column is missing: run sqs2pg migrate",
	"42883":  "a function is missing: run sqs2pg migrate, and check the table's triggers",
	"42P01":  "the table is missing: run sqs2pg migrate",
	"42P10":  "the table does not have the key of its contract: run sqs2pg migrate",
	"3F000":  "the schema is missing: create it by create schema, then run sqs2pg migrate",
	"42":     "the table differs from its contract: run sqs2pg migrate",
	"25006":  "the server is read-only: it may be a replica, or failing over",
	"53":     "the server is out of resources",
	"53100":  "the server's disk is full",
	"53300":  "the server has no connection left: lower the concurrency, or raise max_connections",
	"55P03":  "a lock was not free in time",
	"57":     "the server ended the work",
	"57014":  "the server's statement timeout ended the work",
	"57P03":  "the server is not ready for connections yet",
	Outdated: "the table has changed since the writer has read what is known of it",

	Unentered: "the table has a vault or a subject, of which this function knows nothing, so it may not write there: deploy the release and the contract that the table was migrated for",

	wrongIsolation: "the transaction is not in read committed: reset default_transaction_isolation of the role or the database",
}

// Reason says in our own words what a code means and, where a person can repair it, how. advice
// replaces what a writer gets: its keys are codes or their classes. It may be nil.
func Reason(code string, advice map[string]string) string {
	for _, known := range []map[string]string{advice, reasons} {
		for _, key := range []string{code, Class(code)} {
			if reason, ok := known[key]; ok {
				return reason
			}
		}
	}
	return "the server refused the work"
}

// Class is the class of a code, its first two characters.
func Class(code string) string { return code[:min(2, len(code))] }

// Kind says what to do about an error.
type Kind uint8

const (
	SetupFault Kind = iota // a person has to repair something; until then no row can be written
	Transient              // a retry may succeed
	RowRefused             // at least one row was refused; others may be written
	Reread                 // a retry may succeed, after what is known of the table was read again
)

// kinds by SQLSTATE or class; all others are a SetupFault. 21 is a key twice in one statement. 54
// is a value that is too large for an index, or nested too deeply. P0 comes from triggers that
// people write to refuse rows.
var kinds = map[string]Kind{
	"21": RowRefused, "22": RowRefused, "23": RowRefused, "44": RowRefused, "54": RowRefused, "P0": RowRefused,
	Outdated: Reread,
	"08":     Transient, "40": Transient, "53": Transient, "57": Transient, "25006": Transient, "55P03": Transient,
}

// KindOf returns the kind of a code.
func KindOf(code string) Kind {
	if kind, ok := kinds[code]; ok {
		return kind
	}
	return kinds[Class(code)]
}
