-- The one policy for the time of events: a table's window, the partitions that the events in it need, and in upsert mode
-- which of two events is newer.

-- +goose Up

-- A stored time outside of the window would never be looked at, or soon be dropped by the retention. The ingest function
-- reads the window and refuses events outside of it; see sqs2pg.ensure_partitions for the second check.
alter table sqs2pg.tables
  add column retention_days integer,
  add column window_days    integer not null generated always as (least(coalesce(retention_days, 1826), 36500)) stored,
  add column ahead_minutes  integer not null generated always as (case mode when 'upsert' then 15 else 1440 end) stored,
  add constraint tables_retention_days_check check (retention_days > 0);
comment on column sqs2pg.tables.retention_days is 'How many days events are kept; null keeps them all. sqs2pg maintain sets it.';
comment on column sqs2pg.tables.window_days is
  'How many days old an event may be when it is written: the retention, or five years if everything is kept.';
comment on column sqs2pg.tables.ahead_minutes is
  'How many minutes ahead the time of an event may be: a day, so that a wrong clock loses nothing. In upsert mode it is '
  'less, because an event from the future wins over all events until then.';

-- The partitions of a table and what they cover. An open end is an open end of the range; the DEFAULT partition covers all.
-- pending means that a detach was cut off, so that no row goes there any more.
create function sqs2pg.partitions_of(parent regclass)
returns table (name text, during tstzrange, is_default boolean, pending boolean)
language sql stable set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
  select c.relname::text,
    tstzrange(substring(b.bounds from 'FROM \(''([^'']+)''\)')::timestamptz, substring(b.bounds from 'TO \(''([^'']+)''\)')::timestamptz),
    b.bounds = 'DEFAULT', i.inhdetachpending
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  cross join lateral (select pg_get_expr(c.relpartbound, c.oid) as bounds) b
  where i.inhparent = parent
$$;
comment on function sqs2pg.partitions_of is 'Lists the partitions of a table and what they cover.';

-- Makes the partitions that cover the given days in UTC, where they are missing. Returns a row for each day: the name of the
-- partition if it was made; or an SQLSTATE and the reason if a table is in the way, so that the day is not covered.
--
-- It makes a separate table and attaches it, which needs only a SHARE UPDATE EXCLUSIVE lock on the parent and allows inserts
-- meanwhile; CREATE TABLE ... PARTITION OF would need ACCESS EXCLUSIVE. Calls for the same table wait for each other.
-- +goose StatementBegin
create function sqs2pg.make_partitions(parent regclass, days date[])
returns table (day date, made text, refusal text, reason text)
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
#variable_conflict use_variable
declare
  registered sqs2pg.tables;
  covered tstzmultirange;
  whole_day tstzrange;
  wanted tstzrange;
  width text;
begin
  select t.* into registered
    from sqs2pg.tables t join pg_class c on c.relname = t.table_name
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = t.table_schema
    where c.oid = parent and t.mode = 'insert';
  if not found then
    raise exception 'table % is not one that sqs2pg partitions', parent using errcode = 'undefined_table';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('sqs2pg.make_partition', parent::oid::bigint));
  covered := (select coalesce(range_agg(p.during), '{}') from sqs2pg.partitions_of(parent) p where not p.is_default and not p.pending);
  for day in select distinct d from unnest(days) as d where d is not null order by d loop
    made := null;
    refusal := null;
    reason := null;
    whole_day := tstzrange(day, day + 1);
    if not covered @> whole_day then
      width := registered.partition_width;
      wanted := tstzrange(date_trunc(width, day::timestamptz), date_trunc(width, day::timestamptz) + ('1 ' || width)::interval);
      if covered && wanted then -- this month has partitions of a day already
        width := 'day';
        wanted := whole_day;
      end if;
      made := registered.table_name || '_p' || to_char(lower(wanted), case width when 'day' then 'YYYYMMDD' else 'YYYYMM' end);
      if covered && wanted then
        refusal := '42P17';
        reason := format('a partition of %s covers only a part of %s: attach one for the rest of that day', parent, day);
        made := null;
      elsif to_regclass(format('%I.%I', registered.table_schema, made)) is not null then
        refusal := '23000';
        reason := format('%I.%I has the name of a partition of %s and is not one: rename it', registered.table_schema, made, parent);
        made := null;
      else
        execute format('create table %I.%I (like %s including all)', registered.table_schema, made, parent);
        execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
          parent, registered.table_schema, made, lower(wanted), upper(wanted));
        covered := covered + tstzmultirange(wanted);
      end if;
    end if;
    return next;
  end loop;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.make_partitions is 'Makes the partitions of a registered table that cover the given days, whenever they are.';

-- The writer may call this function. It runs with the owner's rights, but only for days in the table's window, so that a
-- wrong clock or a faulty producer cannot fill the database with tables. A DEFAULT partition takes what the others do not.
-- +goose StatementBegin
create function sqs2pg.ensure_partitions(parent regclass, days date[])
returns table (day date, made text, refusal text, reason text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
#variable_conflict use_column
declare
  first_day date;
  last_day date;
  covered tstzmultirange;
begin
  if cardinality(days) > 100 then
    raise exception '% days in one call, at most 100 are allowed', cardinality(days) using errcode = 'program_limit_exceeded';
  end if;
  select now() - make_interval(days => t.window_days), now() + make_interval(mins => t.ahead_minutes) into first_day, last_day
    from sqs2pg.tables t join pg_class c on c.relname = t.table_name
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = t.table_schema
    where c.oid = parent and t.mode = 'insert';
  covered := (select coalesce(range_agg(p.during), '{}') from sqs2pg.partitions_of(parent) p where not p.pending);
  return query
    select d, null::text, case when d not between first_day and last_day then '22008' end, null::text from unnest(days) as d
    where d not between first_day and last_day or covered @> tstzrange(d, d + 1);
  days := array(select d from unnest(days) as d where d between first_day and last_day and not covered @> tstzrange(d, d + 1));
  if first_day is null or cardinality(days) > 0 then
    return query select * from sqs2pg.make_partitions(parent, days);
  end if;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.ensure_partitions is 'Makes the partitions of a registered table that cover the given days, as far as they are in its window.';

-- Tables in upsert mode keep which of two events of the same time is newer.
-- +goose StatementBegin
do $$
declare
  relation regclass;
begin
  set local lock_timeout = '10s';
  for relation in select to_regclass(format('%I.%I', table_schema, table_name)) from sqs2pg.tables where mode = 'upsert' loop
    continue when relation is null;
    execute format('alter table %s add column if not exists event_version uuid', relation);
    execute format('comment on column %s.event_version is %L', relation,
      'Of two events of the same sent_at the greater is newer: the sequence number of a FIFO queue; null means event_id.');
  end loop;
end
$$;
-- +goose StatementEnd

-- The release before this one calls the two functions below. They can go with the next release.
-- +goose StatementBegin
create or replace function sqs2pg.make_partition(parent regclass, at timestamptz, width text default null) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  r record;
begin
  select * into r from sqs2pg.make_partitions(parent, array[(at at time zone 'UTC')::date]);
  if r.refusal is not null then
    raise exception '%', r.reason using errcode = r.refusal;
  end if;
  return r.made;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function sqs2pg.ensure_partition(parent regclass, at timestamptz) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  r record;
begin
  select * into r from sqs2pg.ensure_partitions(parent, array[(at at time zone 'UTC')::date]);
  if r.refusal is not null then
    raise exception '%', coalesce(r.reason, 'the time is outside of the table''s window') using errcode = r.refusal;
  end if;
  return r.made;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.ensure_partition is 'For the release before: makes the partition that covers a moment in the window of a registered table.';

revoke all on all functions in schema sqs2pg from public;
grant execute on function sqs2pg.partitions_of, sqs2pg.ensure_partitions to sqs2pg_writer;
