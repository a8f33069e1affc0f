-- Makes what all tables share: the role that may write, the list of tables, and the functions that
-- make partitions. The tables themselves are made from their contracts; see apply.go.

-- +goose Up

-- The ingest function's login is a member of this role. Roles belong to the whole cluster, so the
-- role may exist already, or another database's migration may make it at the same moment.
-- +goose StatementBegin
do $$
begin
  if not exists (select from pg_roles where rolname = 'sqs2pg_writer') then
    create role sqs2pg_writer nologin;
  end if;
exception
  when duplicate_object or unique_violation then
    null;
  when insufficient_privilege then
    raise exception 'the role sqs2pg_writer is missing, and % may not create roles', current_user
      using errcode = 'insufficient_privilege', hint = 'have an administrator run: create role sqs2pg_writer nologin';
end
$$;
-- +goose StatementEnd

revoke all on schema sqs2pg from public;
grant usage on schema sqs2pg to sqs2pg_writer;

-- One row per table that was made from a contract, as the contract was when it was last applied.
create table sqs2pg.tables (
  table_schema    text not null,
  table_name      text not null,
  mode            text not null,
  key_columns     text[] not null,
  columns         jsonb not null,
  partition_width text not null default 'day',
  applied_at      timestamptz not null default now(),
  constraint tables_pkey primary key (table_schema, table_name),
  constraint tables_mode_check check (mode in ('insert', 'upsert')),
  constraint tables_partition_width_check check (partition_width in ('day', 'month'))
);
comment on table sqs2pg.tables is 'The tables that sqs2pg made from contracts. Change a contract, not this.';
comment on column sqs2pg.tables.columns is 'The contract''s columns: [{"name", "type", "required", "mask"}].';
comment on column sqs2pg.tables.partition_width is 'How much time of sent_at a new partition covers: day or month, in UTC.';

-- Makes the partition that covers a moment, unless one exists. Returns the name of the partition
-- that it made, else null. It makes a separate table and attaches it, which needs only a SHARE
-- UPDATE EXCLUSIVE lock on the parent and allows inserts meanwhile; CREATE TABLE ... PARTITION OF
-- would need ACCESS EXCLUSIVE. Calls for the same table wait for each other at the advisory lock.
-- +goose StatementBegin
create function sqs2pg.make_partition(parent regclass, at timestamptz, width text default null) returns text
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  registered sqs2pg.tables;
  first_moment timestamptz;
  end_moment timestamptz;
  partition text;
  there regclass;
begin
  select t.* into registered
    from sqs2pg.tables t join pg_class c on c.relname = t.table_name
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = t.table_schema
    where c.oid = parent and t.mode = 'insert';
  if not found then
    raise exception 'table % is not one that sqs2pg partitions', parent using errcode = 'undefined_table';
  end if;
  width := coalesce(width, registered.partition_width);
  first_moment := date_trunc(width, at);
  end_moment := first_moment + ('1 ' || width)::interval;
  partition := registered.table_name || '_p' || to_char(first_moment, case width when 'day' then 'YYYYMMDD' else 'YYYYMM' end);

  perform pg_advisory_xact_lock(hashtextextended('sqs2pg.make_partition', parent::oid::bigint));
  there := to_regclass(format('%I.%I', registered.table_schema, partition));
  if exists (select from pg_inherits where inhparent = parent and inhrelid = there) then
    return null;
  elsif there is not null then
    raise exception 'the name % is taken by a table that is no partition of %: rename it', partition, parent
      using errcode = 'integrity_constraint_violation', constraint = partition;
  end if;
  execute format('create table %I.%I (like %s including all)', registered.table_schema, partition, parent);
  execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
    parent, registered.table_schema, partition, first_moment, end_moment);
  return partition;
exception
  when invalid_object_definition then -- it would overlap a partition of another width
    if width = 'day' then
      return null;
    end if;
    return sqs2pg.make_partition(parent, at, 'day'); -- this month has partitions of a day already
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.make_partition is 'Makes the partition of a registered table that covers a moment, whenever that is.';

-- The writer may call this function. It runs with the owner's rights, but only for moments that
-- events can have, so that a wrong clock or a faulty producer cannot fill the database with tables.
-- +goose StatementBegin
create function sqs2pg.ensure_partition(parent regclass, at timestamptz) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if (at between now() - interval '5 years' and now() + interval '1 year') is not true then
    raise exception 'no partition is made for a time more than 5 years ago or 1 year ahead' using errcode = 'datetime_field_overflow';
  end if;
  return sqs2pg.make_partition(parent, at);
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.ensure_partition is 'Makes the partition of a registered table that covers a moment from 5 years ago to 1 year ahead.';

revoke all on all functions in schema sqs2pg from public;
grant execute on function sqs2pg.ensure_partition to sqs2pg_writer;
