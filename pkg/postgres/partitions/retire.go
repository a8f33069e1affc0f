package partitions

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres/sqltext"
)

// retired is the comment that a partition gets before it is detached. A plain table with this
// comment was detached by an earlier run that was cut off before it could drop it.
func (p parent) retired() string {
	return "sqs2pg: past the retention of " + p.full() + ", detached to be dropped"
}

// keptSince is the time before which everything is past the retention.
func (p parent) keptSince() time.Time { return time.Now().AddDate(0, 0, -p.days) }

// retire drops the partitions that can only hold what is past the retention, and what an earlier run
// detached but did not drop.
func (r *run) retire(ctx context.Context, from parent) error {
	partitions, err := list(ctx, r.conn, from.quoted())
	if err != nil {
		return err
	}
	for _, p := range expired(partitions, from.keptSince()) {
		if err := r.detach(ctx, from, p, detachMode(partitions, p)); err != nil {
			return err
		}
	}
	return r.dropDetached(ctx, from)
}

// expired returns the partitions whose upper bound is not after before.
func expired(partitions []partition, before time.Time) (old []partition) {
	for _, p := range partitions {
		if !p.isDefault && !p.to.After(before) {
			old = append(old, p)
		}
	}
	return old
}

// detachMode is how a partition is detached: without blocking anybody if possible, which Postgres
// refuses if the table has a DEFAULT partition.
func detachMode(partitions []partition, p partition) string {
	switch {
	case p.pending:
		return "finalize"
	case slices.ContainsFunc(partitions, func(p partition) bool { return p.isDefault }):
		return ""
	}
	return "concurrently"
}

func (r *run) detach(ctx context.Context, from parent, p partition, mode string) error {
	name := p.quoted(from.schema)
	if err := r.comment(ctx, name, sqltext.Literal(from.retired())); err != nil {
		return err
	}
	_, err := r.conn.Exec(ctx, "alter table "+from.quoted()+" detach partition "+name+" "+mode)
	if err != nil { // it may stay a partition; a person who detaches it later may want to keep it
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = r.comment(ctx, name, "null")
	}
	return err
}

func (r *run) comment(ctx context.Context, name, literal string) error {
	_, err := r.conn.Exec(ctx, "comment on table "+name+" is "+literal)
	return err
}

// dropDetached drops the tables that this run, or an earlier one, has detached.
func (r *run) dropDetached(ctx context.Context, from parent) error {
	names, err := detached(ctx, r.conn, from)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := r.conn.Exec(ctx, "drop table "+sqltext.Name(from.schema, name)); err != nil {
			return err
		}
		r.report.Dropped = append(r.report.Dropped, from.schema+"."+name)
	}
	return nil
}

// detached returns the names of the tables that were partitions and are to be dropped.
func detached(ctx context.Context, q Querier, from parent) ([]string, error) {
	rows, err := q.Query(ctx, `
		select c.relname from pg_class c
		where c.relnamespace = $1::text::regnamespace and c.relkind = 'r' and not c.relispartition and obj_description(c.oid, 'pg_class') = $2
		order by 1`, sqltext.Name(from.schema), from.retired())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
