-- A table with a vault or a subject refuses rows of a transaction that has not entered it. Without that, rows would be neither
-- sealed nor checked for erased people, and nobody would notice: those of a function of an older release, or of an older
-- contract, that runs on after the migration; and those of a statement by hand.

-- +goose Up

-- The triggers wait for transactions that write, and new writers wait behind them.
set local lock_timeout = '10s';

-- As in 0004_vault.sql, and now it also notes which table was entered, until the transaction ends. The note is of the table
-- that was entered last. It is no secret, and anybody can set it: it finds mistakes, not attacks.
-- +goose StatementBegin
create or replace function sqs2pg.enter(target regclass, epoch bigint) returns boolean
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
  return pg_catalog.set_config('sqs2pg.entered', target::oid::text, true) is not null;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function sqs2pg.refuse_rows() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'the transaction has not entered table %, so its rows may be neither sealed nor checked for erased people', tg_relid::regclass
    using errcode = 'SQ007', hint = format(
      'A function: deploy the release and the contract that the table was migrated for. By hand, if none of the people is erased: begin; '
      'select sqs2pg.enter(%L, (select epoch from sqs2pg.tables where table_schema = %L and table_name = %L)); then your statement; commit',
      tg_relid::regclass, tg_table_schema, tg_table_name);
end
$$;
-- +goose StatementEnd

-- The trigger fires after a statement, because the writer's INSERT enters the table by itself. It fires for a statement of no
-- rows, too. The condition costs good statements no call. Replicas that apply changes, and restores that load the rows before
-- they make triggers, are not kept from it. DELETE needs no permission.
-- +goose StatementBegin
create function sqs2pg.guard(target regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format(
    'create or replace trigger sqs2pg_guard after insert or update on %1$s for each statement
     when (current_setting(''sqs2pg.entered'', true) is distinct from %1$L::regclass::oid::text) execute function sqs2pg.refuse_rows()', target);
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.guard is 'Makes a table refuse rows of transactions that have not called sqs2pg.enter for it.';

-- +goose StatementBegin
do $$
declare
  t sqs2pg.tables;
  relation regclass;
begin
  for t in select * from sqs2pg.tables where recovered is not null or subject is not null order by table_schema, table_name loop
    relation := to_regclass(format('%I.%I', t.table_schema, t.table_name));
    continue when relation is null;
    perform sqs2pg.guard(relation);
  end loop;
end
$$;
-- +goose StatementEnd

revoke all on function sqs2pg.refuse_rows, sqs2pg.guard from public;
