create table "public"."profiles" (
  "tenant" bigint not null,
  "user_id" uuid not null,
  "score" double precision,
  "active" boolean,
  "born" date,
  "seen" timestamptz,
  "tags" jsonb,
  "ip_network" text,
  "ssn" text,
  create_date date,
  sent_at timestamptz not null,
  event_id uuid not null,
  event_version uuid,
  constraint "profiles_pkey" primary key ("tenant", "user_id")
);
comment on table "public"."profiles" is 'Loaded by sqs2pg: the newest event per key.';
comment on column "public"."profiles"."tenant" is 'tenant of the event, as it was sent.';
comment on column "public"."profiles"."user_id" is 'user.id of the event, as it was sent.';
comment on column "public"."profiles"."score" is 'score of the event, as it was sent.';
comment on column "public"."profiles"."active" is 'active of the event, as it was sent.';
comment on column "public"."profiles"."born" is 'born of the event, as it was sent.';
comment on column "public"."profiles"."seen" is 'seen of the event, as it was sent.';
comment on column "public"."profiles"."tags" is 'tags of the event, as it was sent.';
comment on column "public"."profiles"."ip_network" is 'ip of the event, masked: ip-network.';
comment on column "public"."profiles"."ssn" is 'ssn of the event, never stored.';
comment on column "public"."profiles"."create_date" is 'UTC date of sent_at.';
comment on column "public"."profiles"."sent_at" is 'When the event was sent to the queue.';
comment on column "public"."profiles"."event_id" is 'Identifies the event over every redelivery.';
comment on column "public"."profiles"."event_version" is 'Of two events of the same sent_at the greater is newer: the sequence number of a FIFO queue; null means event_id.';
grant usage on schema "public" to sqs2pg_writer, sqs2pg_reader, sqs2pg_revealer;
grant insert, select, update on "public"."profiles" to sqs2pg_writer;
grant select on "public"."profiles" to sqs2pg_reader, sqs2pg_revealer;
