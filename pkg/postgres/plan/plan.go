// Package plan is SQL that would change a database, with the locks that it would take.
//
// A person who is about to migrate a table in use wants to see what will run, and who will wait for
// it. The code that changes a table runs on a Recorder instead of a transaction, so the plan is what
// it would do, and not a second description of it.
package plan

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Step is SQL that runs in one go, and the locks that it takes on tables that exist.
type Step struct {
	SQL   string `json:"sql"` // one statement or several; each ends with a semicolon
	Locks []Lock `json:"locks,omitempty"`
}

// Lock is a lock of a table, and of its partitions if it has any.
// https://www.postgresql.org/docs/current/explicit-locking.html
type Lock struct {
	Table string `json:"table"`
	Mode  string `json:"mode"`
}

// modes are the locks that changes take, the weakest first, and who waits for them.
var modes = []struct{ name, effect string }{
	{"access share", "nobody waits"},
	{"row exclusive", "nobody waits"},
	{"share update exclusive", "rows are written and read meanwhile"},
	{"share row exclusive", "who writes waits until it is done"},
	{"access exclusive", "who writes or reads waits until it is done"},
}

func strength(mode string) int {
	return slices.IndexFunc(modes, func(m struct{ name, effect string }) bool { return m.name == mode })
}

// String is "ACCESS EXCLUSIVE on public.orders: who writes or reads waits until it is done".
func (l Lock) String() string {
	effect := "it conflicts with other locks"
	if i := strength(l.Mode); i >= 0 {
		effect = modes[i].effect
	}
	return fmt.Sprintf("%s on %s: %s", strings.ToUpper(l.Mode), strings.ReplaceAll(l.Table, `"`, ""), effect)
}

// Steps are a plan.
type Steps []Step

// silent are the steps that can take no lock of a table.
var silent = regexp.MustCompile(`^(begin;|commit;|-- [^\n]*$)`)

// Join appends the steps of another plan, without those that s has already: what all tables share is
// changed once.
func (s *Steps) Join(other Steps) {
	for _, step := range other {
		known := slices.ContainsFunc(*s, func(have Step) bool { return have.SQL == step.SQL })
		if !known || step.SQL == "begin;" || step.SQL == "commit;" {
			*s = append(*s, step)
		}
	}
}

// Note appends a comment.
func (s *Steps) Note(text string) { *s = append(*s, Step{SQL: "-- " + text}) }

// Print writes the plan as SQL, with the locks in comments.
func (s Steps) Print(w io.Writer) {
	for i, step := range s {
		if i > 0 {
			fmt.Fprintln(w)
		}
		for _, lock := range step.Locks {
			fmt.Fprintln(w, "-- lock:", lock)
		}
		if len(step.Locks) == 0 && !silent.MatchString(step.SQL) {
			fmt.Fprintln(w, "-- lock: none on a table that exists")
		}
		fmt.Fprintln(w, step.SQL)
	}
}

// Add appends a step. Its locks are found in the SQL, except for more, and without those of tables
// that the plan makes. Between the steps begin and commit they last until commit.
func (s *Steps) Add(sql string, more ...Lock) {
	sql = strings.TrimRight(sql, " \t\n;") + ";"
	step := Step{SQL: sql}
	for _, lock := range append(locks(sql), more...) {
		if !s.makes(lock.Table) && !created(sql, lock.Table) {
			step.Locks = append(step.Locks, lock)
		}
	}
	*s = append(*s, step)
}

func (s *Steps) makes(table string) bool {
	return slices.ContainsFunc(*s, func(step Step) bool { return created(step.SQL, table) })
}

func created(sql, table string) bool { return strings.Contains(sql, "create table "+table+" ") }

// name is a table's name, quoted or not, with or without its schema.
const name = `((?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?)`

// takes lists what takes a lock, by the start of a statement. The first that matches counts. A lock
// is on the table of the first group, others on that of the second.
var takes = []struct {
	statement     *regexp.Regexp
	first, second string // mode
}{
	{statement(`alter table ` + name + ` attach partition ` + name), "share update exclusive", "access exclusive"},
	{statement(`alter table ` + name + ` detach partition ` + name + ` (?:concurrently|finalize)`), "share update exclusive", "access exclusive"},
	{statement(`alter table ` + name + ` detach partition ` + name), "access exclusive", "access exclusive"},
	{statement(`alter table ` + name), "access exclusive", ""},
	{statement(`drop table ` + name), "access exclusive", ""},
	{statement(`lock table ` + name), "access exclusive", ""},
	{statement(`create table \S+ \(like ` + name), "access share", ""},
	{statement(`comment on table ` + name), "share update exclusive", ""},
	{statement(`comment on column ` + name + `\.`), "share update exclusive", ""},
	{statement(`select sqs2pg\.guard\('` + name + `'\)`), "share row exclusive", ""},
	{statement(`(?:insert into|update|delete from) ` + name), "row exclusive", ""},
}

func statement(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)^\s*` + pattern) }

// locks returns the strongest lock of each table, the strongest lock first.
func locks(sql string) []Lock {
	strongest := map[string]string{}
	add := func(table, mode string) {
		if strength(mode) > strength(strongest[table]) {
			strongest[table] = mode
		}
	}
	for line := range strings.Lines(sql) {
		for _, t := range takes {
			found := t.statement.FindStringSubmatch(line)
			if found == nil {
				continue
			}
			if add(found[1], t.first); t.second != "" {
				add(found[2], t.second)
			}
			break
		}
	}
	var all []Lock
	for table, mode := range strongest {
		all = append(all, Lock{table, mode})
	}
	slices.SortFunc(all, func(a, b Lock) int {
		return cmp.Or(strength(b.Mode)-strength(a.Mode), cmp.Compare(a.Table, b.Table))
	})
	return all
}
