create table "public"."user_logins" (
  "user_id" text not null,
  "device_type" text not null,
  "masked_ip" text not null,
  "masked_device_id" text not null,
  "locale" text,
  "app_version" text not null,
  create_date date,
  sent_at timestamptz not null,
  event_id uuid not null,
  constraint "user_logins_pkey" primary key ("sent_at", "event_id")
) partition by range (sent_at);
comment on table "public"."user_logins" is 'Loaded by sqs2pg: one row per event.';
comment on column "public"."user_logins"."user_id" is 'user_id of the event, as it was sent.';
comment on column "public"."user_logins"."device_type" is 'device_type of the event, as it was sent.';
comment on column "public"."user_logins"."masked_ip" is 'ip of the event, masked: token.';
comment on column "public"."user_logins"."masked_device_id" is 'device_id of the event, masked: token.';
comment on column "public"."user_logins"."locale" is 'locale of the event, as it was sent.';
comment on column "public"."user_logins"."app_version" is 'app_version of the event, as it was sent.';
comment on column "public"."user_logins"."create_date" is 'UTC date of sent_at.';
comment on column "public"."user_logins"."sent_at" is 'When the event was sent to the queue.';
comment on column "public"."user_logins"."event_id" is 'Identifies the event over every redelivery.';
grant usage on schema "public" to sqs2pg_writer, sqs2pg_reader, sqs2pg_revealer;
grant insert, select (sent_at, event_id) on "public"."user_logins" to sqs2pg_writer;
grant select on "public"."user_logins" to sqs2pg_reader, sqs2pg_revealer;
