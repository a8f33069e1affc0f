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
  add column epoch              bigint not null default 1,
  add column tokens_unconfirmed boolean not null default false,
  add column token_key          text;
comment on column sqs2pg.tables.epoch is 'Raised by every change of what the database knows of the table.';
comment on column sqs2pg.tables.tokens_unconfirmed is
  'The table holds tokens from a release that kept no fingerprints: sqs2pg migrate --confirm-key names the key that made them.';
comment on column sqs2pg.tables.token_key is
  'Upsert tables with a token in their key: the id of the only key that may make it. Another key would give each row a second one.';

-- Tables that hold tokens already: nobody has said which key made them. A token starts with the id of its key.
-- +goose StatementBegin
do $$
declare
  t sqs2pg.tables;
  token_column text;
  relation regclass;
begin
  for t in select * from sqs2pg.tables where columns @> '[{"mask": "token"}]' loop
    relation := to_regclass(format('%I.%I', t.table_schema, t.table_name));
    continue when relation is null;
    execute format('update sqs2pg.tables set tokens_unconfirmed = exists (select from %s)
      where table_schema = $1 and table_name = $2', relation) using t.table_schema, t.table_name;
    select c ->> 'name' into token_column from jsonb_array_elements(t.columns) as c
      where c ->> 'mask' = 'token' and c ->> 'name' = any (t.key_columns) limit 1;
    if found then
      execute format('update sqs2pg.tables set token_key = (select split_part(%I, '':'', 1) from %s limit 1)
        where table_schema = $1 and table_name = $2', token_column, relation) using t.table_schema, t.table_name;
    end if;
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
    and not exists (select from sqs2pg.tables t where t.tokens_unconfirmed) then
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
    where table_schema = name_of_schema and table_name = name_of_table and mode = 'upsert' and token_key is null;
  return (select token_key from sqs2pg.tables where table_schema = name_of_schema and table_name = name_of_table);
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.tie_key is 'Ties an upsert table to the masking key that makes the tokens of its key, unless it is tied.';

revoke all on all functions in schema sqs2pg from public;
grant execute on function sqs2pg.register_key, sqs2pg.tie_key to sqs2pg_writer;
