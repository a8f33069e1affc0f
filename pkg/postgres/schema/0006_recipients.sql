-- Whoever reveals learns first for which key events are sealed: a person may have the keys of some of them only.

-- +goose Up

-- Says for whom the named events of a table are sealed, so that nobody asks for what his keys cannot open. It gives out
-- nothing that is sealed, so the audit has no entry of it. Events without a sealed value or its session are left out.
-- +goose StatementBegin
create function sqs2pg.sealed_for(target regclass, times timestamptz[], events uuid[])
returns table (sent_at timestamptz, event_id uuid, recipient text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO' as $$
begin
  if sqs2pg.vault_of(target) is null then
    return;
  end if;
  return query execute format(
    'select v.sent_at, v.event_id, s.recipient
     from unnest($1, $2) as k (s, e) join %s v on v.sent_at = k.s and v.event_id = k.e join sqs2pg_vault.sessions s on s.id = v.session
     where v.sent_at between %L and %L', sqs2pg.vault_of(target), (select min(t) from unnest(times) t), (select max(t) from unnest(times) t)) using times, events;
end
$$;
-- +goose StatementEnd
comment on function sqs2pg.sealed_for is 'Says for which recipient events are sealed. It gives out nothing that is sealed.';
revoke all on function sqs2pg.sealed_for from public;
grant execute on function sqs2pg.sealed_for to sqs2pg_revealer;
