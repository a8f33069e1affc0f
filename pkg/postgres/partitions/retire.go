package partitions

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// retired is the comment that a partition gets before it is detached. A plain table with this
// comment was detached by an earlier run that was cut off before it could drop it.
func (r *run) retired() string {
	return "sqs2pg: past the retention of " + r.report.Table + ", detached to be dropped"
}

// retire drops the partitions whose upper bound is not after before, and what an earlier run
// detached but did not drop.
func (r *run) retire(ctx context.Context, before time.Time) error {
	partitions, err := list(ctx, r.conn, r.name())
	if err != nil {
		return err
	}
	concurrently := "concurrently" // Postgres refuses it if the table has a DEFAULT partition
	for _, p := range partitions {
		if p.isDefault {
			concurrently = ""
		}
	}
	for _, p := range partitions {
		if p.isDefault || p.to.After(before) {
			continue
		}
		if err := r.detach(ctx, p, concurrently); err != nil {
			return err
		}
	}
	return r.dropDetached(ctx)
}

func (r *run) detach(ctx context.Context, p partition, concurrently string) error {
	if p.pending {
		concurrently = "finalize"
	}
	name := p.quoted(r.table.Schema)
	if err := r.comment(ctx, name, "'"+strings.ReplaceAll(r.retired(), "'", "''")+"'"); err != nil {
		return err
	}
	_, err := r.conn.Exec(ctx, "alter table "+r.name()+" detach partition "+name+" "+concurrently)
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
func (r *run) dropDetached(ctx context.Context) error {
	rows, err := r.conn.Query(ctx, `
		select c.relname from pg_class c
		where c.relnamespace = $1::text::regnamespace and c.relkind = 'r' and not c.relispartition and obj_description(c.oid, 'pg_class') = $2
		order by 1`, quote(r.table.Schema), r.retired())
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := r.conn.Exec(ctx, "drop table "+quote(r.table.Schema, name)); err != nil {
			return err
		}
		r.report.Dropped = append(r.report.Dropped, r.table.Schema+"."+name)
	}
	return nil
}
