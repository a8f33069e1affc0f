-- What the database knows of its tables and of the masking keys, so that a function whose contract or keyring does not
-- fit is refused before its first row.

-- +goose Up

-- One row per masking key that tokens in this database were made with. A fingerprint is derived from the key and does not
-- reveal it.
create table sqs2pg.keys (
  key_id        text not null,
  fingerprint   text not null,
  registered_at timestamptz not null default now(),
  constraint keys_pkey primary key (key_id),
  constraint keys_key_id_check check (key_id ~ '^[A-Za-z0-9_-]{1,16}$'),
  constraint keys_fingerprint_check check (fingerprint ~ '^[0-9a-f]{16}$')
);
comment on table sqs2pg.keys is 'The masking keys that tokens in this database were made with.';
comment on column sqs2pg.keys.fingerprint is 'Derived from the key. The same key id with another fingerprint is refused.';

alter table sqs2pg.tables
  add column epoch           bigint not null default 1,
  add column unconfirmed_key text,
  add column token_key       text;
comment on column sqs2pg.tables.epoch is 'Raised by every change of what the database knows of the table.';
comment on column sqs2pg.tables.unconfirmed_key is
  'The table holds tokens from a release that kept no fingerprints, made by a key of this id: sqs2pg migrate --confirm-key says by which.';
comment on column sqs2pg.tables.token_key is
  'Upsert tables with a token in their key: the id of the only key that may make it. Another key would give each row a second one.';

-- Tables that hold tokens already: their key is not confirmed. A token starts with the id of its key.
-- +goose StatementBegin
do $$
declare
  t sqs2pg.tables;
  token_column text;
  relation regclass;
  id text;
begin
  for t in select * from sqs2pg.tables loop
    relation := to_regclass(format('%I.%I', t.table_schema, t.table_name));
    continue when relation is null;
    for token_column in select c ->> 'name' from jsonb_array_elements(t.columns) as c where c ->> 'mask' = 'token' loop
      execute format('select split_part(%1$I, '':'', 1) from %2$s where %1$I ~ ''^[A-Za-z0-9_-]{1,16}:[0-9a-f]{32}$'' limit 1',
        token_column, relation) into id;
      update sqs2pg.tables
        set unconfirmed_key = coalesce(id, unconfirmed_key),
            token_key = case when token_column = any (key_columns) then coalesce(id, token_key) else token_key end
        where table_schema = t.table_schema and table_name = t.table_name;
    end loop;
  end loop;
end
$$;
-- +goose StatementEnd

grant select on sqs2pg.tables, sqs2pg.keys to sqs2pg_writer;

-- Stores the fingerprint of a key at its first use. Returns the fingerprint that is stored, which the caller compares with
-- its own; null while a table's tokens are unconfirmed and the key is not known.
-- +goose StatementBegin
create function sqs2pg.register_key(id text, fingerprint text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from sqs2pg.keys k where k.key_id = id)
    and not exists (select from sqs2pg.tables t where t.unconfirmed_key is not null) then
    insert into sqs2pg.keys (key_id, fingerprint) values (id, register_key.fingerprint)
      on conflict on constraint keys_pkey do nothing;
  end if;
  return (select k.fingerprint from sqs2pg.keys k where k.key_id = id);
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.register_key is 'Stores the fingerprint of a masking key unless one is stored, and returns the stored one.';

-- Ties an upsert table with a token in its key to the key id that makes it. Returns the id that the table is tied to.
-- +goose StatementBegin
create function sqs2pg.tie_key(target regclass, id text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  name_of_schema text;
  name_of_table text;
begin
  select n.nspname, c.relname into name_of_schema, name_of_table
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target;
  update sqs2pg.tables set token_key = id
    where table_schema = name_of_schema and table_name = name_of_table and mode = 'upsert' and token_key is null
      and exists (select from sqs2pg.keys k where k.key_id = id);
  return (select token_key from sqs2pg.tables where table_schema = name_of_schema and table_name = name_of_table);
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.tie_key is 'Ties an upsert table to the masking key that makes the tokens of its key, unless it is tied.';

revoke all on all functions in schema sqs2pg from public;
grant execute on function sqs2pg.register_key, sqs2pg.tie_key to sqs2pg_writer;
