-- The vault: what was masked is sealed for a recipient, beside the table. The writer can only seal. Whoever recovers a value
-- has asked for it in the audit first. See infra/VAULT.md.

-- +goose Up

-- Each function that starts reads sqs2pg.tables, and would wait behind this migration.
set local lock_timeout = '10s';

-- Roles belong to the whole cluster, so a role may exist already, or another database's migration may make it at the same
-- moment. Logins are members of these roles.
-- +goose StatementBegin
do $$
declare
  missing text;
begin
  foreach missing in array array['sqs2pg_reader', 'sqs2pg_revealer', 'sqs2pg_eraser', 'sqs2pg_auditor'] loop
    continue when exists (select from pg_roles where rolname = missing);
    begin
      execute format('create role %I nologin', missing);
    exception
      when duplicate_object or unique_violation then
        null;
      when insufficient_privilege then
        raise exception 'the role % is missing, and % may not create roles', missing, current_user
          using errcode = 'insufficient_privilege', hint = 'have an administrator run: create role ' || missing || ' nologin';
    end;
  end loop;
end
$$;
-- +goose StatementEnd

create schema sqs2pg_vault;
revoke all on schema sqs2pg_vault from public;
grant usage on schema sqs2pg_vault to sqs2pg_writer, sqs2pg_revealer;
grant usage on schema sqs2pg to sqs2pg_revealer, sqs2pg_auditor;
comment on schema sqs2pg_vault is 'What was masked, sealed for a recipient. Dumps for analysts leave it out: pg_dump -N ''sqs2pg_vault*''.';

-- The public keys that values are sealed for. sqs2pg migrate adds a row for each key that it is given.
create table sqs2pg_vault.recipients (
  id            text not null,
  kem           text not null,
  public_key    text not null,
  locator       text not null,
  state         text not null default 'active',
  registered_at timestamptz not null default now(),
  constraint recipients_pkey primary key (id),
  constraint recipients_state_check check (state in ('active', 'revoked'))
);
comment on table sqs2pg_vault.recipients is 'The public keys that values are sealed for.';
comment on column sqs2pg_vault.recipients.locator is 'Where the private key is: the ARN of a KMS key; empty for a key in a file.';
comment on column sqs2pg_vault.recipients.state is 'Nothing is sealed for a key that is revoked.';
grant select (id, state) on sqs2pg_vault.recipients to sqs2pg_writer;
grant select on sqs2pg_vault.recipients to sqs2pg_revealer;

-- A writer makes a session at its start and then every hour. The content key of its seals is derived from enc by whoever has
-- the private key. Sealed rows have no foreign key, which would cost the writer a look-up for each.
create table sqs2pg_vault.sessions (
  id         uuid not null,
  recipient  text not null,
  enc        bytea not null,
  created_at timestamptz not null default now(),
  constraint sessions_pkey primary key (id),
  constraint sessions_recipient_fkey foreign key (recipient) references sqs2pg_vault.recipients (id)
);
comment on table sqs2pg_vault.sessions is 'The sessions of writers. Without its session no sealed value can be opened.';
grant insert (id, recipient, enc) on sqs2pg_vault.sessions to sqs2pg_writer;
grant select on sqs2pg_vault.sessions to sqs2pg_revealer;

alter table sqs2pg.tables
  add column recovered            text[],
  add column subject              text,
  add column vault_retention_days integer,
  add column vault_days           integer not null generated always as
    (least(coalesce(retention_days, 1826), coalesce(vault_retention_days, 36500), 36500)) stored,
  add constraint tables_recovered_check check (cardinality(recovered) > 0),
  add constraint tables_vault_retention_days_check check (vault_retention_days > 0);
comment on column sqs2pg.tables.recovered is 'The paths of the properties that are sealed; null if there is no vault table.';
comment on column sqs2pg.tables.subject is 'The column that says whom an event is about; null if the contract does not say.';
comment on column sqs2pg.tables.vault_retention_days is 'How many days sealed values are kept; null keeps them as long as their rows. sqs2pg maintain sets it.';
comment on column sqs2pg.tables.vault_days is 'How many days old an event may be to be sealed: window_days, or the vault''s retention if that is less.';
grant select on sqs2pg.tables, sqs2pg.keys to sqs2pg_revealer;

-- Functions that run have read the states of the recipients. They read them again for another epoch.
-- +goose StatementBegin
create function sqs2pg.raise_epochs() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform from sqs2pg.tables t where t.recovered is not null order by t.table_schema, t.table_name for update;
  update sqs2pg.tables set epoch = epoch + 1 where recovered is not null;
  return null;
end
$$;
-- +goose StatementEnd
create trigger recipients_tell_writers after update of state or delete on sqs2pg_vault.recipients
  for each statement execute function sqs2pg.raise_epochs();

-- Analysts read the tables; who reveals looks for rows in them. See schema.DDL.
-- +goose StatementBegin
do $$
declare
  t sqs2pg.tables;
begin
  for t in select * from sqs2pg.tables loop
    continue when to_regclass(format('%I.%I', t.table_schema, t.table_name)) is null;
    execute format('grant usage on schema %I to sqs2pg_reader, sqs2pg_revealer', t.table_schema);
    execute format('grant select on %I.%I to sqs2pg_reader, sqs2pg_revealer', t.table_schema, t.table_name);
  end loop;
end
$$;
-- +goose StatementEnd

create function sqs2pg.vault_of(parent regclass) returns regclass
language sql stable set search_path = pg_catalog, pg_temp as $$
  select to_regclass(format('%I.%I', case t.table_schema when 'public' then 'sqs2pg_vault' else 'sqs2pg_vault_' || t.table_schema end, t.table_name))
  from sqs2pg.tables t join pg_class c on c.relname = t.table_name
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = t.table_schema
  where c.oid = parent and t.recovered is not null
$$;
comment on function sqs2pg.vault_of is 'The table with the sealed values of a registered table; null if there is none.';

-- A row says that everything about a person that was sent before a moment is erased. Nothing writes here yet.
create table sqs2pg.erasures (
  id           bigint generated always as identity,
  key_id       text not null,
  subject      text,
  before       timestamptz not null,
  state        text not null,
  report       jsonb,
  created_at   timestamptz not null default now(),
  forget_after timestamptz not null default now() + interval '90 days',
  constraint erasures_pkey primary key (id)
);
comment on table sqs2pg.erasures is 'Who was erased. An event of that person is not written if it was sent before the moment in "before".';
comment on column sqs2pg.erasures.subject is 'Token of the person, by the masking key key_id; null once no copy of an older event can come any more.';
grant select on sqs2pg.erasures to sqs2pg_auditor;

create function sqs2pg.list_erasures() returns table (key_id text, subject text, before timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.key_id, e.subject, max(e.before) from sqs2pg.erasures e where e.subject is not null group by 1, 2 order by 1, 2
$$;
comment on function sqs2pg.list_erasures is 'Lists who was erased, for the writer.';

-- The writer calls this function in each transaction that writes to a table with a vault or a subject. It holds the lock of
-- the table, shared, until the transaction ends, and refuses if anything has changed since the writer read what the database
-- knows of the table. An erasure raises the epoch, and then waits until everybody who held the lock is gone. So no
-- transaction writes by an older list of erasures.
--
-- The epoch is read by a statement of its own after the lock is there. Only in read committed does that statement have a
-- snapshot of its own, which sees what was committed while the function waited.
--
-- Each write pays for this function, so it reads one small table and sets no search_path: with a join and a path it takes four
-- times as long. The default path has the schema public, in which others may be allowed to make functions. So each call has
-- exactly the types of a function of pg_catalog, which comes first.
-- +goose StatementBegin
create function sqs2pg.enter(target regclass, epoch bigint) returns boolean
language plpgsql volatile as $$
declare
  name text[] := (pg_identify_object_as_address('pg_catalog.pg_class'::regclass::oid, target::oid, 0)).object_names; -- schema and table
  known bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the transaction is not in read committed' using errcode = 'SQ002',
      hint = 'alter role ... set default_transaction_isolation = ''read committed''';
  end if;
  perform pg_advisory_xact_lock_shared(hashtextextended('sqs2pg.enter', target::oid::bigint));
  select t.epoch into known from sqs2pg.tables t where t.table_schema = name[1] and t.table_name = name[2];
  if known is distinct from enter.epoch then
    raise exception 'the table has changed: read its epoch again' using errcode = 'SQ001';
  end if;
  return true;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.enter is 'Lets a transaction write to a table if nothing has changed since the writer read the epoch.';

-- Makes the partition of a table that covers a day, if it is missing. covered is what the partitions of the table cover.
-- +goose StatementBegin
create function sqs2pg.cover(parent regclass, width text, day date, inout covered tstzmultirange, out made text, out refusal text, out reason text)
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  wanted tstzrange := tstzrange(date_trunc(width, day::timestamptz), date_trunc(width, day::timestamptz) + ('1 ' || width)::interval);
  name_of_schema text;
  name_of_table text;
begin
  if covered @> tstzrange(day, day + 1) then
    return;
  end if;
  if covered && wanted then -- this month has partitions of a day already
    width := 'day';
    wanted := tstzrange(day, day + 1);
  end if;
  select n.nspname, c.relname into name_of_schema, name_of_table
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
  made := name_of_table || '_p' || to_char(lower(wanted), case width when 'day' then 'YYYYMMDD' else 'YYYYMM' end);
  if covered && wanted then
    refusal := '42P17';
    reason := format('a partition of %s covers only a part of %s: attach one for the rest of that day', parent, day);
    made := null;
  elsif to_regclass(format('%I.%I', name_of_schema, made)) is not null then
    refusal := '23000';
    reason := format('%I.%I has the name of a partition of %s and is not one: rename it', name_of_schema, made, parent);
    made := null;
  else
    execute format('create table %I.%I (like %s including all)', name_of_schema, made, parent);
    execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
      parent, name_of_schema, made, lower(wanted), upper(wanted));
    covered := covered + tstzmultirange(wanted);
  end if;
end
$$;
-- +goose StatementEnd

-- It returns a row for each day, as before, and now makes the partition of the vault as well, for days that are sealed. A day
-- counts as refused if either partition is.
drop function sqs2pg.make_partitions;
-- +goose StatementBegin
create function sqs2pg.make_partitions(parent regclass, days date[], only_vault boolean default false)
returns table (day date, made text, refusal text, reason text, vault text)
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
#variable_conflict use_variable
declare
  registered sqs2pg.tables;
  vault_table regclass := sqs2pg.vault_of(parent);
  covered tstzmultirange;
  vault_covered tstzmultirange;
begin
  select t.* into registered
    from sqs2pg.tables t join pg_class c on c.relname = t.table_name
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = t.table_schema
    where c.oid = parent and t.mode = 'insert';
  if not found then
    raise exception 'table % is not one that sqs2pg partitions', parent using errcode = 'undefined_table';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('sqs2pg.make_partition', parent::oid::bigint));
  covered := sqs2pg.covered_by(parent);
  vault_covered := sqs2pg.covered_by(vault_table);
  for day in select distinct d from unnest(days) as d where d is not null order by d loop
    made := null;
    refusal := null;
    reason := null;
    vault := null;
    if not only_vault then
      select c.* into covered, made, refusal, reason from sqs2pg.cover(parent, registered.partition_width, day, covered) c;
    end if;
    if refusal is null and vault_table is not null and day >= (now() - make_interval(days => registered.vault_days))::date then
      select c.* into vault_covered, vault, refusal, reason from sqs2pg.cover(vault_table, registered.partition_width, day, vault_covered) c;
    end if;
    return next;
  end loop;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.make_partitions is 'Makes the partitions of a registered table, and of its vault, that cover the given days, whenever they are.';

-- What the partitions of a table cover, without the DEFAULT partition.
create function sqs2pg.covered_by(parent regclass) returns tstzmultirange
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(range_agg(p.during), '{}') from sqs2pg.partitions_of(parent) p where not p.is_default and not p.pending
$$;

-- +goose StatementBegin
create or replace function sqs2pg.ensure_partitions(parent regclass, days date[])
returns table (day date, made text, refusal text, reason text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
#variable_conflict use_column
declare
  vault_table regclass := sqs2pg.vault_of(parent);
  first_day date;
  last_day date;
  first_sealed date;
  covered tstzmultirange;
  sealed tstzmultirange;
  missing date[];
begin
  if cardinality(days) > 100 then
    raise exception '% days in one call, at most 100 are allowed', cardinality(days) using errcode = 'program_limit_exceeded';
  end if;
  select now() - make_interval(days => t.window_days), now() + make_interval(mins => t.ahead_minutes), now() - make_interval(days => t.vault_days)
    into first_day, last_day, first_sealed
    from sqs2pg.tables t join pg_class c on c.relname = t.table_name
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = t.table_schema
    where c.oid = parent and t.mode = 'insert';
  covered := (select coalesce(range_agg(p.during), '{}') from sqs2pg.partitions_of(parent) p where not p.pending);
  sealed := case when vault_table is null then '{(,)}' else sqs2pg.covered_by(vault_table) + tstzmultirange(tstzrange(null, first_sealed)) end;
  return query
    select d, null::text, case when d not between first_day and last_day then '22008' end, null::text from unnest(days) as d
    where d not between first_day and last_day or covered * sealed @> tstzrange(d, d + 1);
  days := array(select d from unnest(days) as d where d between first_day and last_day and not covered * sealed @> tstzrange(d, d + 1));
  missing := array(select d from unnest(days) as d where not covered @> tstzrange(d, d + 1));
  if first_day is null or cardinality(missing) > 0 then
    return query select m.day, m.made, m.refusal, m.reason from sqs2pg.make_partitions(parent, missing) m;
  end if;
  days := array(select unnest(days) except select unnest(missing));
  if cardinality(days) > 0 then
    return query select m.day, m.made, m.refusal, m.reason from sqs2pg.make_partitions(parent, days, only_vault => true) m;
  end if;
end
$$;
-- +goose StatementEnd

-- Every look into the vault. Each entry holds the hash of the one before it and of itself, so that no entry can be changed or
-- taken out without all that follow. No value and no key of an event stands here, and no free text.
create table sqs2pg.audit (
  seq         bigint not null,
  at_us       bigint not null,
  login       text not null,
  caller      text not null,
  action      text not null,
  purpose     text not null,
  ticket      text not null,
  target      text not null,
  fields      text[] not null,
  n           bigint not null,
  keys_sha256 bytea not null,
  xid         xid8 not null,
  prev        bytea not null,
  hash        bytea not null,
  constraint audit_pkey primary key (seq),
  constraint audit_prev_key unique (prev)
);
create index audit_at_us_idx on sqs2pg.audit (at_us);
comment on table sqs2pg.audit is 'Every look into the vault, as a chain of hashes: sqs2pg vault audit verify.';
comment on column sqs2pg.audit.at_us is 'When, in microseconds since 1970.';
comment on column sqs2pg.audit.login is 'The login of the session.';
comment on column sqs2pg.audit.caller is 'Who that was by their own account, such as the ARN of an identity; it is not checked.';
comment on column sqs2pg.audit.n is 'How many events were asked for.';
comment on column sqs2pg.audit.keys_sha256 is 'Of the events that were asked for; see sqs2pg.hash_of_keys.';
comment on column sqs2pg.audit.xid is 'The transaction that added the entry.';
comment on column sqs2pg.audit.prev is 'The hash of the entry before; zeros for the first.';
grant select on sqs2pg.audit to sqs2pg_auditor;

-- +goose StatementBegin
create function sqs2pg.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'entries of the audit are neither changed nor deleted' using errcode = 'insufficient_privilege';
end
$$;
-- +goose StatementEnd
create trigger audit_is_only_added_to before update or delete or truncate on sqs2pg.audit
  for each statement execute function sqs2pg.refuse_change();
alter table sqs2pg.audit enable always trigger audit_is_only_added_to;

create table sqs2pg.reveal_limit (
  only_row        boolean not null default true,
  events_per_hour bigint not null default 1000,
  constraint reveal_limit_pkey primary key (only_row),
  constraint reveal_limit_only_row_check check (only_row)
);
insert into sqs2pg.reveal_limit default values;
comment on table sqs2pg.reveal_limit is 'How many events a login may ask for in an hour. The owner may change it; without the row nothing is revealed.';

-- A text as its length and its bytes, so that no two lists of texts have the same bytes.
create function sqs2pg.framed(value text) returns bytea
language sql stable set search_path = pg_catalog, pg_temp as $$
  select int8send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8')
$$;

-- The hash of an entry covers all its columns, as integers and texts. Package disclosure computes the same.
create function sqs2pg.hash_of(e sqs2pg.audit) returns bytea
language sql stable set search_path = pg_catalog, pg_temp as $$
  select sha256(e.prev || int8send(e.seq) || int8send(e.at_us)
    || sqs2pg.framed(e.login) || sqs2pg.framed(e.caller) || sqs2pg.framed(e.action) || sqs2pg.framed(e.purpose)
    || sqs2pg.framed(e.ticket) || sqs2pg.framed(e.target) || int8send(cardinality(e.fields))
    || coalesce((select string_agg(sqs2pg.framed(f), '' order by i) from unnest(e.fields) with ordinality as u (f, i)), '')
    || int8send(e.n) || e.keys_sha256 || int8send(e.xid::text::bigint))
$$;

-- How many events are named, each counted once, and a hash that does not depend on their order.
create function sqs2pg.hash_of_keys(times timestamptz[], events uuid[], out n bigint, out hash bytea)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select count(*), sha256(coalesce(string_agg(int8send(k.us) || uuid_send(k.id), '' order by k.us, k.id), ''))
  from (select distinct (extract(epoch from s) * 1000000)::bigint as us, e as id from unnest(times, events) as u (s, e)) k
$$;

-- Asks to look into the vault at the named events of a table, for the purpose and the ticket. It adds an entry to the audit
-- and returns its number and hash, the head of the chain. Nothing is given out before the entry is committed; see
-- sqs2pg.fetch. SQ003 is an argument that is not allowed, SQ004 the limit of an hour.
-- +goose StatementBegin
create function sqs2pg.request(target regclass, purpose text, ticket text, caller text, fields text[],
  times timestamptz[], events uuid[], out seq bigint, out n bigint, out hash bytea)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '10s' set quote_all_identifiers = off as $$
#variable_conflict use_variable
declare
  head sqs2pg.audit;
  entry sqs2pg.audit;
  asked bigint;
  allowed bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the transaction is not in read committed' using errcode = 'SQ002';
  end if;
  case
    when (purpose in ('fraud', 'support', 'legal', 'access-request', 'incident')) is not true then
      raise exception 'the purpose is not one of fraud, support, legal, access-request and incident' using errcode = 'SQ003';
    when (ticket ~ '^[A-Z][A-Z0-9]{0,15}-[0-9]{1,12}$') is not true then
      raise exception 'the ticket does not look like ABC-123' using errcode = 'SQ003';
    when (caller ~ '^[A-Za-z0-9_+=,.@:/-]{0,255}$') is not true then
      raise exception 'the caller is not an ARN or another name without spaces' using errcode = 'SQ003';
    when not exists (
      select from pg_class c join pg_namespace s on s.oid = c.relnamespace
      join sqs2pg.tables t on t.table_schema = s.nspname and t.table_name = c.relname
      where c.oid = target and fields <@ t.recovered and cardinality(fields) between 1 and cardinality(t.recovered) and array_position(fields, null) is null) then
      raise exception 'the table has no vault, or not these fields in it: run sqs2pg migrate with this contract' using errcode = 'SQ003';
    when (cardinality(times) = cardinality(events) and cardinality(times) between 1 and 100000
      and array_position(times, null) is null and array_position(events, null) is null) is not true then
      raise exception 'no events are named, or more than 100000' using errcode = 'SQ003';
    else
      null;
  end case;

  lock table sqs2pg.audit in exclusive mode; -- the next statement sees what others committed until now
  select * into head from sqs2pg.audit a order by a.seq desc limit 1;
  entry.seq := coalesce(head.seq, 0) + 1;
  entry.at_us := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
  entry.login := session_user;
  entry.caller := caller;
  entry.action := 'reveal';
  entry.purpose := purpose;
  entry.ticket := ticket;
  entry.target := (select format('%I.%I', s.nspname, c.relname) from pg_class c join pg_namespace s on s.oid = c.relnamespace where c.oid = target);
  entry.fields := fields;
  select k.n, k.hash into entry.n, entry.keys_sha256 from sqs2pg.hash_of_keys(times, events) k;
  entry.xid := pg_current_xact_id();
  entry.prev := coalesce(head.hash, decode(repeat('00', 32), 'hex'));
  entry.hash := sqs2pg.hash_of(entry);

  asked := (select coalesce(sum(a.n), 0) from sqs2pg.audit a where a.login = entry.login and a.at_us > entry.at_us - 3600000000);
  allowed := (select l.events_per_hour from sqs2pg.reveal_limit l);
  if (asked + entry.n <= allowed) is not true then
    raise exception 'the limit of % events in an hour is reached: % were asked for', allowed, asked using errcode = 'SQ004';
  end if;
  insert into sqs2pg.audit values (entry.*);
  seq := entry.seq;
  n := entry.n;
  hash := entry.hash;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.request is 'Asks to look into the vault: adds an entry to the audit, which sqs2pg.fetch needs.';

-- Gives out the sealed values of the events that a request named. The request must have been committed, by another
-- transaction of the same login, in the last 5 minutes (else SQ005), and be on the disk (else SQ006): a crash must not lose
-- an entry whose values were given out. A commit with synchronous_commit off can be seen before it is on the disk.
--
-- The head that the request was is written to the server's log, because the owner of the database could make the whole chain
-- anew. In request it would be too early: that transaction may still be rolled back.
--
-- An event that has no row any more is left out, whatever its vault still holds. From since on, and before until: a query
-- locks each partition that it may have to read, and the events of five years would need more locks than there are (53200).
-- +goose StatementBegin
create function sqs2pg.fetch(request bigint, times timestamptz[], events uuid[], since timestamptz default '-infinity', until timestamptz default 'infinity')
returns table (sent_at timestamptz, event_id uuid, session uuid, sealed bytea)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO' as $$
#variable_conflict use_column
declare
  entry sqs2pg.audit;
  age_us bigint;
  written pg_lsn;
  first_time timestamptz;
  last_time timestamptz;
  patience timestamptz := clock_timestamp() + interval '1 second';
begin
  select * into entry from sqs2pg.audit a where a.seq = request and a.login = session_user and a.action = 'reveal';
  age_us := (extract(epoch from clock_timestamp()) * 1000000)::bigint - entry.at_us;
  if (age_us between -5000000 and 300000000) is not true then
    raise exception 'there is no request of this number by this login in the last 5 minutes' using errcode = 'SQ005';
  elsif entry.xid = pg_current_xact_id_if_assigned() or pg_xact_status(entry.xid) is distinct from 'committed' then
    raise exception 'the request is not committed' using errcode = 'SQ005';
  elsif (select k.n = entry.n and k.hash = entry.keys_sha256 from sqs2pg.hash_of_keys(times, events) k) is not true then
    raise exception 'these are not the events that the request named' using errcode = 'SQ005';
  end if;
  written := pg_current_wal_insert_lsn();
  while pg_current_wal_flush_lsn() < written loop
    if clock_timestamp() > patience then
      raise exception 'the request is not on the disk yet' using errcode = 'SQ006',
        hint = 'commit something with synchronous_commit on, then fetch again';
    end if;
    perform pg_sleep(0.005);
  end loop;
  raise log 'sqs2pg audit head of %: % %', quote_ident(current_database()), entry.seq, encode(entry.hash, 'hex');
  if sqs2pg.vault_of(entry.target::regclass) is null then
    raise exception 'the table has no vault any more' using errcode = 'SQ005';
  end if;
  select min(s), max(s) into first_time, last_time from unnest(times) s where s >= since and s < until;
  return query execute format(
    'select v.sent_at, v.event_id, v.session, v.sealed
     from (select distinct s, e from unnest($1, $2) as u (s, e)) k join %s v on v.sent_at = k.s and v.event_id = k.e
     where v.sent_at between %3$L and %4$L
       and exists (select from %2$s t where t.sent_at = v.sent_at and t.event_id = v.event_id and t.sent_at between %3$L and %4$L)',
    sqs2pg.vault_of(entry.target::regclass), entry.target::regclass, first_time, last_time) using times, events;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.fetch is 'Gives out the sealed values that a committed request named.';

revoke all on all functions in schema sqs2pg from public;
grant execute on function sqs2pg.enter, sqs2pg.list_erasures to sqs2pg_writer;
grant execute on function sqs2pg.request, sqs2pg.fetch to sqs2pg_revealer;
